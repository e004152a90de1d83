"""Ctrl-C and SIGTERM ask training to save its state and end.

Python acts on a signal between two instructions, which are milliseconds apart. What training does
in them must not be lost or done by half. So a signal only leaves a note, except in blocks that can
be given up at any point, as they compute and change nothing that is saved: there it raises.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Self

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(BaseException):
    """Leaves a block that a signal ends. No Exception, so that no library takes it for an error."""


class StopRequest:
    """Inside the context, notes the first signal. A second one acts as it does elsewhere.

    received: the signal that was noted. Also set it to ask for a stop without a signal.
    """

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self._raises = False
        self._previous: dict[signal.Signals, Any] = {}
        self._wakeup = -1

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # no other may set handlers
            # Whoever watches for signals would end a process that has a state to save.
            self._wakeup = signal.set_wakeup_fd(-1)
            self._previous = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        self._restore()

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

    def _restore(self) -> None:
        if self._previous:
            for number, handler in self._previous.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(self._wakeup)
        self._previous = {}
