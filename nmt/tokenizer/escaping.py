"""Text as SentencePiece gives it back unchanged.

SentencePiece writes a space as a mark, so that the mark itself must be written in another way.
"""

import re
from collections.abc import Iterable, Iterator

SPACE_MARK = "\u2581"
_ESCAPE = "\x1b"
_ESCAPED = re.compile(f"{_ESCAPE}([_{_ESCAPE}])")


def escape(lines: Iterable[str]) -> Iterator[str]:
    """The lines with the space mark and the escape itself escaped; ValueError for surrogates."""
    for number, line in enumerate(lines, start=1):
        try:
            line.encode("utf-8")
        except UnicodeEncodeError as error:
            raise ValueError(
                f"sentence {number} is no valid Unicode text:"
                f" {line[error.start]!r} at character {error.start + 1} is half of a surrogate pair"
            ) from None
        yield line.replace(_ESCAPE, _ESCAPE * 2).replace(SPACE_MARK, _ESCAPE + "_")


def unescape(text: str) -> str:
    """What was escaped."""
    return _ESCAPED.sub(lambda found: SPACE_MARK if found[1] == "_" else _ESCAPE, text)
