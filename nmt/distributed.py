"""Several processes that torchrun started work as one. Each has a rank; the first alone writes.

Whoever must know asks here: how many there are, what the others found, what the first decided. A
process by itself is the first of one, and then nothing here costs anything. All ranks must come to
the same calls in the same order; where one has ended, the others are told by a ConnectionError.
"""

import logging
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:  # commands that need no torch start faster
    import torch

T = TypeVar("T")

LONGEST_WAIT = timedelta(days=7)  # for what the first does alone: preparing a corpus takes hours
_NOTICED = 1.0  # seconds that torchrun needs to see which process ended first


@dataclass
class _Ranks:
    """rank: of this process, out of ``size``. patient: the group that waits long for the first.
    seconds: spent with the others since the beginning. seconds_adding: of these, adding up."""

    rank: int = 0
    size: int = 1
    patient: Any = None
    seconds: float = 0.0
    seconds_adding: float = 0.0


_ranks = _Ranks()


def launched() -> bool:
    """Whether torchrun started this process."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def launched_rank() -> int:
    """The rank that torchrun gave this process, also before it has joined the others."""
    return int(os.environ.get("RANK", "0")) if launched() else 0


def rank() -> int:
    return _ranks.rank


def size() -> int:
    """How many processes work as one."""
    return _ranks.size


def is_first() -> bool:
    """Whether this process writes what is to be written."""
    return _ranks.rank == 0


def seconds() -> float:
    """How long this process has waited for others and added up with them."""
    return _ranks.seconds


def seconds_adding() -> float:
    """How long of these it has added up gradients. On a GPU that goes on meanwhile."""
    return _ranks.seconds_adding


def unseen() -> bool | None:
    """The ``disable`` of a progress bar: the first process shows it, on a terminal."""
    return None if is_first() else True


@contextmanager
def joined(device: "torch.device") -> Iterator[None]:
    """Inside the context the processes of torchrun work as one, each on a GPU of its own if
    ``device`` is one. The others than the first log errors only. Raises ValueError where it cannot
    be done. Does nothing without torchrun; an error leaves the process joined, as it ends it."""
    global _ranks
    if not launched() or _ranks.patient is not None:
        yield
        return
    import torch.distributed as dist

    if not (dist.is_available() and dist.is_gloo_available()):
        raise ValueError("this torch has no gloo, by which processes talk: leave out torchrun")
    from torch.distributed.distributed_c10d import PrefixStore
    from torch.distributed.rendezvous import rendezvous

    _take_gpu(device)
    with _ended_elsewhere():
        store, own, every = next(rendezvous("env://"))
        # Where torchrun starts processes again, its store still holds what the dead ones said.
        store = PrefixStore(os.environ.get("TORCHELASTIC_RESTART_COUNT", ""), store)
        backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
        dist.init_process_group(backend, store=store, rank=own, world_size=every)
        _ranks.patient = dist.new_group(backend="gloo", timeout=LONGEST_WAIT)
    _ranks.rank, _ranks.size = own, every
    package = logging.getLogger("nmt")
    level = package.level
    if not is_first():
        package.setLevel(logging.ERROR)
    yield
    wait()  # nobody leaves while the first still writes
    dist.destroy_process_group()
    _ranks = _Ranks()
    package.setLevel(level)


def _take_gpu(device: "torch.device") -> None:
    import torch

    if device.type == "mps":
        raise ValueError(
            "device=mps is one GPU, for one process: leave out torchrun, or device=cpu"
        )
    if device.type == "cuda":
        local, there = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
        if local >= there:
            raise ValueError(
                f"each process needs a GPU of its own, and here are {there}: say "
                f"--nproc-per-node={there}, or device=cpu"
            )
        torch.cuda.set_device(local)


def gathered(numbers: Sequence[float]) -> list[list[float]]:
    """The numbers of every rank, as many from each."""
    if size() == 1:
        return [list(numbers)]
    import torch
    import torch.distributed as dist

    mine = torch.tensor(numbers, dtype=torch.float64)
    every = [torch.empty_like(mine) for _ in range(size())]
    with _ended_elsewhere():
        dist.all_gather(every, mine)
    return [one.tolist() for one in every]


def gather(value: T) -> list[T]:
    """The values of every rank, on all ranks. They are pickled."""
    if size() == 1:
        return [value]
    import torch.distributed as dist

    every: list[Any] = [None] * size()
    with _ended_elsewhere():
        dist.all_gather_object(every, value)
    return cast(list[T], every)


def in_turn(parts: list[list[T]]) -> list[T]:
    """The parts that the ranks made in turn, the first of each first, in order and joined."""
    rounds = zip_longest(*gather(parts), fillvalue=[])
    return [one for round_ in rounds for part in round_ for one in part]


def from_first(make: Callable[[], T]) -> T:
    """What ``make`` gives the first rank, on all ranks. Where it raises there, the others end
    quietly: the first says why."""
    made: list[T] = []
    with first_goes_ahead():
        if is_first():
            made.append(make())
    if size() == 1:
        return made[0]
    import torch.distributed as dist

    given: list[Any] = made or [None]
    with _ended_elsewhere():
        dist.broadcast_object_list(given, src=0)
    return cast(T, given[0])


@contextmanager
def first_goes_ahead() -> Iterator[None]:
    """The first rank passes the context, then all others do. Where the first raises, they end
    quietly."""
    if is_first():
        try:
            yield
        except BaseException:
            with suppress(ConnectionError):
                _said_by_first(False)
            raise
        _said_by_first(True)
    else:
        if not _said_by_first(False):
            sys.exit(2)
        yield


def _said_by_first(done: bool) -> bool:
    """Whether the first rank is done with what the others wait for; it alone knows."""
    if size() == 1:
        return done
    import torch
    import torch.distributed as dist

    said = torch.tensor(int(done))
    with _ended_elsewhere():
        dist.broadcast(said, src=0, group=_ranks.patient)
    return bool(said)


def share_weights(model: "torch.nn.Module") -> None:
    """Gives every rank the first one's weights: processors of other kinds draw other ones."""
    if size() > 1:
        import torch.distributed as dist

        with _ended_elsewhere():
            for tensor in model.state_dict().values():
                dist.broadcast(tensor, src=0)


