"""Training states on disk: what a run needs to go on as if it had never stopped."""

import errno
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor

from nmt.files import sync
from nmt.run_directory import RunDirectory

STATE = "training.pt"


def write_checkpoint(run: RunDirectory, step: int, state: dict[str, Any]) -> str:
    """Write ``checkpoints/<step>/`` and return its name; it counts once the manifest names it."""
    name = f"checkpoints/{step}"
    final = run.path / name
    temporary = final.with_name(f"{step}.tmp")
    for leftover in (temporary, final):
        if leftover.exists():
            shutil.rmtree(leftover)
    temporary.mkdir(parents=True)
    with open(temporary / STATE, "wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    sync(temporary)
    temporary.rename(final)
    run.add_file(f"{name}/{STATE}")
    return name


def read_checkpoint(run: RunDirectory, name: str) -> dict[str, Any]:
    """The state, verified by its sha256 and made of plain types only."""
    path = run.verified(f"{name}/{STATE}")
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def average_weights(run: RunDirectory, names: Sequence[str]) -> dict[str, Tensor]:
    """The mean of the models of these checkpoints (Vaswani et al. 2017, section 6.1).

    What counts in whole numbers is that of the last.
    """
    total: dict[str, Tensor] = {}
    for name in names:
        for key, value in read_checkpoint(run, name)["model"].items():
            adds = key in total and value.is_floating_point()
            total[key] = total[key] + value if adds else value
    return {
        key: value / len(names) if value.is_floating_point() else value
        for key, value in total.items()
    }


def random_state() -> dict[str, Any]:
    """torch's generators, all that training draws from."""
    return {
        "cpu": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "mps": torch.mps.get_rng_state() if torch.backends.mps.is_available() else None,
    }


def set_random_state(state: dict[str, Any]) -> None:
    """Generators of devices that are not here are left out."""
    torch.set_rng_state(state["cpu"])
    if torch.cuda.is_available():
        for device, of_device in zip(range(torch.cuda.device_count()), state["cuda"], strict=False):
            torch.cuda.set_rng_state(of_device, device)
    if torch.backends.mps.is_available() and state.get("mps") is not None:
        torch.mps.set_rng_state(state["mps"])


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
