"""Batches come to a device in their order; a GPU gets them from a thread."""

from collections.abc import Callable, Iterator
from itertools import count

import pytest
import torch

from nmt.data.batches import Batch, collate
from nmt.training.prefetching import _prefetched, on_device

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _without_pinned_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Batch, "pinned", lambda batch: batch)


def batches(numbers: Iterator[int] | range) -> Iterator[Batch]:
    return (collate([([5 + n % 9] * (1 + n % 4), [6])]) for n in numbers)


@pytest.mark.parametrize("bring", [on_device, _prefetched])
def test_the_batches_come_in_their_order(bring: Callable[..., Iterator[Batch]]) -> None:
    expected = [batch.src.tolist() for batch in batches(range(20))]
    assert [batch.src.tolist() for batch in bring(batches(range(20)), CPU)] == expected


def test_an_error_comes_after_the_batches_before_it() -> None:
    def failing() -> Iterator[Batch]:
        yield from batches(range(2))
        raise ValueError("the third")

    found = _prefetched(failing(), CPU)
    next(found), next(found)
    with pytest.raises(ValueError, match="the third"):
        next(found)


def test_closing_ends_the_thread() -> None:
    read = count()
    found = _prefetched(batches(read), CPU)
    next(found)
    found.close()
    after = next(read)
    assert next(read) == after + 1  # nobody else reads
