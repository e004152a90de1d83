"""Runs several jobs of a sweep at the same time, each in a process of its own.

The first process alone writes to the terminal: the lines of each job below its name, and where each
stands. A job that runs beside others does not know of them.
"""

import io
import json
import logging
import os
import selectors
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, NoReturn, Self, cast

from tqdm import tqdm

from nmt.cli.interrupts import Terminated, terminating


@dataclass
class _Job:
    """name: of the job, for what it says. said: what of its last message has come so far. out: what
    it wrote to stdout, shown at its end."""

    name: str
    process: int
    bar: "tqdm[Any]"
    said: bytes = b""
    out: list[str] = field(default_factory=list)


class SideBySide:
    """A context in which up to ``most`` jobs run at a time. It is left when all have ended.

    A signal is handed on to every job; after it none begins, and leaving the context raises
    KeyboardInterrupt or ``Terminated``.

    failed: name -> exit code of the jobs that failed.

    Raises ValueError where processes cannot be forked.
    """

    def __init__(self, most: int) -> None:
        if not hasattr(os, "fork"):
            raise ValueError("this system runs no jobs side by side: jobs must be 1")
        self.most = most
        self.failed: dict[str, int] = {}
        self._signals = (signal.SIGINT, *terminating())
        self._jobs = selectors.DefaultSelector()
        self._received: signal.Signals | None = None
        self._previous: dict[signal.Signals, Any] = {}
        self._wakeup = -1

    def __enter__(self) -> Self:
        # Whoever watches for signals would end a process whose jobs have a state to save.
        self._wakeup = signal.set_wakeup_fd(-1)
        hand_on = self._hand_on
        self._previous = {number: signal.signal(number, hand_on) for number in self._signals}
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._follow(0)
        finally:
            for number, handler in self._previous.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(self._wakeup)
        self._stop_if_told()

    def start(self, name: str, work: Callable[[], None]) -> None:
        """Begins a job as soon as fewer than ``most`` others run. work: raises SystemExit with an
        exit code to fail; its process ends with it."""
        self._follow(self.most - 1)
        self._stop_if_told()
        taken = {key.data.bar.pos for key in self._jobs.get_map().values()}
        row = next(row for row in range(self.most) if -row not in taken)
        read, write = os.pipe()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        line: dict[str, Any] = {"bar_format": "{desc}", "dynamic_ncols": True}
        bar = tqdm(**line, position=row, leave=False, disable=None)
        # A signal waits until both processes know what to do with it.
        signal.pthread_sigmask(signal.SIG_BLOCK, self._signals)
        with warnings.catch_warnings():
            # Python 3.12 warns of other threads. Ours wait for signals or for a bar, nothing else.
            warnings.simplefilter("ignore", DeprecationWarning)
            process = os.fork()
        if process == 0:
            os.close(read)
            self._run(write, work)
        os.close(write)
        self._jobs.register(read, selectors.EVENT_READ, _Job(name, process, bar))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, self._signals)

    def _follow(self, most: int) -> None:
        """Shows what the jobs say until no more than ``most`` are left."""
        while len(self._jobs.get_map()) > most:
            for key, _ in self._jobs.select():
                job: _Job = key.data
                data = os.read(key.fd, 1 << 16)
                *messages, job.said = (job.said + data).split(b"\n")
                for message in messages:
                    self._show(job, *json.loads(message))
                if not data:
                    self._jobs.unregister(key.fd)
                    os.close(key.fd)
                    self._end(job)

    def _show(self, job: _Job, kind: str, text: str) -> None:
        if kind == "out":
            job.out.append(text)
        elif kind == "bar":
            job.bar.set_description_str(f"{job.name}: {text}")
        else:
            tqdm.write(f"{job.name}: {text}", file=sys.stderr)

    def _end(self, job: _Job) -> None:
        _, status = os.waitpid(job.process, 0)
        job.bar.close()
        sys.stdout.write("".join(job.out))
        sys.stdout.flush()
        if code := os.waitstatus_to_exitcode(status):
            self.failed[job.name] = code if code > 0 else 128 - code

    def _hand_on(self, number: int, frame: FrameType | None) -> None:
        self._received = signal.Signals(number)
        for key in self._jobs.get_map().values():
            os.kill(key.data.process, number)

    def _stop_if_told(self) -> None:
        if self._received:
            interrupted = self._received == signal.SIGINT
            raise KeyboardInterrupt if interrupted else Terminated(self._received)

    def _run(self, pipe: int, work: Callable[[], None]) -> NoReturn:
        """The life of a job, after which its process ends."""
        code = 1
        try:
            os.setpgid(0, 0)  # Ctrl-C reaches the first process, which hands it on once
            for key in self._jobs.get_map().values():
                os.close(key.fd)  # what the others say
            for number, handler in self._previous.items():
                signal.signal(number, handler)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, self._signals)
            _give_threads(self.most)
            tqdm.set_lock(threading.RLock())  # another thread may have held the one from before
            cast(Any, tqdm)._instances.clear()  # the bars of the first process
            shown = sys.stderr.isatty()
            old = {sys.stdout: _Said(pipe, "out"), sys.stderr: _Said(pipe, "line", shown)}
            for handler in logging.getLogger().handlers:
                if isinstance(handler, logging.StreamHandler) and handler.stream in old:
                    handler.setStream(old[handler.stream])
            sys.stdout, sys.stderr = old.values()
            work()
            code = 0
        except SystemExit as exit_:
            code = exit_.code if isinstance(exit_.code, int) else 1
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)


class _Said(io.TextIOBase):
    """A stream whose text goes to the first process: whole lines, and progress bars, which begin
    with a carriage return and come in one piece. shown: whether bars are drawn."""

    encoding = "utf-8"

    def __init__(self, pipe: int, kind: str, shown: bool = False) -> None:
        self._pipe, self._kind, self._shown = pipe, kind, shown
        self._begun = ""

    def isatty(self) -> bool:
        return self._shown

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if self._kind == "out":
            self._send("out", text)
        elif text.startswith("\r"):
            if bar := text.strip():
                self._send("bar", bar)
        else:
            *lines, self._begun = (self._begun + text.replace("\x1b[A", "")).split("\n")
            for line in lines:
                if line.strip():
                    self._send("line", line)
        return len(text)

    def _send(self, kind: str, text: str) -> None:
        message = json.dumps([kind, text]).encode() + b"\n"
        while message:
            message = message[os.write(self._pipe, message) :]


def _give_threads(jobs: int) -> None:
    """Divides the processors among the jobs: two programs that have a thread for every processor
    each are many times slower than one after the other."""
    known = hasattr(os, "sched_getaffinity")
    processors = len(os.sched_getaffinity(0)) if known else os.cpu_count() or 1
    threads = max(1, processors // jobs)
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))  # torch reads it when it is loaded
