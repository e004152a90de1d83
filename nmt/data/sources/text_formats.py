"""Text files: parallel text, tab-separated values, CSV with quotes, JSON lines."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, Final

from nmt.checks import OptionError, dotted, field
from nmt.data.sources import pair_source
from nmt.data.sources.pair_source import Columns, ColumnsSource, FilesSource, at_most, scan
from nmt.data.text_files import iter_lines, iter_pairs

_ABSENT: Final = object()
"""Stands for a value that a row lacks; None is a value that a row may have."""

_ROWS_NAMED = 1000  # whose keys a message lists


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
    def _scans(self) -> list[tuple[pair_source.Scan, pair_source.Scan]]:
        return [(scan(src), scan(tgt)) for src, tgt in self._paths]

    def identity(self) -> dict[str, Any]:
        return {
            "format": "text",
            "src": [src.sha256 for src, _ in self._scans],
            "tgt": [tgt.sha256 for _, tgt in self._scans],
            "most": self._most,
        }

    def check_unchanged(self) -> None:
        for paths, scans in zip(self._paths, self._scans, strict=True):
            for path, found in zip(paths, scans, strict=True):
                pair_source.check_unchanged(path, found)

    def size(self) -> int | None:
        counts = [tgt.lines if src.lines is None else src.lines for src, tgt in self._scans]
        return at_most(_total(counts), self._most)


class _LinesSource(ColumnsSource):
    """Files with a row on each line, after ``_header`` lines that hold no row."""

    _header = 0

    def _place(self, index: int, row: int) -> str:
        return f"{self._paths[index]}:{row + 1 + self._header}"

    def size(self) -> int | None:
        lines = _total([found.lines for found in self._scans])
        rows = None if lines is None else max(0, lines - self._header * len(self._paths))
        return at_most(rows, self._most)


class TsvSource(_LinesSource):
    """Cells between tabs. Quotes and words such as NA are ordinary text. A line with too few cells
    lacks the last columns; a line with too many is ambiguous and lacks both sides.

    header: the names of the columns; None takes them from the first line of each file.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        columns: Columns,
        header: Sequence[str] | None,
        most: int | None = None,
    ) -> None:
        super().__init__(paths, columns, most)
        self._given = None if header is None else list(header)
        self._header = 1 if header is None else 0

    def _options(self) -> dict[str, Any]:
        return {"format": "tsv", "header": self._given}

    def _file_rows(self, index: int, most: int | None) -> Iterator[tuple[object, object]]:
        path = self._paths[index]
        lines = iter_lines(path)
        header = next(lines).split("\t") if self._given is None else self._given
        if self._given is None and len(header) == 1 and "," in header[0]:
            commas = "The first line has commas and no tab: data=csv reads such files"
        else:
            commas = ""
        _check_header(f"{path}:1", self._columns, header, commas)
        width, src, tgt = len(header), *map(header.index, self._columns)
        whole, line = False, None
        for line in islice(lines, most):
            cells: list[Any] = line.split("\t")
            if len(cells) == width:
                whole = True
            else:
                cells = [None] * width if len(cells) > width else cells + [None] * width
            yield cells[src], cells[tgt]
        if line is not None and not whole:
            raise OptionError(
                f"{path}: no line has the {width} cells that the columns ask for; the last one read"
                f" has {line.count(chr(9)) + 1}. {field('columns')} must name every cell of a line"
            )


def _check_header(place: str, columns: Columns, header: Sequence[str], hint: str = "") -> None:
    """OptionError for a column that is not in the header, or is there several times."""
    for column in columns:
        if column not in header:
            absent = pair_source.missing(place, columns, column, header)
            hint = hint or (
                "If the first line is a pair already, name the columns: "
                f"{field('columns')}=[NAME,NAME]"
            )
            raise OptionError(f"{absent.message}. {hint}")
        if header.count(column) > 1:
            raise OptionError(
                f"{place}: {header.count(column)} columns are named {column!r}: rename them, or"
                f" name all columns by {field('columns')}=[NAME,NAME]"
            )


