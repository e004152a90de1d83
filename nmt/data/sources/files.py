"""Rows of files, one file after the other."""

import hashlib
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from nmt.data.text_files import iter_pairs, opened
from nmt.data.sources.base import PairSource

_CHUNK = 2**20


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
        self._rows: list[int | None] = [None] * count  # of each file, once it was read whole

    @abstractmethod
    def _read(self, index: int, most: int | None) -> Iterator[tuple[object, object]]:
        """The rows of one file, at most ``most``."""

    @abstractmethod
    def _place(self, index: int, row: int) -> str:
        """Where row ``row`` of one file stands."""

    def rows(self) -> Iterator[tuple[object, object]]:
        left = self._most
        for index in range(len(self._rows)):
            count = 0
            for row in self._read(index, left):
                count += 1
                yield row
            if left is None:
                self._rows[index] = count
            else:
                left -= count
                if not left:
                    return

    def place(self, row: int) -> str:
        last = len(self._rows) - 1
        for index in range(last):
            if row < (count := self._count(index)):
                return self._place(index, row)
            row -= count
        return self._place(last, row)

    def _count(self, index: int) -> int:
        count = self._rows[index]
        if count is None:
            count = self._rows[index] = sum(1 for _ in self._read(index, None))
        return count

    def _at_most(self, size: int | None) -> int | None:
        """A number of rows, as far as they are read."""
        return size if size is None or self._most is None else min(size, self._most)


class TextSource(FilesSource):
    """Line n of a source file with line n of its target file: UTF-8, also gzipped."""

    def __init__(self, paths: Sequence[tuple[Path, Path]], most: int | None = None) -> None:
        super().__init__(len(paths), most)
        self._paths = paths

    def _read(self, index: int, most: int | None) -> Iterator[tuple[object, object]]:
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
        return self._at_most(total(counts))


def scan(path: Path) -> Scan:
    """Raises OSError for what is no file, or cannot be read a second time."""
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise OSError(f"{path} is a pipe or a device: a corpus is read more than once, save it")
    digest, lines, last = hashlib.sha256(), 0, b"\n"
    with opened(path, packed=True) as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            lines += chunk.count(b"\n")
            last = chunk[-1:]
    known = path.suffix != ".gz"
    return Scan(digest.hexdigest(), lines + (last != b"\n") if known else None)


def total(counts: Sequence[int | None]) -> int | None:
    """Their sum; None where one is not known."""
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None
