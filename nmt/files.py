"""Files that are written whole or not at all, arrays in files, and fingerprints of text."""

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Errors of a full disk."""

SLICE_ROWS = 2**18
_BLOCK_BYTES = 2**20


def sha256_file(path: str | Path) -> str:
    """The sha256 of a file's bytes, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: str | Path) -> None:
    """Write a file, or the names in a directory, through to the disk: it survives a power loss."""
    if os.name == "nt" and Path(path).is_dir():
        return  # Windows opens no directory
    descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_text(path: Path, text: str) -> None:
    """Replace a file by ``text`` at once: a reader sees the old or the new text, never a part."""
    replace_files({path: text.encode("utf-8")})


def replace_bytes(path: Path, data: bytes) -> None:
    """Replace a file at once, as ``replace_text`` does."""
    replace_files({path: data})


def replace_files(files: Mapping[Path, bytes]) -> None:
    """Replace files at once, as ``replace_text`` does, or none of them where one finds no room.
    Raises OSError that names the file, and what ``check_replaceable`` raises."""
    made: dict[Path, Path] = {}
    try:
        for path, data in files.items():
            check_replaceable(path)
            temporary = made[path] = path.with_name(path.name + ".tmp")
            with named(path):
                temporary.unlink(missing_ok=True)  # a stranger may have put a link there
                with open(temporary, "xb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
        for path, temporary in made.items():
            os.replace(temporary, path)
    except BaseException:
        for temporary in made.values():
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
        raise
    for directory in {path.parent for path in made}:
        sync(directory)


def check_replaceable(path: Path) -> None:
    """OSError for what is there and no file: a directory, a link, which may lead to anything, a
    device or a pipe, which a file would take the place of."""
    if path.is_symlink():
        raise FileExistsError(f"{path} is a link: name what it leads to, or delete it")
    if path.exists() and not path.is_file():
        raise FileExistsError(f"{path} is there and no file: name another place, or delete it")


def check_file_writable(path: Path, option: str) -> None:
    """OSError unless ``replace_files`` can write a file. Call it before long work."""
    check_writable(path.parent, option)
    check_replaceable(path)


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Inside the context, OSErrors of a full disk or of a damaged one name this file."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and (error.filename is None or error.errno in NO_ROOM):
            raise type(error)(error.errno, error.strerror, str(path)) from None
        raise


def check_writable(directory: Path, option: str) -> None:
    """OSError unless files can be written in a directory. Call it before long work whose result
    goes there. A directory that does not exist is not left behind.

    option: the option that names the directory, for the message.
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
            with suppress(OSError):  # it was not made, or is in use by now
                place.rmdir()


def check_room(directory: Path, needed: int, what: str, option: str) -> str:
    """OSError unless the disk has that many bytes free -> what to say of it otherwise. Call it
    before long work. what: takes them. option: names the directory."""
    there = next(place for place in (directory, *directory.absolute().parents) if place.exists())
    free = shutil.disk_usage(there).free
    said = f"{what} in {directory}: about {size_text(needed)}, {size_text(free)} are free"
    if free < needed:
        raise OSError(f"{said}: make room, or name another directory by {option}")
    return said


def size_text(size: int) -> str:
    """A number of bytes as people read it."""
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.1f} MB"


def mapped_zeros(path: Path, dtype: Any, size: int) -> NDArray[Any]:
    """An array of zeros (size,) in a new file. The array stays valid if the file is deleted.

    Writes the zeros, so that a full disk raises OSError here; in a file that was merely extended, a
    later write would end the program.
    """
    left = size * np.dtype(dtype).itemsize
    if not left:  # an empty file cannot be mapped
        return np.zeros(0, dtype=dtype)
    with open(path, "w+b") as file:
        while left:
            left -= file.write(bytes(min(left, _BLOCK_BYTES)))
        file.flush()
        return np.asarray(np.memmap(file, dtype=dtype, mode="r+", shape=(size,)))


def slices(size: int) -> Iterator[slice]:
    """0 to ``size`` in slices of at most SLICE_ROWS, so that work on one fits in memory."""
    for start in range(0, size, SLICE_ROWS):
        yield slice(start, min(start + SLICE_ROWS, size))


def text_bytes(lines: Iterable[str]) -> bytes:
    """The bytes of a text file with these lines: UTF-8, each line ended by "\\n"."""
    return "".join(f"{line}\n" for line in lines).encode("utf-8")


def fingerprint(lines: Iterable[str]) -> str:
    """The sha256 of a text file with these lines, as sha256sum gives it."""
    return hashlib.sha256(text_bytes(lines)).hexdigest()
