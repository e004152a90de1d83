"""Checkpoints: the training state on disk, from which a run goes on as if it had never stopped."""

import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor

from nmt import distributed
from nmt.files import NO_ROOM, sync
from nmt.run_directory import RunDirectory
from nmt.training.checkpoint_file import damage_explained, read_state

log = logging.getLogger(__name__)

STATE = "training.pt"


def name_of(step: int, stopped: bool = False) -> str:
    """The directory of a checkpoint. stopped: training was stopped at this step before validating
    it; once it is validated, that checkpoint overwrites nothing that counts."""
    return f"checkpoints/{step}-stopped" if stopped else f"checkpoints/{step}"


def write_checkpoint(
    run: RunDirectory, step: int, state: dict[str, Any], *, stopped: bool = False
) -> str:
    """Writes the directory that ``name_of`` names and returns the name. The next commit records
    it."""
    name = name_of(step, stopped)
    final = run.path / name
    temporary = final.with_name(f"{final.name}.tmp")
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
    """Reads the state, after verifying its sha256. Only plain types are loaded."""
    return read_state(run.verified(f"{name}/{STATE}"))


def average_weights(run: RunDirectory, names: Sequence[str]) -> dict[str, Tensor]:
    """The mean of the checkpoints' weights (Vaswani et al. 2017, section 6.1). Tensors of whole
    numbers are not averaged: they are the last checkpoint's."""
    total: dict[str, Tensor] = {}
    for name in names:
        with damage_explained(run.path / name):
            for key, value in read_checkpoint(run, name)["model"].items():
                adds = key in total and value.is_floating_point()
                total[key] = total[key] + value if adds else value
    return {k: v / len(names) if v.is_floating_point() else v for k, v in total.items()}


def random_state() -> dict[str, Any]:
    """The states of torch's random generators, the only ones that training draws from."""
    return {
        "cpu": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "mps": torch.mps.get_rng_state() if torch.backends.mps.is_available() else None,
    }


def set_random_state(state: dict[str, Any]) -> None:
    """Restores torch's random generators, except those of devices that are not here."""
    torch.set_rng_state(state["cpu"])
    if torch.cuda.is_available():
        for device, of_device in zip(range(torch.cuda.device_count()), state["cuda"], strict=False):
            torch.cuda.set_rng_state(of_device, device)
    if torch.backends.mps.is_available() and state.get("mps") is not None:
        torch.mps.set_rng_state(state["mps"])


def random_states() -> dict[str, Any]:
    """The part of a checkpoint that has the random states of all ranks."""
    first, *others = distributed.gather(random_state())
    return {"random": first, "random_of_others": others}


def set_random_states(state: dict[str, Any]) -> None:
    """Takes over this rank's random state from a checkpoint. One of another number of processes has
    none for it: each rank then goes on with the state that it has."""
    states = [state["random"], *state.get("random_of_others", [])]
    if len(states) == distributed.size():
        set_random_state(states[distributed.rank()])
    else:
        log.warning(
            "%d processes go on where %d stopped, with other random numbers; as many batches as "
            "there are processes, times accumulate, make one update",
            *(distributed.size(), len(states)),
        )


@contextmanager
def full_disk_explained(run: Path) -> Iterator[None]:
    """Raises OSError that says how to go on, where a write inside the context fills the disk."""
    try:
        yield
    except (OSError, RuntimeError, SafetensorError) as error:
        if not _is_full_disk(error):
            raise
        raise OSError(
            f"{run}: the disk has no room for it; all that was saved before is intact: make room, "
            f"and the same command with resume=auto goes on from there"
        ) from error


def _is_full_disk(error: BaseException | None) -> bool:
    if isinstance(error, SafetensorError):  # names the system's error in its text
        return any(f"(os error {number})" in str(error) for number in NO_ROOM)
    if isinstance(error, OSError):
        return error.errno in NO_ROOM
    # A RuntimeError of torch has the system's error as its context.
    return error is not None and _is_full_disk(error.__context__)
