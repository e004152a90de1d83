"""Files that are there whole or not at all, and arrays in files."""

import hashlib
import os
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

_CHUNK = 2**20  # bytes


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


def mapped_zeros(file: IO[bytes], dtype: Any, size: int) -> NDArray[Any]:
    """An array of zeros in a new file, which lasts as long as the array even if it is deleted.

    The zeros are written: on a full disk that raises OSError, where a write to a file that was
    merely made longer would end the program.
    """
    left = size * np.dtype(dtype).itemsize
    if not left:  # cannot be mapped
        return np.zeros(0, dtype=dtype)
    while left:
        left -= file.write(bytes(min(left, _CHUNK)))
    file.flush()
    return np.asarray(np.memmap(file, dtype=dtype, mode="r+", shape=(size,)))
