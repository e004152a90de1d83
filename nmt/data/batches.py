"""From token ids to padded batches, the same ones in every repetition of an epoch.

Dims: B sentences, S source tokens, T target tokens.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, Self, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nmt.disk_cache import DiskCache
from nmt.files import mapped_zeros, slices
from nmt.tokenizer import BOS, EOS, PAD

Ids: TypeAlias = Sequence[int] | NDArray[np.int32]


@dataclass(frozen=True)
class Batch:
    """src (B, S) x+EOS; tgt_input (B, T) BOS+y; labels (B, T) y+EOS; PAD on the right.

    num_tokens: target tokens to predict, EOS included, padding not.
    """

    src: Tensor
    tgt_input: Tensor
    labels: Tensor
    num_tokens: int

    def to(self, device: torch.device) -> Self:
        return replace(
            self,
            src=self.src.to(device),
            tgt_input=self.tgt_input.to(device),
            labels=self.labels.to(device),
        )


def collate(pairs: Sequence[tuple[Ids, Ids]]) -> Batch:
    """Pairs of plain ids -> one batch; BOS and EOS are added before padding."""
    src, tgt = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    return Batch(
        src=_padded(src, after=EOS),
        tgt_input=_padded(tgt, before=BOS),
        labels=_padded(tgt, after=EOS),
        num_tokens=sum(map(len, tgt)) + len(tgt),
    )


def _padded(rows: Sequence[Ids], *, before: int | None = None, after: int | None = None) -> Tensor:
    """Rows of ids, with one id before or after each -> (B, longest), PAD on the right."""
    first = 0 if before is None else 1
    padded = np.full((len(rows), max(map(len, rows)) + 1), PAD, dtype=np.int64)
    if before is not None:
        padded[:, 0] = before
    for row, ids in zip(padded, rows, strict=True):
        row[first : first + len(ids)] = ids
        if after is not None:
            row[len(ids)] = after
    return torch.from_numpy(padded)


POOL_BATCHES = 100  # sorted together: larger wastes less padding, smaller mixes lengths better


class Batches:
    """The numbers of the pairs in each batch.

    order: all pairs, those of a batch side by side. ends: where in it the batches end.
    batch_order: the batches in the order in which they are read.
    """

    def __init__(
        self, order: NDArray[np.int64], ends: Sequence[int], batch_order: NDArray[np.int64]
    ) -> None:
        self._order = order
        self._ends = np.array([0, *ends])
        self._batch_order = batch_order

    def __len__(self) -> int:
        return len(self._batch_order)

    def __iter__(self) -> Iterator[NDArray[np.int64]]:
        return self.read(0)

    def read(self, first: int) -> Iterator[NDArray[np.int64]]:
        """From the n-th batch on."""
        for batch in self._batch_order[first:].tolist():
            yield self._order[self._ends[batch] : self._ends[batch + 1]]


def token_batches(
    lengths: NDArray[np.int32],
    batch_tokens: int,
    *,
    seed: int | None = None,
    epoch: int = 0,
    cache: DiskCache | None = None,
) -> Batches:
    """Batches of pairs whose padded source and target, with EOS, each fit in ``batch_tokens``.

    lengths: (N, 2) source and target tokens, without EOS. A pair over the budget is a batch by
    itself. With a seed the pairs are shuffled, sorted by length within pools and the batches
    shuffled, all decided by (seed, epoch); without, everything is sorted, longest first.

    cache: where the order for a seed lies on disk as long as it is in use, so that only the
        batches' ends are in memory. None: all is in memory.
    """
    if seed is None:
        order = _by_length(np.arange(len(lengths)), lengths)[::-1]
        ends = list(budget_ends(_sizes(lengths[order]).tolist(), batch_tokens))
        return Batches(order, ends, np.arange(len(ends)))
    random = np.random.default_rng([seed, epoch])
    order = _numbers(len(lengths), cache)
    random.shuffle(order)
    pool = max(1, int(POOL_BATCHES * batch_tokens / _mean_size(lengths)))
    ends = []
    for start in range(0, len(order), pool):
        rows = _by_length(order[start : start + pool], lengths)
        order[start : start + pool] = rows
        sizes = _sizes(lengths[rows]).tolist()
        ends += [start + end for end in budget_ends(sizes, batch_tokens)]
    return Batches(order, ends, random.permutation(len(ends)))


def _numbers(size: int, cache: DiskCache | None) -> NDArray[np.int64]:
    """0, 1, ...; with a cache in a file there, which is gone with the array."""
    if cache is None:
        return np.arange(size)
    with cache.scratch() as directory:
        order = mapped_zeros(directory / "order", np.int64, size)
    for part in slices(size):
        order[part] = np.arange(part.start, part.stop)
    return order


def _mean_size(lengths: NDArray[np.int32]) -> float:
    """Mean tokens of the longer side."""
    total = sum(int(_sizes(lengths[part]).sum()) for part in slices(len(lengths)))
    return total / len(lengths) if len(lengths) else 1.0


def _sizes(lengths: NDArray[np.int32]) -> NDArray[np.int32]:
    """Tokens of the longer side, EOS included."""
    sizes: NDArray[np.int32] = lengths.max(axis=1) + np.int32(1)
    return sizes


def _by_length(order: NDArray[np.int64], lengths: NDArray[np.int32]) -> NDArray[np.int64]:
    """Sorted by target, then source length; a stable sort leaves ties as shuffled."""
    src, tgt = lengths[order].T
    return order[np.lexsort((src, tgt))]


def budget_ends(sizes: Iterable[int], budget: int) -> Iterator[int]:
    """Where batches of rows in order end: each batch's rows times its largest size are within the
    budget, and a row over the budget is a batch by itself."""
    start = end = largest = 0
    for end, size in enumerate(sizes, 1):
        largest = max(largest, size)
        if end - start > 1 and largest * (end - start) > budget:
            yield end - 1
            start, largest = end - 1, size
    if end:
        yield end


class EncodedPairs(Protocol):
    """Source and target ids of pairs, neither with BOS nor with EOS, by number.

    lengths: (N, 2), source and target tokens.
    """

    lengths: NDArray[np.int32]

    def __getitem__(self, row: int) -> tuple[Ids, Ids]: ...


class PairsInMemory:
    """EncodedPairs that are few, such as those of validation."""

    def __init__(self, pairs: Iterable[tuple[Ids, Ids]]) -> None:
        self._pairs = list(pairs)
        lengths = [(len(src), len(tgt)) for src, tgt in self._pairs]
        self.lengths = np.array(lengths, dtype=np.int32).reshape(-1, 2)

    def __getitem__(self, row: int) -> tuple[Ids, Ids]:
        return self._pairs[row]


class TrainingBatches:
    """Shuffled token-budget batches; the order is decided by (seed, epoch) alone.

    encode: epoch -> all pairs as ids; epochs differ where the tokenizer samples. cache: where an
    epoch's order lies, as ``token_batches`` has it.
    """

    def __init__(
        self,
        encode: Callable[[int], EncodedPairs],
        *,
        batch_tokens: int,
        seed: int,
        cache: DiskCache | None = None,
    ) -> None:
        self.encode = encode
        self.batch_tokens = batch_tokens
        self.seed = seed
        self.cache = cache

    def epoch(self, epoch: int) -> tuple[int, Callable[[int], Iterator[Batch]]]:
        """How many batches the epoch has, and a way to read them from the n-th on."""
        pairs = self.encode(epoch)
        batches = token_batches(
            pairs.lengths, self.batch_tokens, seed=self.seed, epoch=epoch, cache=self.cache
        )

        def read(first: int) -> Iterator[Batch]:
            for batch in batches.read(first):
                yield _batch(pairs, batch)

        return len(batches), read


def sorted_batches(pairs: EncodedPairs, *, batch_tokens: int) -> Iterator[Batch]:
    """Every pair once, without shuffling, for validation."""
    for batch in token_batches(pairs.lengths, batch_tokens):
        yield _batch(pairs, batch)


def _batch(pairs: EncodedPairs, rows: NDArray[np.int64]) -> Batch:
    return collate([pairs[row] for row in rows.tolist()])
