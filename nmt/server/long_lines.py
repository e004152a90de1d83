"""The lines of a text. Cuts long ones into parts that take turns, and joins what is made of them.

The translator cuts lines too, where its model needs it. Here a line of a hundred sentences becomes
several pieces of work, so that the lines of others need not wait for all of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from nmt.translator import Terms, Translation
from nmt.translator.parts import Cutting, Part, join
from nmt.translator.translator import PROTECTION

UNIT_TOKENS = 256  # a line with more is cut, at ends of sentences
LONGEST = 4 * UNIT_TOKENS  # a sentence with more is cut too


class PlainText:
    """A text whose lines are translated one by one. All between them stays, blank lines too.

    texts: its lines without outer white space or a mark of the byte order.
    """

    def __init__(self, text: str) -> None:
        self._whole = text.splitlines(keepends=True)
        self.texts = [inner for line in self._whole if (inner := _inner(line))]

    def filled(self, translations: Sequence[str]) -> str:
        """The text with a translation in the place of each line."""
        found = iter(translations)
        return "".join(
            line.replace(inner, next(found), 1) if (inner := _inner(line)) else line
            for line in self._whole
        )


def _inner(line: str) -> str:
    return line.strip().removeprefix("\ufeff").lstrip()


def estimated_tokens(text: str) -> int:
    """About how many tokens a text has: one for each four bytes, as counting them takes longer."""
    return len(text.encode("utf-8", "surrogatepass")) // 4 + 1


@dataclass(frozen=True)
class LineCutter:
    """Cuts lines of one language and joins the translations of their parts.

    sentences: as of ``Translator.translate``: "line" lets no line be cut.
    """

    src_lang: str
    tgt_lang: str
    sentences: str

    def cut(self, lines: Sequence[str], terms: Sequence[Terms]) -> list[list[Part]]:
        """The parts of each line, one of most. A line that must begin with a prefix or hold a term
        stays whole: only the translator can tell which part should."""
        cutting = Cutting(
            language=self.src_lang,
            sentences="auto",
            most_sentences=UNIT_TOKENS,  # in effect as many as fit
            usual_tokens=UNIT_TOKENS,
            longest=LONGEST,
            spans=PROTECTION.find,
        )
        cuts = []
        for line, own in zip(lines, terms, strict=True):
            tokens = estimated_tokens(line)
            whole = own.prefix or own.require or self.sentences == "line"
            long = tokens > UNIT_TOKENS and not whole
            parts = cutting(line, tokens, estimated_tokens) if long else []
            cuts.append(parts if len(parts) > 1 else [Part(0, line, tokens)])
        return cuts

    def joined(
        self, line: str, parts: Sequence[Part], translations: Sequence[Translation]
    ) -> Translation:
        """The translation of a line, with the white space around it and between its parts."""
        if len(parts) == 1:
            return translations[0]
        one = join(line, parts, translations, src_lang=self.src_lang, tgt_lang=self.tgt_lang)
        start, end = line[: parts[0].start], line[parts[-1].end :]
        return one.rewritten(lambda text: start + text + end)
