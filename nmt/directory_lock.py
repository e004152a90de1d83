"""A lock on a directory, which one process at a time can hold. It ends with the process.

The file ``lock`` says who holds it. What counts is not the file but the lock on it, which the
system takes from a process that dies: a file without a lock holds nothing.
"""

import logging
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

log = logging.getLogger(__name__)

LOCK = "lock"
_LOCKED_BYTE = 2**30  # Windows lets nobody read what is locked; the text stands before


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Locks a directory, which is made if it is missing, and removed if it is left empty. Raises
    ValueError that names the process that holds it, its machine and since when."""
    missing = [place for place in (directory, *directory.parents) if not place.exists()]
    directory.mkdir(parents=True, exist_ok=True)
    lock = _take(directory)
    try:
        yield
    finally:
        if sys.platform == "win32":  # an open file cannot be deleted there
            os.close(lock)
            with suppress(OSError):
                (directory / LOCK).unlink()
        else:
            (directory / LOCK).unlink(missing_ok=True)
            os.close(lock)
        for place in missing:
            with suppress(OSError):  # not empty
                place.rmdir()


def _take(directory: Path) -> int:
    """Returns a descriptor of the lock file, locked."""
    path = directory / LOCK
    # A link or a pipe in its place would be written to.
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    while True:
        lock = os.open(path, flags, 0o666)
        try:
            lock_file(lock)
        except (BlockingIOError, PermissionError):
            holder = os.read(lock, 200).decode(errors="replace") or "another process"
            os.close(lock)
            said = f"{directory} is held by {holder}, which trains there"
            raise ValueError(f"{said}: wait for its end, or name another by run=") from None
        except OSError as error:
            log.warning("%s: no lock (%s): let no other process train there", path, error)
            return lock
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(lock), path.stat()):
                since = datetime.now().astimezone().isoformat(" ", "seconds")
                os.truncate(lock, 0)
                os.write(
                    lock, f"process {os.getpid()} on {socket.gethostname()} since {since}".encode()
                )
                return lock
        os.close(lock)  # the process that held it has deleted this file in the meantime


def lock_file(descriptor: int) -> None:
    """Locks an open file. Raises BlockingIOError or PermissionError where another process has the
    lock."""
    if sys.platform == "win32":
        import msvcrt

        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_SET)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
