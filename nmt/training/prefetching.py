"""Brings batches to a GPU ahead of their use, so that it need not wait for them."""

import queue
import threading
from collections.abc import Generator, Iterable

import torch

from nmt.data.batches import Batch

_AHEAD = 3  # batches


def on_device(batches: Iterable[Batch], device: torch.device) -> Generator[Batch, None, None]:
    """The batches on the device, in their order. For a GPU a thread pads and copies the next ones
    meanwhile; what it raises is raised here."""
    if device.type != "cuda":
        return (batch.to(device) for batch in batches)
    return _prefetched(batches, device)


def _prefetched(batches: Iterable[Batch], device: torch.device) -> Generator[Batch, None, None]:
    ready: queue.Queue[Batch | BaseException | None] = queue.Queue(_AHEAD)
    closed = threading.Event()

    def put(item: Batch | BaseException | None) -> bool:
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
