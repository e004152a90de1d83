"""What is made once and used again: finished directories named by a hash of what decides them.

An entry is made under a temporary name, written through to the disk and renamed. What is damaged
or half there is made again, and of several programs that make the same entry one wins, whichever.
"""

import errno
import hashlib
import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

from nmt.files import sha256_file, sync

log = logging.getLogger(__name__)

VARIABLE = "NMT_CACHE"
_INDEX = "entry.json"
_TEMPORARY = "tmp-"
_LEFT_BEHIND = 7 * 86400.0  # seconds after which nobody is working on a temporary directory


def default_place() -> Path:
    """$NMT_CACHE, else $XDG_CACHE_HOME/nmt, else ~/.cache/nmt."""
    if place := os.environ.get(VARIABLE):
        return Path(place).expanduser()
    if home := os.environ.get("XDG_CACHE_HOME"):
        return Path(home) / "nmt"
    return Path.home() / ".cache" / "nmt"


class DiskCache:
    """A place of entries. Whatever is in it may be deleted at any time; it is made again."""

    def __init__(self, place: str | Path | None = None, *, named_by: str = "place=") -> None:
        """place: a directory, made when first needed; None for the default.

        named_by: the option that names another, for messages.
        """
        self.place = Path(place) if place else default_place()
        self._named_by = named_by

    def entry(self, kind: str, key: Mapping[str, Any], build: Callable[[Path], None]) -> Path:
        """The directory that belongs to a key, made by ``build`` if there is none that is whole.

        key: plain JSON of all that decides the content. build: fills the empty directory it is
        given with files; where it raises, nothing is left behind.

        Raises OSError where the place cannot be written, saying how to name another.
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
            _seal(made, key)
            _publish(made, path)
        return path

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A temporary directory in the place, deleted at the end with all that is in it."""
        try:
            self.place.mkdir(parents=True, exist_ok=True)
            self._sweep()
            directory = Path(tempfile.mkdtemp(prefix=_TEMPORARY, dir=self.place))
        except OSError as error:
            raise self._explained(error) from None
        try:
            yield directory
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise self._explained(error) from None
            raise
        finally:
            shutil.rmtree(directory, ignore_errors=True)

    def _explained(self, error: OSError) -> OSError:
        return OSError(
            f"cannot write the prepared corpus to {self.place} "
            f"({os.strerror(error.errno) if error.errno else error}): "
            f"name another directory by {self._named_by} or in the environment by {VARIABLE}"
        )

    def _sweep(self) -> None:
        """Delete what a program that was killed has left behind long ago."""
        for directory in self.place.glob(f"{_TEMPORARY}*"):
            try:
                latest = max(path.stat().st_mtime for path in (directory, *directory.rglob("*")))
            except OSError:
                continue  # someone is at work there
            if time.time() - latest > _LEFT_BEHIND:
                shutil.rmtree(directory, ignore_errors=True)


def is_whole(entry: Path) -> bool:
    """Whether a directory is a finished entry and every byte in it is what was written."""
    try:
        files = json.loads((entry / _INDEX).read_text(encoding="utf-8"))["files"]
        return bool(files) and all(
            sha256_file(entry / name) == digest for name, digest in files.items()
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return False


def _seal(directory: Path, key: Mapping[str, Any]) -> None:
    """Write down what the files hold, and have everything reach the disk."""
    files = {path.name: sha256_file(path) for path in sorted(directory.iterdir())}
    index = json.dumps({"key": key, "files": files}, indent=2)
    (directory / _INDEX).write_text(index + "\n", encoding="utf-8")
    for path in (*directory.iterdir(), directory):
        sync(path)


def _publish(made: Path, path: Path) -> None:
    """Give a finished entry its name, unless another program was first.

    What is damaged there is moved out of the way before it is looked at again: another program may
    have put a whole entry in its place meanwhile, which goes back.
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
    """Whether there was nothing in the way."""
    try:
        entry.rename(path)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            raise
        return False
    return True
