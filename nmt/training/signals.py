"""Ctrl-C, SIGTERM and SIGHUP ask training to save its state and end.

Python acts on a signal between two instructions, which are milliseconds apart. What training does
in them must not be lost or done by half. So a signal only leaves a note, except in blocks that can
be given up at any point, as they compute and change nothing that is saved: there it raises.
"""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any, Self

import torch

from nmt import distributed
from nmt.training.checkpoint import random_state, set_random_state

SIGNALS = (signal.SIGINT, signal.SIGTERM)
HANGUP = next((number for number in signal.Signals if number.name == "SIGHUP"), None)
"""Windows has none."""


class Interrupted(BaseException):
    """Leaves a block that a signal ends. No Exception, so that no library takes it for an error."""


class StopRequest:
    """Inside the context, notes the first signal. A second one acts as it does elsewhere, unless
    both are SIGHUP.

    received: the signal that was noted. Also set it to ask for a stop without a signal.
    """

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self._raises = False
        self._previous: dict[signal.Signals, Any] = {}
        self._hangup: Any = None
        self._wakeup = -1

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # no other may set handlers
            # Whoever watches for signals would end a process that has a state to save.
            self._wakeup = signal.set_wakeup_fd(-1)
            self._previous = {n: signal.signal(n, self._note) for n in SIGNALS}
            if HANGUP is not None and signal.getsignal(HANGUP) != signal.SIG_IGN:  # by nohup
                self._hangup = signal.signal(HANGUP, self._note_hangup)
        return self

    def __exit__(self, *_: object) -> None:
        self._restore()
        if HANGUP is not None and self._hangup is not None:
            signal.signal(HANGUP, self._hangup)

    @contextmanager
    def ends_at_once(self) -> Iterator[None]:
        """A block that the first signal ends by ``Interrupted``, at any point; also one that came
        before the block. The block must change nothing that anybody needs afterwards."""
        self._raises = True
        try:
            if self.received:
                raise Interrupted
            yield
        finally:
            self._raises = False

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.received = signal.Signals(number)
        self._restore()
        if self._raises:
            raise Interrupted

    def _note_hangup(self, number: int, frame: FrameType | None) -> None:
        """A terminal that goes away says so, and then the shell in it: twice is once."""
        if self.received is None:
            self.received = signal.Signals(number)
            if self._raises:
                raise Interrupted

    def _restore(self) -> None:
        if self._previous:
            for number, handler in self._previous.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(self._wakeup)
        self._previous = {}


@dataclass
class Agreed:
    """What all ranks know at the end of a block: the target tokens that they have read in it, and
    the seconds of training, by the clock of the first."""

    tokens: int = 0
    seconds: float = 0.0


@contextmanager
def given_up_at_stop(stop: StopRequest, tokens: int, begun: float) -> Iterator[Agreed]:
    """A block that changes nothing but random numbers, which a stop sets back. It waits for no
    other rank. At its end all ranks agree on what has ended it anywhere: each raises
    ``Interrupted`` after a signal to one of them, torch.OutOfMemoryError where one had no memory.

    tokens: that this rank reads in it. begun: when training would have begun, had it never stopped.
    """
    random, agreed = random_state(), Agreed()
    number, too_large = 0, ""
    try:
        with stop.ends_at_once():
            yield agreed
    except Interrupted:
        number = stop.received or number
    except torch.OutOfMemoryError as error:
        if distributed.size() == 1:
            raise
        too_large = str(error) or "no memory"
    told = (number, bool(too_large), tokens, time.monotonic() - begun)
    numbers, all_too_large, all_tokens, clocks = zip(*distributed.gathered(told), strict=True)
    if number := int(max(numbers)):
        stop.received = stop.received or signal.Signals(number)
        set_random_state(random)
        raise Interrupted
    if any(all_too_large):
        raise torch.OutOfMemoryError(too_large or "another process had none")
    agreed.tokens, agreed.seconds = int(sum(all_tokens)), clocks[0]