def draw_otherwise(seed: int) -> None:
    """Makes torch draw other random numbers on each rank but the first: (seed, rank) decides."""
    if is_first():
        return
    import torch

    digest = blake2b(f"{seed} {rank()}".encode(), digest_size=4).digest()
    torch.manual_seed(int.from_bytes(digest))  # a CPU's generator takes no more bits


def wait() -> None:
    """Until all ranks have come here."""
    gathered([])


def leave_to_first() -> None:
    """Ends every process but the first, whose work goes on alone."""
    if launched_rank() or rank():
        sys.exit(0)
    _ranks.size = 1


def add_up(parameters: "Iterable[torch.nn.Parameter]", share: float, sums: "torch.Tensor") -> None:
    """Makes gradients those of all ranks, the mean weighted by each rank's ``share``; of ``sums``
    the plain sum. All lie on one device.

    One sum over all gradients after backward: hooks that add up each one as soon as it is there,
    as DistributedDataParallel does, would need every rank to finish every backward pass.
    """
    if size() == 1:
        return
    import torch
    import torch.distributed as dist

    tensors = [sums]
    for parameter in parameters:
        if parameter.requires_grad:
            if parameter.grad is None:  # an epoch ended, and this rank had no batch left
                parameter.grad = torch.zeros_like(parameter)
            tensors.append(parameter.grad.mul_(share))
    flat = torch.cat([one.flatten() for one in tensors])
    start = time.monotonic()
    with _ended_elsewhere():
        dist.all_reduce(flat)
    _ranks.seconds_adding += time.monotonic() - start
    parts = torch.split(flat, [one.numel() for one in tensors])
    for one, part in zip(tensors, parts, strict=True):
        one.copy_(part.view_as(one))


@contextmanager
def _ended_elsewhere() -> Iterator[None]:
    """Words what torch raises where another process has ended, and counts the seconds."""
    start = time.monotonic()
    try:
        yield
    except RuntimeError as error:
        time.sleep(_NOTICED)
        said = str(error).strip().partition("\n")[0]
        raise ConnectionError(
            f"another of the processes has ended or does not answer, and says or is said why "
            f"({said[:200]})"
        ) from error
    finally:
        _ranks.seconds += time.monotonic() - start
