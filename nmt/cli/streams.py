"""Lines in and lines out: files or standard streams of any length, a part at a time."""

import gzip
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader, FileIO
from pathlib import Path
from typing import TypeVar, cast

from tqdm import tqdm

from nmt.data.text_files import Lines, opened

T = TypeVar("T")


@contextmanager
def open_lines(path: str | None) -> Iterator[Lines]:
    """The lines of a file, gzipped where its name ends in ``.gz``, or of standard input.

    Raises OSError for a file that is missing or cannot be read.
    """
    if path is None:
        if sys.stdin is None:
            raise ValueError("standard input is closed; input=FILE names a file to read")
        stream = cast(BufferedReader, sys.stdin.buffer)
        yield Lines(stream, "standard input", status=os.fstat(stream.fileno()))
        return
    with opened(Path(path), packed=True) as file:
        packed = path.endswith(".gz")
        yield Lines(
            gzip.GzipFile(fileobj=file) if packed else file,
            path,
            status=os.fstat(file.fileno()),
            position=file.tell if packed else None,
        )


def with_progress(chunks: Iterator[T], lines: Lines, *, shown: bool) -> Iterator[T]:
    """The same chunks, under a bar of the bytes read if stderr is a terminal."""
    with tqdm(
        total=lines.size,
        unit="B",
        unit_scale=True,
        disable=None if shown else True,
        leave=False,
    ) as progress:
        for chunk in chunks:
            yield chunk
            progress.update(lines.position() - progress.n)


@dataclass(frozen=True)
class Done:
    """The whole lines that a file holds.

    lines: how many. size: their bytes. last: the last of them, without its line break.
    """

    lines: int = 0
    size: int = 0
    last: bytes = b""


class Output:
    """Takes whole lines. What breaks off inside a line, by a full disk or Ctrl-C, is taken back.

    name: of the file, for messages.
    keep: bytes of the file that stay; the others go with the first line written, so that a mistake
        found before costs nothing. None where a file cannot be cut: standard output belongs to
        someone else.
    """

    def __init__(self, file: FileIO, name: str, *, keep: int | None) -> None:
        self._file = file
        self._name = name
        self._size = keep
        self._begun = keep is None

    def begin(self) -> None:
        """Cut the file to what stays, once."""
        if self._size is not None and not self._begun:
            self._file.truncate(self._size)
            self._file.seek(self._size)
        self._begun = True

    def write(self, lines: list[str]) -> None:
        """A line each; they are the operating system's before this returns."""
        self.begin()
        data = "".join(f"{line}\n" for line in lines).encode("utf-8")
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._file.write(rest) or 0 :]
        except BaseException as error:
            if self._size is not None:
                written = self._file.tell() - self._size
                self._file.truncate(self._size + data.rfind(b"\n", 0, written) + 1)
            if isinstance(error, OSError):
                raise type(error)(error.errno, error.strerror, self._name) from None
            raise
        if self._size is not None:
            self._size += len(data)

    def is_terminal(self) -> bool:
        """Whether someone reads along."""
        return self._file.isatty()


@contextmanager
def open_output(path: str | None, done: Done | None = None) -> Iterator[Output]:
    """A file, or standard output; an existing file is replaced, or goes on after ``done``.

    Raises OSError for a file that cannot be written.
    """
    if path is None:
        if sys.stdout is None:
            raise ValueError("standard output is closed; output=FILE names a file to write")
        sys.stdout.flush()
        with FileIO(sys.stdout.fileno(), "w", closefd=False) as file:  # nothing stays in a buffer
            yield Output(file, "standard output", keep=None)
        return
    if path.endswith(".gz"):
        raise ValueError(
            f"output={path}: plain text is written; gzip it behind a pipe (| gzip > FILE.gz)"
        )
    with FileIO(path, "w", opener=_uncut) as file:
        regular = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
        output = Output(file, path, keep=(done or Done()).size if regular else None)
        yield output
        output.begin()


def _uncut(path: str, flags: int) -> int:
    return os.open(path, flags & ~os.O_TRUNC, 0o666)


def whole_lines(path: str) -> Done | None:
    """What an interrupted job left in a file; None where there is no file.

    Raises ValueError for what is no regular file.
    """
    if not Path(path).exists():
        return None
    if not Path(path).is_file():
        raise ValueError(f"resume=auto goes on with a file, and output={path} is none")
    lines, size, last = 0, 0, b""
    with open(path, "rb") as file:
        for line in file:
            if line.endswith(b"\n"):  # not where the job broke off
                lines, size, last = lines + 1, size + len(line), line
    return Done(lines, size, last.removesuffix(b"\n"))


def refuse_same_file(path: str | None, *inputs: Lines) -> None:
    """ValueError where writing would destroy what is still to be read."""
    if path is None or not Path(path).is_file():
        return
    written = Path(path).stat()
    for lines in inputs:
        if lines.status and os.path.samestat(lines.status, written):
            raise ValueError(f"{path} would be read and written at once: give output another name")
