"""Lines in and lines out: files or standard streams of any length, a part at a time."""

import gzip
import os
import stat
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader, BytesIO, FileIO
from pathlib import Path
from typing import TypeAlias, TypeVar, cast

from tqdm import tqdm

T = TypeVar("T")
Stream: TypeAlias = BufferedReader | BytesIO | gzip.GzipFile

READ_BYTES = 2**16  # what a pipe holds: about a thousand sentences


class Lines:
    """The lines of UTF-8 text, each read once, in the order in which they stand.

    A line ends at "\\n" and nowhere else. One "\\r" before its end and a byte order mark at the
    start of the text are removed; all other text stays as it is, blank lines included.

    name: of the file, for messages.
    status: of the file, None where there is none.
    position: bytes of the file that have been read; those of ``stream`` unless it says others.
    """

    def __init__(
        self,
        stream: Stream,
        name: str,
        *,
        status: os.stat_result | None = None,
        position: Callable[[], int] | None = None,
    ) -> None:
        self.name = name
        self.status = status
        self._stream = stream
        self._bytes: int = 0
        self.position = position or (lambda: self._bytes)
        self._number = 0  # lines handed out
        self._chunks = self._read()
        self._waiting: list[bytes] = []  # read, but not handed out

    @property
    def size(self) -> int | None:
        """Of the file in bytes; a pipe or a terminal has none."""
        if self.status is None or not stat.S_ISREG(self.status.st_mode):
            return None
        return self.status.st_size

    def is_terminal(self) -> bool:
        """Whether someone types them."""
        return self._stream.isatty()

    def skip(self, count: int) -> str:
        """Read over ``count`` lines; the last of them, or "" for none.

        Raises ValueError where there are not so many.
        """
        last = b""
        while self._number < count:
            chunk = self._next()
            if chunk is None:
                raise ValueError(f"{self.name} has {self._number:,} lines, not {count:,}")
            taken = chunk[: count - self._number]
            self._waiting = chunk[len(taken) :]
            self._number += len(taken)
            last = taken[-1]
        return self._decoded(last, count) if count else ""

    def chunks(self, read: Callable[[int, str], T]) -> Iterator[list[T]]:
        """What ``read`` makes of each line and its number, counted from 1.

        Each chunk is what the stream had to give, so that a line typed is there at once, and a
        file comes in large parts. Raises ValueError, naming the line, for invalid UTF-8 or what
        ``read`` refuses, after all the lines before it.
        """
        while (chunk := self._next()) is not None:
            made: list[T] = []
            for raw in chunk:
                number = self._number + 1
                try:
                    made.append(read(number, self._decoded(raw, number)))
                except ValueError as error:
                    if made:
                        yield made
                    raise ValueError(f"{self.name}:{number}: {error}") from None
                self._number = number
            yield made

    def _next(self) -> list[bytes] | None:
        waiting, self._waiting = self._waiting, []
        return waiting or next(self._chunks, None)

    def _read(self) -> Iterator[list[bytes]]:
        parts: list[bytes] = []  # of a line that has not ended
        try:
            while data := self._stream.read1(READ_BYTES):
                self._bytes += len(data)
                first, *others = data.split(b"\n")
                parts.append(first)
                if others:
                    yield [b"".join(parts), *others[:-1]]
                    parts = [others[-1]]
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise ValueError(
                f"{self.name} is not whole gzip data, as its name says: {error}"
            ) from None
        except OSError as error:
            raise OSError(error.errno, error.strerror, self.name) from None
        if rest := b"".join(parts):
            yield [rest]

    def _decoded(self, raw: bytes, number: int) -> str:
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(
                f"not valid UTF-8 (byte 0x{raw[error.start]:02x}); convert the text, for example "
                f"with iconv"
            ) from None
        if number == 1:
            text = text.removeprefix("\ufeff")
        return text.removesuffix("\r")


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
    file = Path(path)
    if file.is_dir():
        raise IsADirectoryError(f"{file} is a directory: name a text file in it")
    with open(file, "rb") as stream:
        if file.suffix == ".gz":
            with gzip.GzipFile(fileobj=stream) as unzipped:
                yield Lines(
                    unzipped, str(file), status=os.fstat(stream.fileno()), position=stream.tell
                )
        else:
            yield Lines(stream, str(file), status=os.fstat(stream.fileno()))


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


COUNT_BYTES = 2**20


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
    lines = size = 0
    with open(path, "rb") as file:
        while block := file.read(COUNT_BYTES):
            lines += block.count(b"\n")
            if b"\n" in block:
                size = file.tell() - len(block) + block.rindex(b"\n") + 1
    return Done(lines, size, _last_line(path, size))


def refuse_same_file(path: str | None, *inputs: Lines) -> None:
    """ValueError where writing would destroy what is still to be read."""
    if path is None or not Path(path).is_file():
        return
    written = Path(path).stat()
    for lines in inputs:
        if lines.status and os.path.samestat(lines.status, written):
            raise ValueError(f"{path} would be read and written at once: give output another name")


def _last_line(path: str, size: int) -> bytes:
    """The line that ends at byte ``size``, its line break being the byte before."""
    with open(path, "rb") as file:
        start, line = max(size - 1, 0), b""
        while start and b"\n" not in line:
            step = min(start, COUNT_BYTES)
            start -= step
            file.seek(start)
            line = file.read(step) + line
    return line.rpartition(b"\n")[2]
