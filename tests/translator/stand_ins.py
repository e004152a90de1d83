"""What stands in for a translator of texts of documents, and what checks its work."""

import re
from collections.abc import Callable, Sequence

from nmt.translator import Translation
from nmt.translator.documents import read_document
from nmt.translator.questions import Question, Translate, answered

_TAG = re.compile("(</?n*[gx][0-9]+/?>)")

Texts = Callable[[Sequence[str]], Sequence[str]]
"""Texts, each a single line, -> their translations, one for each."""


def same(texts: Sequence[str]) -> list[str]:
    return list(texts)


def capitals(texts: Sequence[str]) -> list[str]:
    """Capitals, the tags kept."""
    return ["".join(p if _TAG.fullmatch(p) else p.upper() for p in _TAG.split(t)) for t in texts]


def careless(texts: Sequence[str]) -> list[str]:
    """Capitals, in tags too: these are lost."""
    return [text.upper() for text in texts]


def always(*made: str) -> Texts:
    """These texts in turn, whatever is asked."""
    return lambda texts: [made[place % len(made)] for place, _ in enumerate(texts)]


def answering(translate: Texts, *, aligned: bool = False) -> Translate:
    """Answers by these translations. aligned: word by word, in order; else without alignment."""

    def answer(question: Question) -> list[Translation]:
        made = translate(question.lines)
        assert len(made) == len(question.lines)
        links = [[(n, n) for n, _ in enumerate(line.split())] for line in question.lines]
        return [
            Translation(text, 0.0, 0, alignment=tuple(own) if aligned else None)
            for text, own in zip(made, links, strict=True)
        ]

    return answer


def translated(
    content: bytes, name: str, translate: Texts, *, aligned: bool = False, tgt_lang: str = "fr"
) -> tuple[bytes, int]:
    """The document, and how many of its texts were translated in pieces."""
    return filled(content, name, answering(translate, aligned=aligned), tgt_lang)


def filled(content: bytes, name: str, answer: Translate, tgt_lang: str = "fr") -> tuple[bytes, int]:
    """The same, by answers to questions."""
    return answered(read_document(content, name, "en", tgt_lang).filling(), answer)


def read_or_refused(content: bytes, name: str, translate: Texts) -> bytes | None:
    """The document; None where it is refused by an error that names it."""
    try:
        return translated(content, name, translate)[0]
    except ValueError as error:
        if name not in str(error):
            raise
        return None


def texts_of(content: bytes, name: str) -> list[str]:
    return read_document(content, name, "en", "fr").texts


FRENCH = {
    "Red cats": ("Chats rouges", ((0, 1), (1, 0))),
    "cats red": ("rouges chats", ((0, 1), (1, 0))),
    "old red cats": ("vieux chats rouges", ((0, 0), (1, 2), (2, 1))),
    "old red x": ("vieux rouges x", ((0, 0), (1, 1), (2, 2))),
}


def reordered(question: Question) -> list[Translation]:
    """Translations of a few lines in other orders of words. Tags are lost."""
    found = [FRENCH.get(_TAG.sub("", line), (line.upper(), ())) for line in question.lines]
    return [Translation(text, 0.0, 0, alignment=links) for text, links in found]
