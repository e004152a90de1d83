"""What stands in for a translator of texts of documents, and what checks its work."""

import re
from collections.abc import Sequence

from nmt.translator.documents import read_document
from nmt.translator.tagged_text import Translate

_TAG = re.compile("(</?n*[gx][0-9]+/?>)")


def same(texts: Sequence[str]) -> list[str]:
    return list(texts)


def capitals(texts: Sequence[str]) -> list[str]:
    """Capitals, the tags kept."""
    return ["".join(p if _TAG.fullmatch(p) else p.upper() for p in _TAG.split(t)) for t in texts]


def careless(texts: Sequence[str]) -> list[str]:
    """Capitals, in tags too: these are lost."""
    return [text.upper() for text in texts]


def always(*made: str) -> Translate:
    """These texts in turn, whatever is asked."""
    return lambda texts: [made[place % len(made)] for place, _ in enumerate(texts)]


def translated(content: bytes, name: str, translate: Translate) -> tuple[bytes, int]:
    """The document, and how many of its texts lost their tags."""
    return read_document(content, name, "en", "fr").filled(translate)


def read_or_refused(content: bytes, name: str, translate: Translate) -> bytes | None:
    """The document; None where it is refused by an error that names it."""
    try:
        return translated(content, name, translate)[0]
    except ValueError as error:
        if name not in str(error):
            raise
        return None


def texts_of(content: bytes, name: str) -> list[str]:
    return read_document(content, name, "en", "fr").texts
