"""A checkpoint's file, of ``torch.save``, read as data that anybody may have written.

``weights_only`` runs no code. But a file could still state sizes that fill the memory: compressed
content, one part in many places, tensors that repeat their memory. Ours hold none of these.
"""

import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, BadZipFile, ZipFile

import torch
from torch import Tensor

from nmt.plain_files import MOST_DEPTH

MOST_STRUCTURE = 2**22  # bytes of what is no tensor; about 600 a parameter
MOST_NAMES = 2**24  # bytes
MOST_VALUES = 1_000_000
_END, _END_64 = struct.Struct("<4s4H2LH"), struct.Struct("<4sQ2H2L4Q")
_PLAIN = (str, int, float, bool, bytes, type(None))


def read_state(path: Path) -> dict[str, Any]:
    """The mapping in a checkpoint's file: plain values and tensors in the memory of the CPU. Raises
    ValueError for what ``torch.save`` makes of nothing else."""
    with damage_explained(path):
        _check_sizes(path)
        state: Any = torch.load(path, map_location="cpu", weights_only=True)
        if not isinstance(state, dict):
            raise ValueError("it is no mapping")
        if sum(1 for _ in _plain_values(state, MOST_DEPTH)) > MOST_VALUES:
            raise ValueError("it repeats its parts")
        return state


@contextmanager
def damage_explained(path: Path) -> Iterator[None]:
    """Turns every error of reading a state, or of going back to it, into a ValueError in one line
    that names the file. What the system says of a file passes."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        said = str(error).strip().partition("\n")[0]
        said = said if isinstance(error, ValueError) else f"{type(error).__name__}: {said}"
        raise ValueError(f"{path} is damaged, or no checkpoint of this training: {said}") from error


def _check_sizes(path: Path) -> None:
    """ValueError unless a zip archive holds its content as it is, each part once."""
    length = path.stat().st_size
    with open(path, "rb") as file:
        file.seek(max(0, length - _END.size - 20 - _END_64.size))
        tail = file.read()
    if tail[-_END.size :][:4] != b"PK\5\6":
        raise ValueError("it is no file of torch.save")
    *_, names, _, _ = _END.unpack(tail[-_END.size :])
    if tail[:4] == b"PK\6\6":
        names = _END_64.unpack(tail[: _END_64.size])[-2]
    if names > MOST_NAMES:
        raise ValueError(f"it has {names:,} bytes of names")
    try:
        with ZipFile(path) as archive:
            parts = archive.infolist()
    except (BadZipFile, NotImplementedError) as error:
        raise ValueError(f"it is no file of torch.save ({error})") from error
    if any(part.compress_type != ZIP_STORED for part in parts):
        raise ValueError("it is compressed")
    if sum(part.file_size for part in parts) > length:
        raise ValueError("its parts are longer than the file")
    if sum(part.file_size for part in parts if part.filename.endswith(".pkl")) > MOST_STRUCTURE:
        raise ValueError("what is no tensor in it is too long")


def _plain_values(value: Any, depth: int) -> Iterator[None]:
    """One for each value inside, up to one too many. ValueError for one that is not plain."""
    stack, seen = [(value, depth)], 0
    while stack and seen <= MOST_VALUES:
        each, left = stack.pop()
        seen += 1
        yield
        if not left:
            raise ValueError("it is nested too deeply")
        if isinstance(each, Mapping):
            stack += [(inside, left - 1) for pair in each.items() for inside in pair]
        elif isinstance(each, list | tuple):
            stack += [(inside, left - 1) for inside in each]
        elif isinstance(each, Tensor):
            if each.layout is not torch.strided or each.device.type != "cpu" or each.is_quantized:
                raise ValueError("one of its tensors is not plain")
            if each.numel() * each.element_size() > each.untyped_storage().nbytes():
                raise ValueError("one of its tensors is larger than its memory")
        elif type(each) not in _PLAIN:
            raise ValueError(f"it holds a {type(each).__name__}")
