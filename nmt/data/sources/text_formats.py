"""Text files with a row a line: tab-separated values and JSON lines."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, Final

from nmt.checks import OptionError, field
from nmt.data.sources.pair_source import (
    TRANSLATION,
    Columns,
    ColumnsSource,
    FilesSource,
    Scan,
    at_most,
    missing,
    scan,
)
from nmt.data.text_files import iter_lines, iter_pairs

_ABSENT: Final = object()
"""Stands for what a row does not have, which is not the same as None."""


class TextSource(FilesSource):
    """Line n of a source file with line n of its target file: UTF-8, also gzipped."""

    def __init__(self, paths: Sequence[tuple[Path, Path]], most: int | None = None) -> None:
        super().__init__(len(paths), most)
        self._paths = paths

    def _file_rows(self, index: int, most: int | None) -> Iterator[tuple[object, object]]:
        return iter_pairs(*self._paths[index], most)

    def _place(self, index: int, row: int) -> str:
        return " and ".join(f"{path}:{row + 1}" for path in self._paths[index])

    @cached_property
    def _scans(self) -> list[tuple[Scan, Scan]]:
        return [(scan(src), scan(tgt)) for src, tgt in self._paths]

    def identity(self) -> dict[str, Any]:
        return {
            "format": "text",
            "src": [src.sha256 for src, _ in self._scans],
            "tgt": [tgt.sha256 for _, tgt in self._scans],
            "most": self._most,
        }

    def size(self) -> int | None:
        counts = [tgt.lines if src.lines is None else src.lines for src, tgt in self._scans]
        return at_most(_total(counts), self._most)


class _LinesSource(ColumnsSource):
    """Files with a row a line, after ``_header`` lines that are none."""

    _header = 0

    def _place(self, index: int, row: int) -> str:
        return f"{self._paths[index]}:{row + 1 + self._header}"

    def size(self) -> int | None:
        lines = _total([found.lines for found in self._scans])
        rows = None if lines is None else max(0, lines - self._header * len(self._paths))
        return at_most(rows, self._most)


class TsvSource(_LinesSource):
    """Cells between tabs. Quotes and words such as NA are text like any other.

    A line with fewer cells than there are columns lacks the last ones; of one with more nobody can
    tell which cell is which, so that it lacks both sides.

    header: the columns' names; None takes them from each file's first line.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        columns: Columns,
        header: Sequence[str] | None,
        most: int | None = None,
    ) -> None:
        super().__init__(paths, columns, most)
        self._given = header
        self._header = 1 if header is None else 0

    def _options(self) -> dict[str, Any]:
        return {"format": "tsv", "header": None if self._given is None else list(self._given)}

    def _file_rows(self, index: int, most: int | None) -> Iterator[tuple[object, object]]:
        path = self._paths[index]
        lines = iter_lines(path)
        header = next(lines).split("\t") if self._given is None else list(self._given)
        for column in self._columns:
            if column not in header:
                absent = missing(f"{path}:1", self._columns, column, header)
                raise OptionError(
                    f"{absent.message}. If the first line is a pair already, name the columns: "
                    f"{field('columns')}=[NAME,NAME]"
                )
        width, src, tgt = len(header), *map(header.index, self._columns)
        whole, line = False, None
        for line in islice(lines, most):
            cells = line.split("\t")
            if len(cells) == width:
                whole = True
                yield cells[src], cells[tgt]
            else:
                cells = [] if len(cells) > width else cells
                yield _cell(cells, src), _cell(cells, tgt)
        if line is not None and not whole:
            raise OptionError(
                f"{path}: no line has the {width} cells that the columns ask for; the last one read"
                f" has {line.count(chr(9)) + 1}. {field('columns')} must name every cell of a line"
            )


class JsonlSource(_LinesSource):
    """A JSON object a line. A line that is none lacks both sides."""

    def _options(self) -> dict[str, Any]:
        return {"format": "jsonl"}

    def _file_rows(self, index: int, most: int | None) -> Iterator[tuple[object, object]]:
        path, columns = self._paths[index], self._columns
        unseen = set(columns)
        first: Mapping[str, Any] | None = None
        for line in islice(iter_lines(path), most):
            row = _object(line)
            first = row if first is None else first
            sides = [_value(row or {}, column) for column in columns]
            if unseen:
                pairs = zip(columns, sides, strict=True)
                unseen -= {column for column, side in pairs if side is not _ABSENT}
            if "\\u" in line:
                sides = [None if _broken(side) else side for side in sides]
            src, tgt = (None if side is _ABSENT else side for side in sides)
            yield src, tgt
        if first is None:
            raise ValueError(f"{path}: no line is a JSON object such as {_example(columns)}")
        for column in sorted(unseen):
            raise missing(str(path), columns, column, _names(first))


def _cell(cells: Sequence[str], at: int) -> str | None:
    return cells[at] if at < len(cells) else None


def _object(line: str) -> Mapping[str, Any] | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def _value(row: Mapping[str, Any], column: str) -> Any:
    """What stands in a column of a row of nested mappings; _ABSENT if it is not there."""
    if column in row:
        return row[column]
    nested = row.get(TRANSLATION)
    if isinstance(nested, Mapping) and column in nested:
        return nested[column]
    found: Any = row
    for key in column.split("."):
        if not isinstance(found, Mapping) or key not in found:
            return _ABSENT
        found = found[key]
    return found


def _names(row: Mapping[str, Any], prefix: str = "") -> list[str]:
    """The names by which ``_value`` finds what stands in a row."""
    found = []
    for name, inside in row.items():
        if isinstance(inside, Mapping):
            found += _names(inside, f"{prefix}{name}.")
        else:
            found.append(f"{prefix}{name}")
    return found


def _broken(side: object) -> bool:
    """Is it text with half of a surrogate pair, which JSON can spell but UTF-8 cannot?"""
    return isinstance(side, str) and any("\ud800" <= letter <= "\udfff" for letter in side)


def _example(columns: Columns) -> str:
    return json.dumps({columns.src: "...", columns.tgt: "..."}, ensure_ascii=False)


def _total(counts: Sequence[int | None]) -> int | None:
    """Their sum; None where one is not known."""
    return None if None in counts else sum(filter(None, counts))
