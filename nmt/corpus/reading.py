"""Reading parallel text without ever losing step.

A line ends at "\\n" and nowhere else. Readers that also split at a lone carriage return, a form
feed or U+2028 put the two sides out of step without a word.
"""

import gzip
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

PathSpec: TypeAlias = str | Path | Sequence[str | Path]


class SentencePair(NamedTuple):
    """A sentence and its translation, as they stand in the files."""

    src: str
    tgt: str


def read_lines(path: str | Path) -> list[str]:
    """The lines of a UTF-8 text file, gzipped where its name ends in ``.gz``.

    One "\\r" before the line's end and a byte order mark at the file's start are removed; all other
    text stays as it is, empty lines included.

    Raises OSError for a file that is missing or cannot be opened, ValueError for one that is empty,
    is not UTF-8 (naming line and byte) or is damaged gzip.
    """
    path = Path(path).expanduser()
    data = _read_bytes(path)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"{path}:{line}: not valid UTF-8 (byte 0x{data[error.start]:02x} at offset"
            f" {error.start:,} of the text); convert the file, for example with iconv"
        ) from None
    text = text.removeprefix("\ufeff")
    if not text:
        raise ValueError(f"{path} is empty: it must hold one sentence a line")
    lines = text.removesuffix("\n").split("\n")
    return [line.removesuffix("\r") for line in lines]


def read_pairs(src: PathSpec, tgt: PathSpec) -> list[SentencePair]:
    """Sentence pairs from two files, or from two equally long lists of files in the same order.

    Raises ValueError where two files differ in their number of lines, and what read_lines raises.
    """
    src_paths, tgt_paths = _as_list(src), _as_list(tgt)
    if len(src_paths) != len(tgt_paths):
        raise ValueError(
            f"{len(src_paths)} source files against {len(tgt_paths)} target files:"
            f" {_joined(src_paths)} against {_joined(tgt_paths)}; give them in pairs, in order"
        )
    pairs: list[SentencePair] = []
    for src_path, tgt_path in zip(src_paths, tgt_paths, strict=True):
        src_lines, tgt_lines = read_lines(src_path), read_lines(tgt_path)
        if len(src_lines) != len(tgt_lines):
            raise ValueError(
                f"{src_path} has {len(src_lines):,} lines, but {tgt_path} has {len(tgt_lines):,}:"
                " line n of one must translate line n of the other"
            )
        pairs.extend(map(SentencePair, src_lines, tgt_lines))
    return pairs


def _read_bytes(path: Path) -> bytes:
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a directory: name a text file in it")
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(f"no such file: {path}") from None
    except OSError as error:
        raise type(error)(f"cannot read {path}: {error.strerror}") from None
    if path.suffix != ".gz" or not data:
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path} is not whole gzip data, as its name says: {error}") from None


def _as_list(spec: PathSpec) -> list[Path]:
    paths = [spec] if isinstance(spec, str | Path) else list(spec)
    return [Path(path) for path in paths]


def _joined(paths: Sequence[Path]) -> str:
    return ", ".join(map(str, paths)) or "none"
