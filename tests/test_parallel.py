import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest
import torch

from nmt.parallel import GivenUp, at_once, go_on, side_by_side


@pytest.fixture(autouse=True)
def _four_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


def wait_for_ever() -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        go_on()
        time.sleep(0.001)
    raise AssertionError("nobody gave it up")


@pytest.mark.parametrize("number", [1, 2, 3, 4, 9])
@pytest.mark.parametrize("things", [0, 1, 2, 7])
def test_results_stand_in_the_order_of_the_things(things: int, number: int) -> None:
    def squared(thing: int) -> int:
        time.sleep(0.002 * (thing % 3))
        return thing**2

    assert side_by_side(squared, range(things), number) == [n**2 for n in range(things)]


def test_they_are_side_by_side_and_share_the_processors() -> None:
    together = threading.Barrier(2, timeout=30)

    def here(_: int) -> tuple[str, int]:
        together.wait()
        return threading.current_thread().name, torch.get_num_threads()

    names, threads = zip(
        *side_by_side(here, range(2), at_once(torch.device("cpu")) // 2), strict=True
    )
    assert len(set(names)) == 2
    assert threads == (2, 2)
    assert torch.get_num_threads() == 4


@pytest.mark.parametrize(("threads", "number"), [(1, 1), (3, 3), (64, 4)])
def test_there_are_a_few_at_once_on_a_cpu(threads: int, number: int) -> None:
    torch.set_num_threads(threads)
    assert at_once(torch.device("cpu")) == number
    assert at_once(torch.device("cuda")) == 1


def test_every_thread_has_the_autocast_of_the_caller() -> None:
    together = threading.Barrier(2, timeout=30)

    def product(_: int) -> torch.dtype:
        together.wait()
        return (torch.ones(2, 2) @ torch.ones(2, 2)).dtype

    assert side_by_side(product, range(2), 2) == [torch.float32] * 2
    with torch.autocast("cpu", torch.bfloat16):
        assert side_by_side(product, range(2), 2) == [torch.bfloat16] * 2


@pytest.mark.parametrize("guilty", [0, 1, 2])
def test_one_that_fails_ends_the_others_and_says_why(guilty: int) -> None:
    started = threading.Barrier(3, timeout=30)

    def fail(thing: int) -> None:
        started.wait()
        if thing == guilty:
            raise ValueError(f"{thing} is bad")
        wait_for_ever()

    with pytest.raises(ValueError, match=f"{guilty} is bad"):
        side_by_side(fail, range(3), 3)
    go_on()  # what was given up there is not given up here
    assert torch.get_num_threads() == 4


def test_an_interrupt_of_the_caller_ends_all() -> None:
    started = threading.Barrier(2, timeout=30)
    begun: list[int] = []

    def interrupted(thing: int) -> None:
        begun.append(thing)
        started.wait()
        if threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt
        wait_for_ever()

    with pytest.raises(KeyboardInterrupt):
        side_by_side(interrupted, range(9), 2)
    assert sorted(begun) == [0, 1]


@pytest.mark.skipif(os.name == "nt", reason="no wait for a thread is interrupted on Windows")
def test_an_interrupt_while_the_others_are_waited_for_ends_them() -> None:
    started, given_up = threading.Barrier(2, timeout=30), threading.Event()

    def last(_: int) -> None:
        started.wait()
        if threading.current_thread() is not threading.main_thread():
            time.sleep(0.1)  # by then the caller has nothing left to do but wait
            os.kill(os.getpid(), signal.SIGINT)
            with pytest.raises(GivenUp):
                wait_for_ever()
            given_up.set()

    with pytest.raises(KeyboardInterrupt):
        side_by_side(last, range(2), 2)
    assert given_up.is_set()
