"""Several ranks in processes of their own, as torchrun starts them, without its seconds."""

import os
import socket
import sys
import traceback
from collections.abc import Callable

import pytest
import torch
import torch.distributed as dist

from nmt import distributed

needs_ranks = pytest.mark.skipif(
    not (hasattr(os, "fork") and dist.is_available() and dist.is_gloo_available()),
    reason="this system or this torch has no fork or no gloo, by which processes talk",
)


def in_ranks(work: Callable[[int], object], ranks: int = 2) -> list[int]:
    """Calls ``work`` with its rank in as many processes -> their exit codes, -n after signal n."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    processes = []
    for rank in range(ranks):
        if not (process := os.fork()):
            os._exit(_code(work, rank, ranks, port))
        processes.append(process)
    return [os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) for process in processes]


def loopback() -> str:
    """The interface by which processes of one machine talk: the name of a host may lead nowhere."""
    names = [name for _, name in socket.if_nameindex()]
    return next(name for name in ("lo", "lo0", *names) if name in names)


def joined(work: Callable[[int], object]) -> Callable[[int], object]:
    """The work, done inside of ``distributed.joined``."""

    def inside(rank: int) -> None:
        with distributed.joined(torch.device("cpu")):
            work(rank)

    return inside


def _code(work: Callable[[int], object], rank: int, ranks: int, port: int) -> int:
    os.environ |= {
        "TORCHELASTIC_RUN_ID": "test",
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(ranks),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "GLOO_SOCKET_IFNAME": loopback(),
    }
    try:
        work(rank)
        code = 0
    except SystemExit as exit_:
        code = exit_.code if isinstance(exit_.code, int) else 1
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code
