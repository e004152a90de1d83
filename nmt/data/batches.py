"""Which pairs stand in which batch: token budgets over pools sorted by length."""

import tempfile
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from nmt.files import mapped_zeros

POOL_BATCHES = 100  # sorted together: larger wastes less padding, smaller mixes lengths better
CHUNK = 2**16  # pairs looked at together where all are


class Batches:
    """The numbers of the pairs in each batch.

    order: all pairs, those of a batch side by side. ends: where in it the batches end. turns: the
    batches in the order in which they are read.
    """

    def __init__(
        self, order: NDArray[np.int64], ends: Sequence[int], turns: NDArray[np.int64]
    ) -> None:
        self._order = order
        self._ends = np.array([0, *ends])
        self._turns = turns

    def __len__(self) -> int:
        return len(self._turns)

    def __iter__(self) -> Iterator[NDArray[np.int64]]:
        return self.read(0)

    def read(self, first: int) -> Iterator[NDArray[np.int64]]:
        """From the n-th batch on."""
        for batch in self._turns[first:].tolist():
            yield self._order[self._ends[batch] : self._ends[batch + 1]]


def token_batches(
    lengths: NDArray[np.int32], batch_tokens: int, *, seed: int | None = None, epoch: int = 0
) -> Batches:
    """Batches of pairs whose padded source and target, with EOS, each fit in ``batch_tokens``.

    lengths: (N, 2) source and target tokens, without EOS. A pair over the budget is a batch by
    itself. With a seed the pairs are shuffled, sorted by length within pools and the batches
    shuffled, all decided by (seed, epoch); without, everything is sorted, longest first.

    Of what is kept for a seed only the batches' ends are in memory; the order lies on disk.
    """
    if seed is None:
        order = _by_length(np.arange(len(lengths)), lengths)[::-1]
        ends = list(_ends(order, lengths, batch_tokens))
        return Batches(order, ends, np.arange(len(ends)))
    random = np.random.default_rng([seed, epoch])
    order = _on_disk(len(lengths))
    random.shuffle(order)
    pool = max(1, int(POOL_BATCHES * batch_tokens / _mean_size(lengths)))
    ends = []
    for start in range(0, len(order), pool):
        rows = _by_length(order[start : start + pool], lengths)
        order[start : start + pool] = rows
        ends += [start + end for end in _ends(rows, lengths, batch_tokens)]
    return Batches(order, ends, random.permutation(len(ends)))


def _on_disk(size: int) -> NDArray[np.int64]:
    """0, 1, ... in a file without a name, which is gone with the array."""
    with tempfile.TemporaryFile() as file:
        order = mapped_zeros(file, np.int64, size)
    for start in range(0, size, CHUNK):
        end = min(start + CHUNK, size)
        order[start:end] = np.arange(start, end)
    return order


def _mean_size(lengths: NDArray[np.int32]) -> float:
    """Mean tokens of the longer side."""
    if not len(lengths):
        return 1.0
    sums = (
        int(_sizes(lengths[start : start + CHUNK]).sum()) for start in range(0, len(lengths), CHUNK)
    )
    return sum(sums) / len(lengths)


def _sizes(lengths: NDArray[np.int32]) -> NDArray[np.int32]:
    """Tokens of the longer side, EOS included."""
    sizes: NDArray[np.int32] = lengths.max(axis=1) + np.int32(1)
    return sizes


def _by_length(order: NDArray[np.int64], lengths: NDArray[np.int32]) -> NDArray[np.int64]:
    """Sorted by target, then source length; a stable sort leaves ties as shuffled."""
    src, tgt = lengths[order].T
    return order[np.lexsort((src, tgt))]


def _ends(order: NDArray[np.int64], lengths: NDArray[np.int32], batch_tokens: int) -> Iterator[int]:
    """Where in ``order`` the batches end."""
    start, longest = 0, 0
    for end, size in enumerate(_sizes(lengths[order]).tolist()):
        longest = max(longest, size)
        if end > start and longest * (end + 1 - start) > batch_tokens:
            yield end
            start, longest = end, size
    if start < len(order):
        yield len(order)
