"""What a part of a corpus offers in whatever format; its columns; rows of several files."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from nmt.checks import OptionError, field
from nmt.data.text_files import opened


class PairSource(ABC):
    """One part of a corpus (training, validation or a test set), read as often as one likes."""

    @abstractmethod
    def rows(self) -> Iterator[tuple[object, object]]:
        """(source, target) of each row as it stands, one at a time: memory stays flat.

        A value may be anything that the format can hold: text, a number, None where the row lacks
        it. A single bad row is no error; it is for the caller to judge.

        Raises OSError for what cannot be read, ValueError for what is damaged, is not UTF-8, or
        lacks a side altogether. Either may come after many rows.
        """

    @abstractmethod
    def place(self, row: int) -> str:
        """Where row ``row``, counted from 0, stands: "train.tsv:17", with lines counted from 1,
        or "x.parquet, row 17", with rows counted from 0, as those who read such files count."""

    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """What tells these rows from others: plain values that change when the rows do.

        Depends on content and options, not on where files lie. Takes no longer than reading the
        bytes once. Raises OSError for a file that cannot be read.
        """

    @abstractmethod
    def size(self) -> int | None:
        """How many rows there are, where that is known without reading them all."""


TRANSLATION = "translation"
"""Where data sets of the hub keep {"en": ..., "fr": ...}."""

_NAMES_SHOWN = 12
_LETTERS_SHOWN = 30


class Columns(NamedTuple):
    """Names of the columns: "en" is a column, else a key of ``translation``; "a.b" key b of a."""

    src: str
    tgt: str


def missing(place: str, columns: Columns, absent: str, there: Iterable[str]) -> OptionError:
    """The error for a column that is nowhere. there: the names that may be chosen."""
    side = "src" if absent == columns.src else "tgt"
    found = [_clipped(name) for name in there]
    listed = ", ".join(found[:_NAMES_SHOWN]) or "none"
    more = f" and {len(found) - _NAMES_SHOWN} more" if len(found) > _NAMES_SHOWN else ""
    return OptionError(
        f"{place}: no column {absent!r}; there are: {listed}{more}."
        f" Set {field(f'{side}_column')} (it is {field(f'{side}_lang')} unless you do)"
    )


def _clipped(name: str) -> str:
    return name if len(name) <= _LETTERS_SHOWN else f"{name[:_LETTERS_SHOWN]}..."


_SCAN_BYTES = 2**20


class Scan(NamedTuple):
    """A file's bytes in brief. lines: None where they are packed."""

    sha256: str
    lines: int | None


class FilesSource(PairSource):
    """Rows of several files in turn.

    A subclass reads one file (or one pair of files), named by its index.

    most: how many rows are read at most, from the start; None reads all.
    """

    def __init__(self, count: int, most: int | None) -> None:
        self._most = most
        self._counts: list[int | None] = [None] * count  # of each file, once it was read whole

    @abstractmethod
    def _file_rows(self, index: int, most: int | None) -> Iterator[tuple[object, object]]:
        """The rows of one file, at most ``most``."""

    @abstractmethod
    def _place(self, index: int, row: int) -> str:
        """Where row ``row`` of one file stands."""

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
        count = self._counts[index]
        if count is None:
            count = self._counts[index] = sum(1 for _ in self._file_rows(index, None))
        return count


class ColumnsSource(FilesSource):
    """Files in which two columns hold the sides."""

    def __init__(self, paths: Sequence[Path], columns: Columns, most: int | None = None) -> None:
        super().__init__(len(paths), most)
        self._paths = paths
        self._columns = columns

    @abstractmethod
    def _options(self) -> dict[str, Any]:
        """What else decides the rows."""

    @cached_property
    def _scans(self) -> list[Scan]:
        return [scan(path) for path in self._paths]

    def identity(self) -> dict[str, Any]:
        return {
            **self._options(),
            "files": [found.sha256 for found in self._scans],
            "columns": list(self._columns),
            "most": self._most,
        }


def at_most(size: int | None, most: int | None) -> int | None:
    """How many of ``size`` rows are read where ``most`` are at most."""
    return size if size is None or most is None else min(size, most)


def scan(path: Path) -> Scan:
    """Raises OSError for what is no file, or cannot be read a second time."""
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise OSError(f"{path} is a pipe or a device: a corpus is read more than once, save it")
    digest, lines, last = hashlib.sha256(), 0, b"\n"
    with opened(path, packed=True) as file:
        while chunk := file.read(_SCAN_BYTES):
            digest.update(chunk)
            lines += chunk.count(b"\n")
            last = chunk[-1:]
    known = path.suffix != ".gz"
    return Scan(digest.hexdigest(), lines + (last != b"\n") if known else None)
