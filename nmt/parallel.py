"""Calls a function for several things side by side, in a thread each.

On a CPU two batches by one processor each are done sooner than one after the other by both, which
wait for each other at every step.
"""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

T = TypeVar("T")
R = TypeVar("R")

MOST_AT_ONCE = 4  # each needs Python's lock for a part of its time

_here = threading.local()


class GivenUp(Exception):
    """What this thread does is not wanted any more."""


def at_once(device: torch.device, threads: int | None = None) -> int:
    """How many things are done side by side on this device; a GPU has its own ways to be busy.

    threads: of the processor; None: as many as torch takes where this is called. On a CPU each
        thing has one, but there are a few things at most.
    """
    threads = threads or torch.get_num_threads()
    return min(threads, MOST_AT_ONCE) if device.type == "cpu" else 1


def side_by_side(function: Callable[[T], R], things: Iterable[T], number: int) -> list[R]:
    """What ``function`` returns for each of the things, in their order.

    number: how many at once: the calling thread and others, which share its processors and its
        autocast. They take the things one by one.

    Where one call fails, or the calling thread is interrupted, the others give up at their next
    ``go_on``; once they have, what went wrong is raised.
    """
    things = list(things)
    number = min(number, len(things))
    if number < 2:
        return list(map(function, things))
    left, lock = enumerate(things), threading.Lock()
    found: dict[int, R] = {}
    given_up = threading.Event()
    threads = torch.get_num_threads()
    enabled, dtype = torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")

    def next_one() -> tuple[int, T] | None:
        with lock:
            return None if given_up.is_set() else next(left, None)

    def work() -> None:
        torch.get_num_threads()  # the first question of a thread undoes what was set before it
        torch.set_num_threads(max(1, threads // number))
        _here.given_up = given_up
        try:
            with torch.autocast("cpu", dtype, enabled=enabled):
                for place, thing in iter(next_one, None):
                    found[place] = function(thing)
        except GivenUp:
            pass
        except BaseException:
            given_up.set()
            raise
        finally:
            _here.given_up = None

    try:
        with ThreadPoolExecutor(number - 1, thread_name_prefix="side by side") as pool:
            try:
                others = [pool.submit(work) for _ in range(number - 1)]
                work()
                for other in others:
                    other.result()
            except BaseException:  # also an interrupt while the others are waited for
                given_up.set()
                raise
    finally:
        torch.set_num_threads(threads)
    return [found[place] for place in range(len(things))]


def go_on() -> None:
    """Raises GivenUp where a thread beside this one has failed or was interrupted. Whatever takes
    long inside ``side_by_side`` calls it now and then."""
    given_up: threading.Event | None = getattr(_here, "given_up", None)
    if given_up is not None and given_up.is_set():
        raise GivenUp
