"""Which pairs stand in which batch: token budgets over pools sorted by length."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

POOL_BATCHES = 100  # sorted together: larger wastes less padding, smaller mixes lengths better


def token_batches(
    lengths: Sequence[tuple[int, int]] | NDArray[np.int64],
    batch_tokens: int,
    *,
    seed: int | None = None,
    epoch: int = 0,
) -> list[NDArray[np.int64]]:
    """Batches of pair numbers whose padded source and target each fit in ``batch_tokens``.

    lengths: (N, 2) source and target tokens, with EOS. A pair over the budget is a batch by
    itself. With a seed the pairs are shuffled, sorted by length within pools and the batches
    shuffled, all decided by (seed, epoch); without, everything is sorted, longest first.
    """
    sizes = np.asarray(lengths, dtype=np.int64).reshape(-1, 2)
    if seed is None:
        return list(_cut(_by_length(np.arange(len(sizes)), sizes)[::-1], sizes, batch_tokens))
    random = np.random.default_rng([seed, epoch])
    order = random.permutation(len(sizes))
    mean = sizes.max(axis=1).mean() if len(sizes) else 1.0
    pool = max(1, int(POOL_BATCHES * batch_tokens / mean))
    batches = [
        batch
        for start in range(0, len(order), pool)
        for batch in _cut(_by_length(order[start : start + pool], sizes), sizes, batch_tokens)
    ]
    return [batches[i] for i in random.permutation(len(batches))]


def _by_length(order: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sorted by target, then source length; a stable sort leaves ties as shuffled."""
    return order[np.lexsort((sizes[order, 0], sizes[order, 1]))]


def _cut(
    order: NDArray[np.int64], sizes: NDArray[np.int64], batch_tokens: int
) -> Iterator[NDArray[np.int64]]:
    start, longest = 0, 0
    for end, size in enumerate(sizes[order].max(axis=1).tolist()):
        longest = max(longest, size)
        if end > start and longest * (end + 1 - start) > batch_tokens:
            yield order[start:end]
            start, longest = end, size
    if start < len(order):
        yield order[start:]
