"""Reads parallel text, line n of one side with line n of the other.

A line ends at "\\n" and nowhere else. A reader that also splits at a lone carriage return, a form
feed or U+2028 puts the two sides out of step, and nobody notices.
"""

import gzip
import os
import re
import stat
import zlib
from collections.abc import Callable, Iterator, Sequence
from io import BufferedIOBase, BufferedReader
from itertools import islice, zip_longest
from pathlib import Path
from typing import NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")
PathSpec: TypeAlias = str | Path | Sequence[str | Path]
Stream: TypeAlias = BufferedIOBase
Ids: TypeAlias = Sequence[int] | NDArray[np.int32]
"""The token ids of a sentence."""

LONGEST_LINE = 2**26  # bytes: a gigabyte of zeros packs into a megabyte, and takes all memory
READ_BYTES = 2**16  # the size of a pipe: about a thousand sentences

_BOM = "\ufeff"

_HEAD_BYTES = 4096
_MAGIC = {
    b"PK\x03\x04": ("a zip archive", "data=opus_zip reads archives as OPUS offers them"),
    b"PAR1\x15": ("Parquet", "data=parquet reads it"),
    b"\x1f\x8b": ("gzipped", "give it a name in .gz"),
    b"BZh91AY&SY": ("packed by bzip2", "unpack it"),
    b"\xfd7zXZ": ("packed by xz", "unpack it"),
    b"\x28\xb5\x2f\xfd": ("packed by zstd", "unpack it"),
    b"\xff\xfe": ("UTF-16", "convert it, for example with iconv -f UTF-16 -t UTF-8"),
    b"\xfe\xff": ("UTF-16", "convert it, for example with iconv -f UTF-16 -t UTF-8"),
}
_XML_ROOT = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(<\?xml[^>]*\?>)?"
    rb"(?>\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*(?:\[.*?\]\s*)?>)*+"
    rb"<(?:[\w.-]+:)?([A-Za-z][\w.-]*)[\s/>]",
    re.DOTALL,
)
_PO_HEADER = re.compile(rb'(?:\xef\xbb\xbf)?(?:\s*#[^\n]*\n)*\s*msgid "[^\n]*\n\s*(?:"|msg)')


class SentencePair(NamedTuple):
    """A sentence and its translation, unchanged from the files."""

    src: str
    tgt: str


class Lines:
    """The lines of UTF-8 text, in order, each read once.

    One "\\r" at the end of a line and a byte order mark at the start of the text are removed; all
    other text stays unchanged, blank lines included.

    name: of the file, for messages.
    status: of the file, None where there is none.
    position: returns how many bytes of the file have been read; by default those of ``stream``.
    larger: how many times a thousand lines to read at once.
    """

    larger: int = 1

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
        self._offset = 0  # bytes of those lines
        self._chunks = self._raw_chunks()
        self._waiting: list[bytes] = []  # lines read, but not handed out

    @property
    def size(self) -> int | None:
        """The size of the file in bytes; None for a pipe or a terminal."""
        if self.status is None or not stat.S_ISREG(self.status.st_mode):
            return None
        return self.status.st_size

    def is_terminal(self) -> bool:
        """Whether someone types the lines."""
        return self._stream.isatty()

    def skip(self, count: int) -> str:
        """Skip ``count`` lines and return the last of them, "" if ``count`` is 0. Raises
        ValueError where the text has fewer lines."""
        last = b""
        while self._number < count:
            if (chunk := self._next()) is None:
                raise ValueError(f"{self.name} has {self._number:,} lines, not {count:,}")
            taken = chunk[: count - self._number]
            self._waiting = chunk[len(taken) :]
            self._number += len(taken)
            self._offset += sum(map(len, taken)) + len(taken)
            last = taken[-1]
        return _decoded(last, count, self._offset - len(last) - 1) if count else ""

    def chunks(self, read: Callable[[int, str], T]) -> Iterator[list[T]]:
        """The results of ``read`` for each line, given its number, counted from 1, and its text.

        A chunk holds the lines that one read of the stream gave: a line that someone types comes
        at once, a file in large parts. Raises ValueError, naming the line, for invalid UTF-8 and
        for what ``read`` refuses, after all the lines before it; and for damaged gzip data.
        """
        while (chunk := self._next()) is not None:
            made: list[T] = []
            for raw in chunk:
                number = self._number + 1
                try:
                    made.append(read(number, _decoded(raw, number, self._offset)))
                except ValueError as error:
                    if made:
                        yield made
                    raise ValueError(f"{self.name}:{number}: {error}") from None
                self._number = number
                self._offset += len(raw) + 1
            yield made

    def _next(self) -> list[bytes] | None:
        waiting, self._waiting = self._waiting, []
        return waiting or next(self._chunks, None)

    def _raw_chunks(self) -> Iterator[list[bytes]]:
        parts: list[bytes] = []  # of the line that has not ended yet
        held = 0  # bytes in them
        try:
            while data := self._stream.read1(READ_BYTES * self.larger):
                self._bytes += len(data)
                first, *others = data.split(b"\n")
                parts.append(first)
                held += len(first)
                if held > LONGEST_LINE:
                    raise ValueError(
                        f"{self.name} has a line of over {LONGEST_LINE:,} bytes: it is no text of "
                        f"a sentence a line"
                    )
                if others:
                    yield [b"".join(parts), *others[:-1]]
                    parts, held = [others[-1]], len(others[-1])
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            packed = self.name.endswith(".gz")
            said = "is not whole gzip data, as its name says" if packed else "is damaged"
            raise ValueError(f"{self.name} {said}: {error}") from None
        except OSError as error:
            raise OSError(error.errno, error.strerror, self.name) from None
        if rest := b"".join(parts):
            yield [rest]


