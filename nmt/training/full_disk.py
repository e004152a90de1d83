"""A disk without room, which torch, safetensors and the system each report in another way."""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NUMBER = re.compile(r"\(os error (\d+)\)")


@contextmanager
def full_disk_explained(run: Path) -> Iterator[None]:
    """OSError saying how to go on, where what is written inside the context finds no room."""
    try:
        yield
    except (OSError, RuntimeError, SafetensorError) as error:
        if not _is_of_no_room(error):
            raise
        raise OSError(
            f"{run}: the disk has no room for it; what was saved before is whole: make room, and "
            f"the same command with resume=auto goes on from there"
        ) from error


def _is_of_no_room(error: BaseException | None) -> bool:
    """Of torch, RuntimeError hides the error of the system as its context."""
    if isinstance(error, SafetensorError):
        return any(int(number) in _NO_ROOM for number in _NUMBER.findall(str(error)))
    if isinstance(error, OSError):
        return error.errno in _NO_ROOM
    return error is not None and _is_of_no_room(error.__context__)
