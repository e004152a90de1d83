"""Which of a table's columns hold the two sides."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

TRANSLATION = "translation"
"""Where data sets of the hub keep {"en": ..., "fr": ...}."""

ABSENT: Final = object()
"""Stands for what a row does not have, which is not the same as None."""

_NAMES_SHOWN = 12
_LETTERS_SHOWN = 30


class Columns(NamedTuple):
    """Names of the columns: "en" is a column, else a key of ``translation``; "a.b" key b of a."""

    src: str
    tgt: str


def value(row: Mapping[str, Any], column: str) -> Any:
    """What stands in a column of a row of nested mappings; ABSENT if it is not there."""
    if column in row:
        return row[column]
    nested = row.get(TRANSLATION)
    if isinstance(nested, Mapping) and column in nested:
        return nested[column]
    found: Any = row
    for key in column.split("."):
        if not isinstance(found, Mapping) or key not in found:
            return ABSENT
        found = found[key]
    return found


def names(row: Mapping[str, Any], prefix: str = "") -> list[str]:
    """The names by which ``value`` finds what stands in a row."""
    found = []
    for name, inside in row.items():
        if isinstance(inside, Mapping):
            found += names(inside, f"{prefix}{name}.")
        else:
            found.append(f"{prefix}{name}")
    return found


def missing(place: str, columns: Columns, absent: str, there: Iterable[str]) -> ValueError:
    """The error for a column that is nowhere. there: the names that may be chosen."""
    option = "data.src_column" if absent == columns.src else "data.tgt_column"
    found = [_clipped(name) for name in there]
    listed = ", ".join(found[:_NAMES_SHOWN]) or "none"
    more = f" and {len(found) - _NAMES_SHOWN} more" if len(found) > _NAMES_SHOWN else ""
    return ValueError(
        f"{place}: no column {absent!r}; there are: {listed}{more}."
        f" Set {option} (it is data.{option[5:8]}_lang unless you do)"
    )


def _clipped(name: str) -> str:
    return name if len(name) <= _LETTERS_SHOWN else f"{name[:_LETTERS_SHOWN]}..."