def _decoded(raw: bytes, number: int, offset: int) -> str:
    """The text of line ``number``, which begins at byte ``offset`` of the text."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"not valid UTF-8 (byte 0x{raw[error.start]:02x} at offset {offset + error.start:,} of"
            f" the text); convert it, for example with iconv"
        ) from None
    if number == 1:
        text = text.removeprefix(_BOM)
    return text.removesuffix("\r")


def iter_lines(path: str | Path) -> Iterator[str]:
    """The lines of a UTF-8 text file, one at a time; a name in ``.gz`` means that it is gzipped.

    Raises OSError for a file that is missing or cannot be opened, ValueError for an empty file, for
    one that begins as a file of another format does, and what ``Lines.chunks`` raises.
    """
    path = Path(path).expanduser()
    with opened(path) as stream:
        _refuse_other_format(stream, path)
        lines = Lines(stream, str(path))
        chunks = lines.chunks(lambda _, line: line)
        first = next(chunks, [])
        if first == [""]:
            first += next(chunks, [])
        if not first or (first == [""] and lines.position() == len(_BOM.encode())):
            raise ValueError(f"{path} is empty: it must hold a line for each sentence")
        yield from first
        for chunk in chunks:
            yield from chunk


def _refuse_other_format(stream: BufferedReader | gzip.GzipFile, path: Path) -> None:
    """ValueError, naming the reader, for what is no text of lines: it would be learnt as if it
    were."""
    try:
        head = stream.peek(_HEAD_BYTES)
    except (OSError, EOFError, zlib.error):  # reading words it
        return
    for magic, (what, remedy) in _MAGIC.items():
        if head.startswith(magic):
            raise ValueError(f"{path} is {what}, no text: {remedy}")
    if _PO_HEADER.match(head):
        raise ValueError(f"{path} is gettext PO, not text of a sentence a line: data=po reads it")
    found = _XML_ROOT.match(head)
    if not found:
        return
    root = found[2].decode()
    if root in ("tmx", "xliff") and (found[1] or b"version" in head):
        raise ValueError(f"{path} is {root.upper()}, not text of lines: data={root} reads it")
    if found[1]:
        raise ValueError(
            f"{path} is XML (<{root}>), not text of lines: take the text out of its tags first"
        )


def read_lines(path: str | Path) -> list[str]:
    """All lines of a file, see ``iter_lines``."""
    return list(iter_lines(path))


def iter_pairs(
    src: str | Path, tgt: str | Path, most: int | None = None
) -> Iterator[tuple[str, str]]:
    """Line n of one file with line n of the other, one pair at a time, at most ``most`` pairs.

    Raises ValueError where one file ends before the other, unless ``most`` pairs came first, and
    what ``iter_lines`` raises.
    """
    src_lines, tgt_lines = iter_lines(src), iter_lines(tgt)
    for count, pair in enumerate(islice(zip_longest(src_lines, tgt_lines), most)):
        if None in pair:
            longer = count + 1 + sum(1 for _ in src_lines) + sum(1 for _ in tgt_lines)
            src_count, tgt_count = (count if side is None else longer for side in pair)
            raise ValueError(
                f"{src} has {src_count:,} lines, but {tgt} has {tgt_count:,}:"
                " line n of one must translate line n of the other"
            )
        yield pair


def read_pairs(src: PathSpec, tgt: PathSpec) -> list[SentencePair]:
    """Sentence pairs from two files, or from two equally long lists of files in the same order.
    Raises what ``paired_paths`` and ``iter_pairs`` raise."""
    return [SentencePair(*pair) for files in paired_paths(src, tgt) for pair in iter_pairs(*files)]


def paired_paths(src: PathSpec, tgt: PathSpec) -> list[tuple[Path, Path]]:
    """The files of both sides, in pairs; ValueError where one side has more than the other, and for
    a file that is given for both."""
    src_paths, tgt_paths = as_paths(src), as_paths(tgt)
    if len(src_paths) != len(tgt_paths):
        names = [", ".join(map(str, paths)) or "none" for paths in (src_paths, tgt_paths)]
        raise ValueError(
            f"{len(src_paths)} source files against {len(tgt_paths)} target files:"
            f" {' against '.join(names)}; give them in pairs, in order"
        )
    pairs = list(zip(src_paths, tgt_paths, strict=True))
    for source, target in pairs:
        if source == target or (source.exists() and target.exists() and source.samefile(target)):
            raise ValueError(
                f"{source} and {target} are one file: the target must be a translation of the "
                f"source"
            )
    return pairs


def as_paths(spec: PathSpec) -> list[Path]:
    """One path or several as a list, with ~ expanded."""
    paths = [spec] if isinstance(spec, str | Path) else list(spec)
    return [Path(path).expanduser() for path in paths]


def opened(path: Path, *, packed: bool = False) -> BufferedReader | gzip.GzipFile:
    """Opens a file to read bytes. Unpacks a file named ``.gz``, unless ``packed``. Raises OSError
    naming the file and what is wrong with it."""
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a directory: name a file in it")
    try:
        if path.suffix == ".gz" and not packed:
            return gzip.GzipFile(path)
        return path.open("rb")
    except FileNotFoundError:
        raise FileNotFoundError(f"no such file: {path}") from None
    except OSError as error:
        raise type(error)(f"cannot read {path}: {error.strerror}") from None
