"""The interface of all formats of a corpus; columns; parts made of several files."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from nmt.checks import OptionError, field
from nmt.data.text_files import opened


class PairSource(ABC):
    """One part of a corpus: training, validation or a test set. It can be read repeatedly."""

    @abstractmethod
    def rows(self) -> Iterator[tuple[object, object]]:
        """(source, target) of each row, unchanged, one at a time: memory stays flat.

        A value may be text, a number, None where the row lacks it: the caller judges it. Raises
        OSError for a file that cannot be read, ValueError for a file that is damaged, is not UTF-8
        or lacks a whole side; either may come after many rows.
        """

    @abstractmethod
    def place(self, row: int) -> str:
        """The place of row ``row``, counted from 0: "train.tsv:17", lines counted from 1, or
        "x.parquet, row 17", rows counted from 0, as the tools for such files count."""

    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """Plain values that change when the rows change: content and options, not paths. Takes no
        longer than reading the bytes once. Raises OSError for a file that cannot be read."""

    def check_unchanged(self) -> None:  # noqa: B027 (where there are no files, nothing is to check)
        """Raises ValueError for a file that is no longer what ``identity`` told of, as somebody
        writes to it."""

    @abstractmethod
    def size(self) -> int | None:
        """The number of rows, or None where only reading them all would tell."""


TRANSLATION = "translation"
"""The column in which data sets of the hub keep {"en": ..., "fr": ...}."""

_NAMES_SHOWN = 12
_LETTERS_SHOWN = 30


class Columns(NamedTuple):
    """Names of the two columns; ``column_paths`` says where each is looked for."""

    src: str
    tgt: str


def column_paths(column: str) -> tuple[tuple[str, ...], ...]:
    """The paths of keys at which a column is looked for, in order: the column itself, a key of
    ``translation``, and, for "a.b", key b of column a."""
    return (column,), (TRANSLATION, column), tuple(column.split("."))


def missing(
    place: str, columns: Columns, absent: str, present: Iterable[str], *, what: str = "column"
) -> OptionError:
    """The error for a column that does not exist. present: the names that do. what: they name."""
    side = "src" if absent == columns.src else "tgt"
    names = [
        repr(name if len(name) <= _LETTERS_SHOWN else f"{name[:_LETTERS_SHOWN]}...")
        for name in present
    ]
    listed = ", ".join(names[:_NAMES_SHOWN]) or "none"
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return OptionError(
        f"{place}: no {what} {absent!r}; there are: {listed}{more}."
        f" Set {field(f'{side}_column')} (it is {field(f'{side}_lang')} unless you do)"
    )


class FilesSource(PairSource):
    """The rows of several files, or pairs of files, in turn. A subclass reads one, by its index.

    most: the greatest number of rows to read, from the start; None reads all.
    """

    def __init__(self, count: int, most: int | None) -> None:
        self._most = most
        self._counts: list[int | None] = [None] * count  # rows of each file that was read whole

    @abstractmethod
    def _file_rows(self, index: int, most: int | None) -> Iterator[tuple[object, object]]:
        """The rows of one file, at most ``most``."""

    @abstractmethod
    def _place(self, index: int, row: int) -> str:
        """The place of row ``row`` of one file."""

    def rows(self) -> Iterator[tuple[object, object]]:
        left = self._most
        for index in range(len(self._counts)):
            count = 0
            for row in self._file_rows(index, left):
                count += 1
                yield row
            if left is None:
                self._counts[index] = count
            else:
                left -= count
                if not left:
                    return

    def place(self, row: int) -> str:
        last = len(self._counts) - 1
        for index in range(last):
            if row < (count := self._count(index)):
                return self._place(index, row)
            row -= count
        return self._place(last, row)

    def _count(self, index: int) -> int:
        if (count := self._counts[index]) is None:
            count = self._counts[index] = sum(1 for _ in self._file_rows(index, None))
        return count


class ColumnsSource(FilesSource):
    """Files with a column for each side."""

    def __init__(self, paths: Sequence[Path], columns: Columns, most: int | None = None) -> None:
        super().__init__(len(paths), most)
        self._paths = paths
        self._columns = columns

    @abstractmethod
    def _options(self) -> dict[str, Any]:
        """The format, and the options of its own that change the rows."""

    @cached_property
    def _scans(self) -> list["Scan"]:
        return [scan(path) for path in self._paths]

    def identity(self) -> dict[str, Any]:
        return {
            **self._options(),
            "files": [found.sha256 for found in self._scans],
            "columns": list(self._columns),
            "most": self._most,
        }

    def check_unchanged(self) -> None:
        for path, found in zip(self._paths, self._scans, strict=True):
            check_unchanged(path, found)


def at_most(size: int | None, most: int | None) -> int | None:
    """The smaller of the two; a ``most`` of None is no limit, a ``size`` of None stays unknown."""
    return size if size is None or most is None else min(size, most)


class Scan(NamedTuple):
    """sha256 and number of lines of a file. lines: None where the file is gzipped. written: its
    size, and when it was changed."""

    sha256: str
    lines: int | None
    written: tuple[int, int]


def scan(path: Path) -> Scan:
    """Reads a file once. Raises OSError for a pipe or device, and for a file it cannot read."""
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise OSError(f"{path} is a pipe or a device: a corpus is read more than once, save it")
    digest, lines, last = hashlib.sha256(), 0, b"\n"
    with opened(path, packed=True) as file:
        written = _written(path)
        while chunk := file.read(2**20):
            digest.update(chunk)
            lines += chunk.count(b"\n")
            last = chunk[-1:]
    count = None if path.suffix == ".gz" else lines + (last != b"\n")
    return Scan(digest.hexdigest(), count, written)


def check_unchanged(path: Path, found: Scan) -> None:
    """ValueError where a file was written to since it was scanned."""
    if _written(path) != found.written:
        raise ValueError(
            f"{path} changed while it was read: call this again when nothing writes to it any more"
        )


def _written(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns
