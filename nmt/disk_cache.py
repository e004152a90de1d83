"""A cache of directories, each named by a hash of the key that determines its content.

An entry is built under a temporary name, written through to the disk and renamed. A damaged entry
is built again. If several programs build the same entry, any one of them publishes it.
"""

import errno
import hashlib
import json
import logging
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

from nmt.directory_lock import lock_file
from nmt.files import sha256_file, sync

log = logging.getLogger(__name__)

VARIABLE = "NMT_CACHE"
_INDEX = "entry.json"
_TEMPORARY = "tmp-"
_ENTRY = re.compile(r"[a-z]+-[0-9a-f]{24}")
_OWNER = "owner"  # a file that the process which works on a temporary directory keeps locked
_LEFT_BEHIND = 7 * 86400.0  # seconds after which nobody is working on one without such a file

_in_use: set[Path] = set()
"""The temporary directories of this process."""


def delete_scratch() -> None:
    """Deletes the temporary directories of this process, which is about to end."""
    for directory in tuple(_in_use):
        shutil.rmtree(directory, ignore_errors=True)


def default_place() -> Path:
    """$NMT_CACHE, else $XDG_CACHE_HOME/nmt, else ~/.cache/nmt."""
    if place := os.environ.get(VARIABLE):
        return Path(place).expanduser()
    if home := os.environ.get("XDG_CACHE_HOME"):
        return Path(home) / "nmt"
    return Path.home() / ".cache" / "nmt"


class DiskCache:
    """A directory of entries. Entries may be deleted at any time; they are built again."""

    def __init__(self, place: str | Path | None = None, *, named_by: str = "place=") -> None:
        """place: the directory, made when first needed; None for the default. named_by: the option
        that names the directory, for messages."""
        self.place = Path(place) if place else default_place()
        self._named_by = named_by

    def entry(self, kind: str, key: Mapping[str, Any], build: Callable[[Path], None]) -> Path:
        """The directory for a key; ``build`` makes it unless a whole one exists.

        key: plain JSON of everything that determines the content. build: writes files to the empty
        directory that it is given; if it raises, nothing is left behind. Raises OSError where the
        place cannot be written, saying how to name another.
        """
        digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
        path = self.place / f"{kind}-{digest[:24]}"
        if is_whole(path):
            return path
        if path.exists():
            log.warning("%s is damaged: it is made again", path)
        with self.scratch() as scratch:
            made = scratch / kind
            made.mkdir()
            build(made)
            files = {file.name: sha256_file(file) for file in sorted(made.iterdir())}
            index = json.dumps({"key": key, "files": files}, indent=2)
            (made / _INDEX).write_text(index + "\n", encoding="utf-8")
            for file in (*made.iterdir(), made):
                sync(file)
            _publish(made, path)
        return path

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A temporary directory in the place, deleted at the end with its content."""
        try:
            self.place.mkdir(parents=True, exist_ok=True)
            self.sweep()
            directory = Path(tempfile.mkdtemp(prefix=_TEMPORARY, dir=self.place))
            owner = _owned(directory)
        except OSError as error:
            raise self._explained(error) from None
        _in_use.add(directory)
        try:
            yield directory
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise self._explained(error) from None
            raise
        finally:
            os.close(owner)
            shutil.rmtree(directory, ignore_errors=True)
            _in_use.discard(directory)

    def entries(self) -> list[tuple[Path, int]]:
        """Each directory of the cache, also those of killed programs, and its bytes on disk."""
        patterns = (_ENTRY.fullmatch, lambda name: name.startswith(_TEMPORARY))
        found = sorted(self.place.iterdir()) if self.place.is_dir() else []
        named = [path for path in found if any(pattern(path.name) for pattern in patterns)]
        return [(path, _bytes_in(path)) for path in named]

    def clear(self) -> int:
        """Deletes every entry -> bytes that became free. Programs that have one open keep it."""
        self.sweep()
        entries = [(path, size) for path, size in self.entries() if _ENTRY.fullmatch(path.name)]
        for path, _ in entries:
            shutil.rmtree(path, ignore_errors=True)
        return sum(size for path, size in entries if not path.exists())

    def _explained(self, error: OSError) -> OSError:
        return OSError(
            f"cannot write the prepared corpus to {self.place} "
            f"({os.strerror(error.errno) if error.errno else error}): "
            f"name another directory by {self._named_by} or in the environment by {VARIABLE}"
        )

    def sweep(self) -> None:
        """Deletes the temporary directories of killed programs."""
        for directory in self.place.glob(f"{_TEMPORARY}*"):
            try:
                if _is_left_behind(directory):
                    shutil.rmtree(directory, ignore_errors=True)
            except OSError:
                continue  # another program is using it


def _owned(directory: Path) -> int:
    """Puts a locked file into a temporary directory -> its descriptor."""
    owner = os.open(directory / f"{_OWNER}.new", os.O_RDWR | os.O_CREAT, 0o666)
    with suppress(OSError):  # no locks on this disk, or no open file is renamed on this system
        lock_file(owner)
        (directory / f"{_OWNER}.new").rename(directory / _OWNER)  # once it is locked
    return owner


def _is_left_behind(directory: Path) -> bool:
    """Whether the process that made a temporary directory is dead; where it cannot lock files,
    whether that was long ago."""
    if (directory / _OWNER).exists():
        owner = os.open(directory / _OWNER, os.O_RDWR)
        try:
            lock_file(owner)
        except (BlockingIOError, PermissionError):
            return False
        finally:
            os.close(owner)
        return True
    latest = max(path.stat().st_mtime for path in (directory, *directory.rglob("*")))
    return time.time() - latest > _LEFT_BEHIND


def _bytes_in(directory: Path) -> int:
    total = 0
    for path in directory.rglob("*"):
        with suppress(OSError):  # another program has deleted it
            total += path.stat().st_size
    return total


def is_whole(entry: Path) -> bool:
    """Whether a directory is a finished entry and all its files have their recorded sha256."""
    try:
        files = json.loads((entry / _INDEX).read_text(encoding="utf-8"))["files"]
        return files != {} and all(sha256_file(entry / name) == sha for name, sha in files.items())
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return False


def _publish(made: Path, path: Path) -> None:
    """Give a finished entry its name, unless another program has published it first.

    A damaged entry is moved aside and checked again: if another program has replaced it by a whole
    one in the meantime, that one goes back.
    """
    attempts = count()
    while not _renamed(made, path):
        if is_whole(path):
            return
        aside = made.with_name(f"aside-{next(attempts)}")
        with suppress(FileNotFoundError):  # another program did the same
            path.rename(aside)
        if is_whole(aside):
            _renamed(aside, path)
    sync(path.parent)


def _renamed(entry: Path, path: Path) -> bool:
    """Whether the entry could be renamed: False if another one has the name."""
    try:
        entry.rename(path)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            return False
        raise
    return True
