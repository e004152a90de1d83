"""What training needs next is made while it trains: the ids of the next epoch, the next batches.

Segmenting anew and changing pairs take seconds to minutes for every epoch. Another process does it,
with the same result: (seed, epoch) alone decides it. That process is this file as a program, which
imports no torch.
"""

import logging
import os
import pickle
import queue
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Generator, Iterable
from contextlib import ExitStack, suppress
from dataclasses import KW_ONLY, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import nmt
from nmt.data.augmentation import Augmenter
from nmt.data.stores import IdsStore, TextStore, write_augmented, write_sampled
from nmt.disk_cache import DiskCache
from nmt.tokenizer import Tokenizer

if TYPE_CHECKING:
    import torch

    from nmt.data.batches import Batch

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EpochText:
    """The training pairs as each epoch has them.

    sampling: see ``Tokenizer.sample_src``; 0 for the best segmentation. augmenter: changes pairs;
    None changes nothing.
    """

    text: TextStore
    ids: IdsStore
    tokenizer: Tokenizer
    _: KW_ONLY
    sampling: float
    seed: int
    augmenter: Augmenter | None

    def write(self, directory: Path, epoch: int, threads: int) -> None:
        """Writes the ids of an epoch, to be read by ``IdsStore``."""
        change = partial(self.augmenter, epoch) if self.augmenter else None
        if self.sampling:
            write_sampled(
                directory,
                self.text,
                self.tokenizer,
                sampling=self.sampling,
                seed=2**20 * self.seed + epoch,
                change=change,
            )
        else:
            assert change, "every epoch is the same"
            write_augmented(
                directory, self.text, self.ids, self.tokenizer, change=change, threads=threads
            )


WORTH = 2.0  # seconds that encoding an epoch must take for another process to begin the next


class EpochsAhead:
    """epoch -> its ids, on disk as long as they are in use."""

    def __init__(
        self,
        epochs: EpochText,
        cache: DiskCache,
        *,
        threads: int,
        ahead: int,
    ) -> None:
        """threads: for an epoch that nobody has begun. ahead: epochs to encode at once while one
        trains, each in a process of one thread, where one takes at least ``WORTH`` seconds."""
        self._epochs, self._cache, self._threads, self._ahead = epochs, cache, threads, ahead
        self._seconds = 0.0  # of the last epoch that was encoded here
        self._begun: dict[int, _Begun] = {}
        self._latest: tuple[int, IdsStore] | None = None

    def __call__(self, epoch: int) -> IdsStore:
        if self._latest is None or self._latest[0] != epoch:
            self._latest = None  # frees its memory first
            self._latest = epoch, self._encoded(epoch)
        wanted = range(epoch + 1, epoch + 1 + self._ahead * (self._seconds >= WORTH))
        for other in self._begun.keys() - wanted:
            self._begun.pop(other).end()
        for other in wanted:
            if other not in self._begun:
                self._begun[other] = _Begun(self._epochs, self._cache, other)
        return self._latest[1]

    def _encoded(self, epoch: int) -> IdsStore:
        if begun := self._begun.pop(epoch, None):
            if ids := begun.finished():
                return ids
            log.warning("epoch %d is encoded here: the process that had begun it failed", epoch)
        start = time.monotonic()
        with self._cache.scratch() as directory:
            self._epochs.write(directory, epoch, self._threads)
            ids = IdsStore(directory)  # mapped files outlive their names
        self._seconds = time.monotonic() - start
        return ids


class _Begun:
    """An epoch that another process encodes. It ends when this object or this process does."""

    def __init__(self, epochs: EpochText, cache: DiskCache, epoch: int) -> None:
        scratch = ExitStack()
        self._directory = scratch.enter_context(cache.scratch())
        package = str(Path(nmt.__file__).parent.parent)
        paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,  # what fails there is done here, and its error seen
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            start_new_session=True,  # Ctrl-C is for this process, which ends the other
        )
        self.end = weakref.finalize(self, _end, self._process, scratch)
        assert self._process.stdin
        with suppress(BrokenPipeError):
            pickle.dump((epochs, self._directory, epoch), self._process.stdin)
            self._process.stdin.flush()

    def finished(self) -> IdsStore | None:
        """The ids, once they are there; None if the process has failed."""
        try:
            return IdsStore(self._directory) if self._process.wait() == 0 else None
        finally:
            self.end()


def _end(process: "subprocess.Popen[bytes]", scratch: ExitStack) -> None:
    process.kill()
    process.wait()
    assert process.stdin
    with suppress(BrokenPipeError):
        process.stdin.close()
    scratch.close()


_BATCHES_AHEAD = 3


def on_device(batches: "Iterable[Batch]", device: "torch.device") -> "Generator[Batch, None, None]":
    """The batches on the device, in their order. For a GPU a thread pads and copies the next ones
    meanwhile; what it raises is raised here."""
    if device.type != "cuda":
        return (batch.to(device) for batch in batches)
    return _prefetched(batches, device)


def _prefetched(
    batches: "Iterable[Batch]", device: "torch.device"
) -> "Generator[Batch, None, None]":
    ready: queue.Queue[Batch | BaseException | None] = queue.Queue(_BATCHES_AHEAD)
    closed = threading.Event()

    def put(item: "Batch | BaseException | None") -> bool:
        while not closed.is_set():
            try:
                ready.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def fill() -> None:
        try:
            for batch in batches:
                # Pinned memory is copied without waiting for what the GPU is doing.
                if not put(batch.pinned().to(device, non_blocking=True)):
                    return
            put(None)
        except BaseException as error:
            put(error)

    thread = threading.Thread(target=fill, daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        closed.set()
        thread.join()


def main() -> None:
    """Encodes one epoch, which stdin names. The end of stdin is the end of the first process."""
    epochs, directory, epoch = pickle.load(sys.stdin.buffer)
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(10)  # training comes first
    epochs.write(directory, epoch, threads=1)


def _end_with_stdin() -> None:
    os.read(0, 1)  # a file object would hold a lock that Python wants back at its end
    os._exit(1)


if __name__ == "__main__":
    main()
