"""Ctrl-C and SIGTERM end a command within two seconds, whatever it is doing."""

import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

PATIENCE = 1.5  # seconds


class Terminated(KeyboardInterrupt):
    """SIGTERM has come. What Ctrl-C leaves behind, it leaves behind too."""


@contextmanager
def interruptible(clean_up: Callable[[], None]) -> Iterator[None]:
    """Inside the context SIGTERM raises ``Terminated``, as SIGINT raises KeyboardInterrupt.

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
    threading.Thread(target=_watch, args=(read, clean_up), daemon=True).start()
    handler = signal.signal(signal.SIGTERM, _terminate)
    wakeup = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(wakeup)
        signal.signal(signal.SIGTERM, handler)
        os.close(write)  # ends the thread


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated


def _watch(signals: int, clean_up: Callable[[], None]) -> None:
    """signals: a pipe that holds a byte for each signal, and ends when the context is left."""
    while received := os.read(signals, 1):
        if received[0] not in (signal.SIGINT, signal.SIGTERM):
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
    takes as long as it must to finish what it has accepted."""
    wakeup = signal.set_wakeup_fd(-1)
    try:
        yield
    finally:
        signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
