"""Ctrl-C, SIGTERM and SIGHUP end a command within two seconds, whatever it is doing."""

import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

PATIENCE = 1.5  # seconds


class Terminated(KeyboardInterrupt):
    """SIGTERM has come, or SIGHUP, as the terminal is gone. What Ctrl-C leaves behind, they leave
    behind too.

    number: of the signal.
    """

    def __init__(self, number: int = signal.SIGTERM) -> None:
        super().__init__()
        self.number = number


def terminating() -> list[signal.Signals]:
    """The signals besides Ctrl-C that end a command, but for SIGHUP where nohup has it ignored.
    Windows has no SIGHUP."""
    ends = [number for number in signal.Signals if number.name in ("SIGTERM", "SIGHUP")]
    return [number for number in ends if signal.getsignal(number) != signal.SIG_IGN]


@contextmanager
def interruptible(clean_up: Callable[[], None]) -> Iterator[None]:
    """Inside the context SIGTERM and SIGHUP raise ``Terminated``, as SIGINT raises
    KeyboardInterrupt.

    Python raises them between two of its instructions. A call into C, such as the training of a
    tokenizer, can last minutes. So a thread waits for signals too: where the context has not been
    left 1.5 seconds after one, it calls ``clean_up`` and ends the process with 128 + n.

    Outside of the main thread, which alone receives signals, the context does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    read, write = os.pipe()
    os.set_blocking(write, False)
    numbers = terminating()
    threading.Thread(target=_watch, args=(read, clean_up, numbers), daemon=True).start()
    handlers = {number: signal.signal(number, _terminate) for number in numbers}
    wakeup = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        os.close(write)  # ends the thread


def _terminate(number: int, frame: FrameType | None) -> None:
    if number != signal.SIGTERM:  # a terminal that goes away says so, and then the shell in it
        signal.signal(number, signal.SIG_IGN)
    raise Terminated(number)


def _watch(signals: int, clean_up: Callable[[], None], numbers: Sequence[int]) -> None:
    """signals: a pipe that holds a byte for each signal, and ends when the context is left.
    numbers: of the signals besides SIGINT that end the process."""
    while received := os.read(signals, 1):
        if received[0] not in (signal.SIGINT, *numbers):
            continue
        end = time.monotonic() + PATIENCE
        while (left := end - time.monotonic()) > 0:
            if select.select([signals], [], [], left)[0] and not os.read(signals, 1):
                break
        else:
            clean_up()
            os._exit(128 + received[0])
        break
    os.close(signals)


@contextmanager
def left_to_the_caller() -> Iterator[None]:
    """Inside this context, within ``interruptible``, no signal ends the process by itself: a server
    takes as long as it must to finish what it has accepted. SIGHUP is SIGTERM there."""
    wakeup = signal.set_wakeup_fd(-1)
    hangups = [number for number in terminating() if number != signal.SIGTERM]
    handlers = {number: signal.signal(number, _as_term) for number in hangups}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)


def _as_term(number: int, frame: FrameType | None) -> None:
    signal.raise_signal(signal.SIGTERM)