class CsvSource(ColumnsSource):
    """Comma-separated values, as spreadsheets save them: a cell in double quotes may hold commas,
    line breaks, and quotes that are written twice. NA and null are ordinary text. A row with too
    few cells lacks the last columns; a row with too many is ambiguous and lacks both sides.

    header: the names of the columns; None takes them from the first row of each file.
    delimiter: what stands between cells.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        columns: Columns,
        header: Sequence[str] | None,
        delimiter: str = ",",
        most: int | None = None,
    ) -> None:
        super().__init__(paths, columns, most)
        self._given = None if header is None else list(header)
        self._delimiter = delimiter

    def _options(self) -> dict[str, Any]:
        return {"format": "csv", "header": self._given, "delimiter": self._delimiter}

    def _file_rows(self, index: int, most: int | None) -> Iterator[tuple[object, object]]:
        path = self._paths[index]
        rows = self._cells(path)
        header = next(rows)[1] if self._given is None else self._given
        hint = ""
        if self._given is None and len(header) == 1:
            others = [mark for mark in (",", ";", "\t", "|") if mark in header[0]]
            mark = others[0].replace("\t", r"\t") if others else ""
            hint = f"""'{field("delimiter")}="{mark}"' may be meant""" if mark else ""
        _check_header(f"{path}:1", self._columns, header, hint)
        width, src, tgt = len(header), *map(header.index, self._columns)
        for _, found in islice(rows, most):
            cells: list[Any] = found
            if len(cells) != width:
                cells = [None] * width if len(cells) > width else [*cells, *[None] * width]
            yield cells[src], cells[tgt]

    def _cells(self, path: Path) -> Iterator[tuple[int, list[str]]]:
        """The line at which each row begins, and its cells."""
        lines = (f"{line}\n" for line in iter_lines(path))
        reader = csv.reader(lines, delimiter=self._delimiter, strict=True)
        start = 1
        try:
            for cells in reader:
                yield start, cells
                start = reader.line_num + 1
        except csv.Error as error:
            said = str(error)
            if "field limit" in said or "end of data" in said:
                said = "a quote opens a cell and none closes it"
            elif "expected after" in said:
                said = (
                    "text stands behind the quote that closes a cell: within quotes, each quote is "
                    "written twice; data=tsv reads text in which quotes mean nothing"
                )
            until = f" (seen at line {reader.line_num})" if reader.line_num > start else ""
            raise ValueError(f"{path}:{start}: {said}{until}") from None

    def _place(self, index: int, row: int) -> str:
        path, skipped = self._paths[index], 1 if self._given is None else 0
        line, _ = next(islice(self._cells(path), row + skipped, None))
        return f"{path}:{line}"

    def size(self) -> int | None:
        return None


class JsonlSource(_LinesSource):
    """A JSON object on each line. A line that is not one lacks both sides."""

    def _options(self) -> dict[str, Any]:
        return {"format": "jsonl"}

    def _file_rows(self, index: int, most: int | None) -> Iterator[tuple[object, object]]:
        path, columns = self._paths[index], self._columns
        keys = [pair_source.column_paths(column) for column in columns]
        unseen = set(columns)
        first: Mapping[str, Any] | None = None
        for line in islice(iter_lines(path), most):
            row = _json_object(line)
            first = row if first is None else first
            sides = [_value(row or {}, paths) for paths in keys]
            if unseen:
                pairs = zip(columns, sides, strict=True)
                unseen -= {column for column, side in pairs if side is not _ABSENT}
            if "\\u" in line:
                sides = [None if _has_surrogate(side) else side for side in sides]
            src, tgt = (None if side is _ABSENT else side for side in sides)
            yield src, tgt
        if first is None:
            example = json.dumps({columns.src: "...", columns.tgt: "..."}, ensure_ascii=False)
            raise ValueError(f"{path}: no line is a JSON object such as {example}")
        for column in sorted(unseen):
            rows = (_json_object(line) or {} for line in islice(iter_lines(path), _ROWS_NAMED))
            names = dict.fromkeys(name for row in rows for name, _ in dotted(row))
            raise pair_source.missing(str(path), columns, column, names)


def _json_object(line: str) -> Mapping[str, Any] | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def _value(row: Mapping[str, Any], paths: Sequence[Sequence[str]]) -> Any:
    """The value at the first of the paths that a row of nested mappings has; else _ABSENT."""
    for path in paths:
        found: Any = row
        for key in path:
            if not isinstance(found, Mapping) or key not in found:
                break
            found = found[key]
        else:
            return found
    return _ABSENT


def _has_surrogate(side: object) -> bool:
    """Whether text holds half of a surrogate pair, which JSON can spell but UTF-8 cannot."""
    return isinstance(side, str) and any("\ud800" <= letter <= "\udfff" for letter in side)


def _total(counts: Sequence[int | None]) -> int | None:
    """The sum; None where one of them is not known."""
    return None if None in counts else sum(filter(None, counts))
