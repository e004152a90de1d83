"""Lines as they come: from a file or standard input of any length, a part at a time."""

import gzip
import os
import stat
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedReader, BytesIO
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
