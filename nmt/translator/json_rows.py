"""What is asked of a translator line by line, and how its answers are written."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nmt.data.cleaning import as_single_line
from nmt.translator import Terms, Translation

FORMATS = ("text", "jsonl")
_TERMS = ("prefix", "require", "forbid")
# Line breaks to some readers of lines, though not to JSON.
_ESCAPED = str.maketrans({"\u0085": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"})


@dataclass(frozen=True)
class TranslationRequest:
    """One source to translate.

    id: text or a whole number that the row gives; else the number of its line, counted from 1.
    """

    id: str | int
    src: str
    terms: Terms

    @property
    def line(self) -> str:
        """The source as one line of text: training has line breaks as spaces too."""
        line = as_single_line(self.src)
        assert line is not None, "checked as text before"
        return line


def request_of_text(number: int, line: str, terms: Terms) -> TranslationRequest:
    """A line of plain text; terms: those of all lines."""
    return TranslationRequest(number, line, terms)


def request_of_json(number: int, line: str, terms: Terms) -> TranslationRequest:
    """A row ``{"src": ..., "id": ..., "prefix": ..., "require": [...], "forbid": [...]}``.

    Only src must be there, other names are not read; terms: those of rows without their own.

    Raises ValueError for what is no such row.
    """
    row = json_object(line)
    if "src" not in row:
        raise ValueError(f'a row needs "src", the text to translate; it has {_listed(row)}')
    own = {name: row[name] for name in _TERMS if row.get(name) is not None}
    return TranslationRequest(
        _id(row.get("id"), number),
        checked_text("src", row["src"]),
        replace(terms, **_checked(own)),
    )


def terms_of_options(config: Mapping[str, Any]) -> Terms:
    """The options prefix, require and forbid, for every line. Raises ValueError for no text."""
    try:
        return Terms(**_checked({name: config[name] for name in _TERMS}))
    except ValueError as error:
        raise ValueError(
            f"""{error}; quotes within quotes make text of it: 'prefix="5"' 'require=["5"]'"""
        ) from None


def row_of_translation(request: TranslationRequest, translation: Translation) -> str:
    """One line of JSON."""
    alignment = translation.alignment
    return one_row(
        id=request.id,
        src=request.src,
        text=translation.text,
        score=finite(translation.score),
        tokens=translation.tokens,
        alignment=None if alignment is None else " ".join(f"{i}-{j}" for i, j in alignment),
        flags=list(translation.flags),
        nbest=[
            {
                "text": other.text,
                "score": finite(other.score),
                "tokens": other.tokens,
                "flags": list(other.flags),
            }
            for other in translation.nbest
        ],
    )


def one_row(**values: Any) -> str:
    """A JSON object in one line, whatever ends a line for its reader."""
    return json.dumps(values, ensure_ascii=False, allow_nan=False).translate(_ESCAPED)


def finite(value: float) -> float | None:
    """As JSON has it: what is not finite is null; six decimals are more than fp32 is good for."""
    return round(value, 6) if math.isfinite(value) else None


def json_object(line: str) -> dict[str, Any]:
    """Raises ValueError for a line that is none."""
    found = repr(line[:40]) if line.strip() else "a blank line"
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"no JSON object: {found} ({error})") from None
    if not isinstance(row, dict):
        raise ValueError(f'a row must be a JSON object such as {{"src": "..."}}, not {found}')
    return row


def checked_text(name: str, value: object) -> str:
    """Raises ValueError unless ``value`` is text that can be written as UTF-8."""
    if not isinstance(value, str):
        raise ValueError(f"{name} must be text, got {json.dumps(value)}")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError(f"{name} holds half a surrogate pair, no text: {value[:40]!r}") from None
    return value


def _checked(terms: Mapping[str, Any]) -> dict[str, Any]:
    checked: dict[str, Any] = {}
    for name, value in terms.items():
        if name == "prefix":
            checked[name] = checked_text(name, value)
        else:
            values: Sequence[Any] = value if isinstance(value, list) else [value]
            checked[name] = tuple(checked_text(f"each of {name}", one) for one in values)
    return checked


def _id(value: object, number: int) -> str | int:
    if value is None:
        return number
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(f"id must be text or a whole number, got {json.dumps(value)}")
    return checked_text("id", value) if isinstance(value, str) else value


def _listed(row: Mapping[str, Any]) -> str:
    return ", ".join(map(repr, row)) or "nothing"
