"""Reads and writes lines of files and standard streams of any length, some at a time."""

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
from nmt.directory_lock import lock_file
from nmt.files import text_bytes

T = TypeVar("T")


@contextmanager
def open_lines(path: str | None) -> Iterator[Lines]:
    """The lines of a file, or of standard input; a name in ``.gz`` means that it is gzipped.
    Raises OSError for a file that is missing or cannot be read."""
    if path is None:
        if sys.stdin is None:
            raise ValueError("standard input is closed; input=FILE names a file to read")
        stream = cast(BufferedReader, sys.stdin.buffer)
        yield Lines(stream, "standard input", status=os.fstat(stream.fileno()))
        return
    with opened(Path(path), packed=True) as file:
        status = os.fstat(file.fileno())
        if path.endswith(".gz"):
            yield Lines(gzip.GzipFile(fileobj=file), path, status=status, position=file.tell)
        else:
            yield Lines(file, path, status=status)


def with_progress(chunks: Iterator[T], lines: Lines, *, shown: bool) -> Iterator[T]:
    """The same chunks, with a progress bar of the bytes read if stderr is a terminal."""
    off = None if shown else True  # None: off unless stderr is a terminal
    with tqdm(total=lines.size, unit="B", unit_scale=True, disable=off, leave=False) as progress:
        for chunk in chunks:
            yield chunk
            progress.update(lines.position() - progress.n)


@dataclass(frozen=True)
class Done:
    """The complete lines in a file: their number, their size in bytes, and the last of them
    without its line break."""

    lines: int = 0
    size: int = 0
    last: bytes = b""


class Output:
    """Writes whole lines. If a full disk or Ctrl-C interrupts a line, removes its beginning.

    name: of the file, for messages.
    keep: how many bytes of the file stay. The first line written removes the others, so that a
        mistake found earlier destroys nothing. None for standard output, which cannot be cut.
    """

    def __init__(self, file: FileIO, name: str, *, keep: int | None) -> None:
        self._file = file
        self._name = name
        self._size = keep
        self._begun = keep is None

    def begin(self) -> None:
        """Cut the file to the bytes that stay, once."""
        if self._size is not None and not self._begun:
            self._file.truncate(self._size)
            self._file.seek(self._size)
        self._begun = True

    def write(self, lines: list[str]) -> None:
        """Write a line for each; the operating system has them when this returns."""
        self.begin()
        data = text_bytes(lines)
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
        """Whether someone reads the lines as they come."""
        return self._file.isatty()


@contextmanager
def open_output(path: str | None, done: Done | None = None) -> Iterator[Output]:
    """A file, or standard output. An existing file is replaced, or continued after ``done``.
    Raises OSError for a file that cannot be written, ValueError for one that another process
    writes."""
    if path is None:
        if sys.__stdout__ is None:
            raise ValueError("standard output is closed; output=FILE names a file to write")
        sys.stdout.flush()
        with FileIO(sys.stdout.fileno(), "w", closefd=False) as file:  # unbuffered
            yield Output(file, "standard output", keep=None)
        return
    if path.endswith(".gz"):
        raise ValueError(
            f"output={path}: plain text is written; gzip it behind a pipe (| gzip > FILE.gz)"
        )

    def uncut(path: str, flags: int) -> int:
        return os.open(path, flags & ~os.O_TRUNC, 0o666)

    with FileIO(path, "w", opener=uncut) as file:
        regular = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
        if regular:
            _hold(file, path)
        output = Output(file, path, keep=(done or Done()).size if regular else None)
        yield output
        output.begin()


def _hold(file: FileIO, path: str) -> None:
    """Raises ValueError where another process writes to the file: the lines of both would mix."""
    try:
        lock_file(file.fileno())
    except (BlockingIOError, PermissionError):
        raise ValueError(
            f"another process writes to {path}: wait for its end, or name another by output="
        ) from None
    except OSError:
        pass  # a disk without locks


def whole_lines(path: str) -> Done | None:
    """The lines that an interrupted job left in a file; None where there is no file. Raises
    ValueError for anything but a regular file."""
    if not Path(path).exists():
        return None
    if not Path(path).is_file():
        raise ValueError(f"resume=auto goes on with a file, and output={path} is none")
    lines, size, last = 0, 0, b""
    with open(path, "rb") as file:
        for line in file:
            if line.endswith(b"\n"):  # the job may have been interrupted inside the last
                lines, size, last = lines + 1, size + len(line), line
    return Done(lines, size, last.removesuffix(b"\n"))


def refuse_same_file(path: str | None, *inputs: Lines) -> None:
    """ValueError where ``path`` is one of the inputs, which writing would destroy."""
    written = Path(path).stat() if path is not None and Path(path).is_file() else None
    for lines in inputs:
        if written and lines.status and os.path.samestat(lines.status, written):
            raise ValueError(f"{path} would be read and written at once: give output another name")
