"""What the model reads in place of a text, and how to get the text back from its output.

Spans that must be copied, such as ``{name}`` or a web address, are replaced by placeholders, which
the model has learnt to copy. A text all in capitals is given in normal case, as models see little
text in capitals, and its translation is raised again.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from nmt.languages import is_written_without_spaces
from nmt.text.sentences import Span
from nmt.text.spans import Protection
from nmt.text.variants import lower, upper
from nmt.translator.parts import units_before, units_up_to
from nmt.translator.translation import Alignment

_WORD = re.compile(r"[^\W\d_]{2,}")
_LEAST_WORDS = 2  # in capitals: a single one may be an abbreviation, such as NATO


@dataclass(frozen=True)
class ModelText:
    """A source as the model reads it.

    text: normalised. masked: the same, with a placeholder for each of ``spans``, in order.
    tag: what stands before ``masked``, such as the token of a language.
    raised: whether the text is all in capitals, and the translation must be.
    """

    text: str
    masked: str
    tag: str = ""
    spans: tuple[str, ...] = ()
    placeholders: tuple[str, ...] = ()
    raised: bool = False
    src_lang: str = ""
    tgt_lang: str = ""

    def restored(self, output: str) -> str:
        """The model's output with each span in the place of its placeholder. A placeholder of no
        span and one that came before are left out."""
        if not self.placeholders:
            return upper(output, self.tgt_lang) if self.raised else output
        text, left = [], dict(zip(self.placeholders, self.spans, strict=False))
        for piece in re.split(f"([{''.join(self.placeholders)}])", output):
            if piece in self.placeholders:
                text.append(left.pop(piece, ""))
            else:
                text.append(upper(piece, self.tgt_lang) if self.raised else piece)
        return "".join(text)

    def holds_all(self, output: str) -> bool:
        """Whether the model's output has each span's placeholder once, and no other."""
        wanted = self.placeholders[: len(self.spans)]
        found = [character for character in output if character in self.placeholders]
        return sorted(found) == sorted(wanted)

    def links(self, links: Alignment, output: str) -> Alignment:
        """Links between the words of ``masked`` and of the output as links between the words of
        ``text`` and of the restored output: a span may have several words."""
        if not self.spans and not self.tag:
            return links
        by_character = is_written_without_spaces(self.src_lang)
        tagged = units_up_to(self.tag, len(self.tag), by_character)
        src = _units_of(self.masked, self.placeholders, self.spans, by_character)
        by_character = is_written_without_spaces(self.tgt_lang)
        tgt = _units_of(output, self.placeholders, self.spans, by_character)
        pairs = {
            (one, other)
            for i, j in links
            if tagged <= i < tagged + len(src) and j < len(tgt)
            for one in src[i - tagged]
            for other in tgt[j]
        }
        return tuple(sorted(pairs))

    def confidence(self, values: Sequence[float], output: str) -> tuple[float, ...]:
        """The confidence of each word of the output as that of each word of the restored output:
        the smallest where several became one."""
        if not self.spans:
            return tuple(values)
        by_character = is_written_without_spaces(self.tgt_lang)
        text = self.restored(output)
        found = [1.0] * units_up_to(text, len(text), by_character)
        units = _units_of(output, self.placeholders, self.spans, by_character)
        for value, places in zip(values, units, strict=False):
            for place in places[: max(0, len(found) - places.start)]:
                found[place] = min(found[place], value)
        return tuple(found)


def model_text(
    text: str,
    *,
    tag: str,
    protection: Protection | None,
    placeholders: Sequence[str],
    normal_case: bool,
    src_lang: str,
    tgt_lang: str,
) -> ModelText:
    """Prepares a normalised text for the model.

    protection: what to replace by placeholders; as many spans as there are placeholders.
    normal_case: whether to translate a text in capitals in normal case.
    """
    found = protection.find(text) if protection else []
    found = sorted([*found, *_literal(text, placeholders, found)])
    lowered = normal_case and is_in_capitals(text, found)
    hidden = found[: len(placeholders)]
    masked, end = [], 0
    for number, span in enumerate(found):
        between = text[end : span.start]
        kept = placeholders[number] if number < len(hidden) else text[span.start : span.end]
        masked += [lower(between, src_lang) if lowered else between, kept]
        end = span.end
    masked.append(lower(text[end:], src_lang) if lowered else text[end:])
    joined = "".join(masked)
    return ModelText(
        text=text,
        masked=_capitalised(joined, src_lang) if lowered else joined,
        tag=tag,
        spans=tuple(text[span.start : span.end] for span in hidden),
        placeholders=tuple(placeholders),
        raised=lowered,
        src_lang=src_lang,
        tgt_lang=tgt_lang,
    )


def is_in_capitals(text: str, protected: Sequence[Span] = ()) -> bool:
    """Whether all of a text's words are in capitals, two words or more."""
    for span in reversed(protected):
        text = text[: span.start] + " " + text[span.end :]
    return text.isupper() and len(_WORD.findall(text)) >= _LEAST_WORDS


def _literal(text: str, placeholders: Sequence[str], found: Sequence[Span]) -> list[Span]:
    """Characters of the text that are placeholders by chance, outside of what was found."""
    inside = {place for span in found for place in range(span.start, span.end)}
    return [
        Span(place, place + 1)
        for place, character in enumerate(text)
        if character in placeholders and place not in inside
    ]


def _capitalised(text: str, language: str) -> str:
    first = re.search(r"[^\W\d_]", text)
    if not first:
        return text
    return text[: first.start()] + upper(first[0], language) + text[first.end() :]


def _units_of(
    masked: str, placeholders: Sequence[str], spans: Sequence[str], by_character: bool
) -> list[range]:
    """For each word (or character) of a masked text, those of the text with its spans."""
    inserted = dict(zip(placeholders, spans, strict=False))
    pieces = [inserted.get(c, "" if c in placeholders else c) for c in masked]
    ends = [0, *accumulate(map(len, pieces))]
    text = "".join(pieces)
    return [
        range(
            units_before(text, ends[unit.start()], by_character),
            units_up_to(text, ends[unit.end()], by_character),
        )
        for unit in re.finditer(r"\S" if by_character else r"\S+", masked)
    ]
