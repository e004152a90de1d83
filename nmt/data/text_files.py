"""Reading parallel text without ever losing step.

A line ends at "\\n" and nowhere else. Readers that also split at a lone carriage return, a form
feed or U+2028 put the two sides out of step without a word.
"""

import gzip
import zlib
from collections.abc import Iterator, Sequence
from itertools import islice, zip_longest
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeAlias, cast

PathSpec: TypeAlias = str | Path | Sequence[str | Path]

_BOM = "\ufeff".encode()


class SentencePair(NamedTuple):
    """A sentence and its translation, as they stand in the files."""

    src: str
    tgt: str


def iter_lines(path: str | Path) -> Iterator[str]:
    """The lines of a UTF-8 text file, gzipped where its name ends in ``.gz``, one at a time.

    One "\\r" before the line's end and a byte order mark at the file's start are removed; all other
    text stays as it is, empty lines included.

    Raises OSError for a file that is missing or cannot be opened, ValueError for one that is empty,
    is not UTF-8 (naming line and byte) or is damaged gzip: for the latter two only when it comes
    to that place.
    """
    path = Path(path).expanduser()
    offset, number = 0, 0
    with opened(path) as file:
        for number, raw in enumerate(_raw_lines(file, path), 1):
            text = raw.removeprefix(_BOM) if number == 1 else raw
            if not text:
                raise _empty(path)
            try:
                line = text.decode("utf-8")
            except UnicodeDecodeError as error:
                at = len(raw) - len(text) + error.start
                raise ValueError(
                    f"{path}:{number}: not valid UTF-8 (byte 0x{raw[at]:02x} at offset"
                    f" {offset + at:,} of the text); convert the file, for example with iconv"
                ) from None
            offset += len(raw)
            yield line.removesuffix("\n").removesuffix("\r")
    if not number:
        raise _empty(path)


def read_lines(path: str | Path) -> list[str]:
    """All lines of a file; see iter_lines."""
    return list(iter_lines(path))


def iter_pairs(
    src: str | Path, tgt: str | Path, most: int | None = None
) -> Iterator[tuple[str, str]]:
    """Line n of one file with line n of the other, one at a time; at most ``most`` of them.

    Raises ValueError where one file ends before the other, unless ``most`` lines came first, and
    what iter_lines raises.
    """
    src_lines, tgt_lines = iter_lines(src), iter_lines(tgt)
    for count, pair in enumerate(islice(zip_longest(src_lines, tgt_lines), most)):
        if None in pair:
            rest = 1 + sum(1 for _ in src_lines) + sum(1 for _ in tgt_lines)
            src_count = count if pair[0] is None else count + rest
            tgt_count = count if pair[1] is None else count + rest
            raise ValueError(
                f"{src} has {src_count:,} lines, but {tgt} has {tgt_count:,}:"
                " line n of one must translate line n of the other"
            )
        yield pair


def read_pairs(src: PathSpec, tgt: PathSpec) -> list[SentencePair]:
    """Sentence pairs from two files, or from two equally long lists of files in the same order.

    Raises ValueError where two files differ in their number of lines, and what read_lines raises.
    """
    return [SentencePair(*pair) for files in paired_paths(src, tgt) for pair in iter_pairs(*files)]


def paired_paths(src: PathSpec, tgt: PathSpec) -> list[tuple[Path, Path]]:
    """The files of both sides, in pairs; ValueError where one side has more than the other."""
    src_paths, tgt_paths = as_paths(src), as_paths(tgt)
    if len(src_paths) != len(tgt_paths):
        raise ValueError(
            f"{len(src_paths)} source files against {len(tgt_paths)} target files:"
            f" {_joined(src_paths)} against {_joined(tgt_paths)}; give them in pairs, in order"
        )
    return list(zip(src_paths, tgt_paths, strict=True))


def as_paths(spec: PathSpec) -> list[Path]:
    """One path or several as a list, with ~ expanded."""
    paths = [spec] if isinstance(spec, str | Path) else list(spec)
    return [Path(path).expanduser() for path in paths]


def opened(path: Path, *, packed: bool = False) -> BinaryIO:
    """The file's bytes; unless ``packed``, those that gzip packed where the name ends in ``.gz``.

    Raises OSError naming the file and what is wrong with it.
    """
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a directory: name a file in it")
    try:
        if path.suffix == ".gz" and not packed:
            return cast(BinaryIO, gzip.open(path, "rb"))
        return path.open("rb")
    except FileNotFoundError:
        raise FileNotFoundError(f"no such file: {path}") from None
    except OSError as error:
        raise type(error)(f"cannot read {path}: {error.strerror}") from None


def _raw_lines(file: BinaryIO, path: Path) -> Iterator[bytes]:
    try:
        yield from file
    except (OSError, EOFError, zlib.error) as error:
        if path.suffix != ".gz":
            raise OSError(f"cannot read {path}: {error}") from None
        raise ValueError(f"{path} is not whole gzip data, as its name says: {error}") from None


def _empty(path: Path) -> ValueError:
    return ValueError(f"{path} is empty: it must hold a line for each sentence")


def _joined(paths: Sequence[Path]) -> str:
    return ", ".join(map(str, paths)) or "none"
