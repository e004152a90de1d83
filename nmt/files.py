"""Files that are there whole or not at all, arrays in files, and what a text is recognised by."""

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SLICE_ROWS = 2**18
_BLOCK_BYTES = 2**20


def sha256_file(path: str | Path) -> str:
    """The sha256 of a file's bytes, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: str | Path) -> None:
    """Have what was written to a file, or a directory's names, survive a loss of power."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_text(path: Path, text: str) -> None:
    """Put ``text`` in place of a file at once: a reader sees the old or the new, never a part."""
    temporary = path.with_name(path.name + ".tmp")
    with open(temporary, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    sync(path.parent)


def check_writable(directory: Path, option: str) -> None:
    """OSError unless files can be written in a directory, which is left as it was: not there, if
    it was not. To be called before long work whose result goes there.

    option: what names another directory, for the message.
    """
    missing: list[Path] = []
    try:
        missing += [place for place in (directory, *directory.parents) if not place.exists()]
        directory.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=directory).close()
    except OSError as error:
        raise type(error)(
            f"{directory} is no directory that can be written ({error.strerror}): "
            f"name another by {option}="
        ) from None
    finally:
        for place in missing:
            with suppress(OSError):  # not made, or in use by now
                place.rmdir()


def mapped_zeros(path: Path, dtype: Any, size: int) -> NDArray[Any]:
    """An array of zeros in a new file, which lasts as long as the array even if it is deleted.

    The zeros are written: on a full disk that raises OSError, where a write to a file that was
    merely made longer would end the program.
    """
    left = size * np.dtype(dtype).itemsize
    if not left:  # cannot be mapped
        return np.zeros(0, dtype=dtype)
    with open(path, "w+b") as file:
        while left:
            left -= file.write(bytes(min(left, _BLOCK_BYTES)))
        file.flush()
        return np.asarray(np.memmap(file, dtype=dtype, mode="r+", shape=(size,)))


def slices(size: int) -> Iterator[slice]:
    """0 to ``size`` in pieces, each to be looked at as a whole."""
    for start in range(0, size, SLICE_ROWS):
        yield slice(start, min(start + SLICE_ROWS, size))


class Fingerprint:
    """sha256 of lines in UTF-8, each ended by "\\n": what sha256sum says of the plain file."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def add(self, lines: Iterable[str]) -> None:
        self._digest.update("".join(f"{line}\n" for line in lines).encode("utf-8"))

    def hexdigest(self) -> str:
        return self._digest.hexdigest()


def fingerprint(lines: Iterable[str]) -> str:
    """The fingerprint of all these lines."""
    whole = Fingerprint()
    whole.add(lines)
    return whole.hexdigest()
