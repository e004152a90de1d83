"""From token ids to padded batches, the same ones in every repetition of an epoch.

Dims: B sentences, S source tokens, T target tokens, N pairs.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import Protocol, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nmt import checks
from nmt.data.mixture import Mixture
from nmt.data.text_files import Ids
from nmt.disk_cache import DiskCache
from nmt.files import mapped_zeros, slices
from nmt.tokenizer import BOS, EOS, PAD


@dataclass(frozen=True)
class Batch:
    """src (B, S) x+EOS; tgt_input (B, T) BOS+y; labels (B, T) y+EOS; PAD on the right.

    places: (N,) where the target tokens to predict stand in (B * T,), EOS included, padding not.
    """

    src: Tensor
    tgt_input: Tensor
    labels: Tensor
    places: Tensor

    @property
    def num_tokens(self) -> int:
        return len(self.places)

    def to(self, device: torch.device, *, non_blocking: bool = False) -> Self:
        """non_blocking: a batch in pinned memory is copied while the caller goes on."""
        copies = {
            name: each.to(device, non_blocking=non_blocking) for name, each in vars(self).items()
        }
        return replace(self, **copies)

    def pinned(self) -> Self:
        """In memory that a CUDA GPU reads by itself."""
        return replace(self, **{name: each.pin_memory() for name, each in vars(self).items()})


def collate(pairs: Sequence[tuple[Ids, Ids]]) -> Batch:
    """Pairs of plain ids -> one batch; BOS and EOS are added before padding."""
    src, tgt = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    labels = _padded(tgt, after=EOS)
    return Batch(
        src=_padded(src, after=EOS),
        tgt_input=_padded(tgt, before=BOS),
        labels=labels,
        # Found here, as looking for them on a GPU would wait for all that it has to do.
        places=(labels.flatten() != PAD).nonzero().flatten(),
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


@dataclass(frozen=True, kw_only=True)
class Curriculum:
    """Short pairs come first, as in Kocmi and Bojar (2017): what words mean and in which order they
    stand is learnt there in fewer tokens.

    epochs: how many of the first epochs read short pairs only; 0 for none.
    longest: most tokens of a short pair, without EOS, on either side.

    Raises ValueError for numbers out of range.
    """

    epochs: int = 0
    longest: int = 16

    def __post_init__(self) -> None:
        checks.non_negative_int("epochs", self.epochs)
        checks.positive_int("longest", self.longest)

    def check_fits(self, lengths: NDArray[np.int32]) -> None:
        """ValueError if no pair is short. lengths: (N, 2) source and target tokens."""
        shortest = min(int(lengths[part].max(axis=1).min()) for part in slices(len(lengths)))
        if self.epochs and shortest > self.longest:
            raise checks.OptionError(
                f"{checks.field('longest')} must be at least {shortest}, the tokens of the shortest"
                f" training pair, got {self.longest}"
            )

    def limit(self, epoch: int) -> int | None:
        """Most tokens on either side of the pairs that an epoch reads; None for all pairs."""
        return self.longest if epoch < self.epochs else None


POOL_BATCHES = 100  # sorted together: larger wastes less padding, smaller mixes lengths better


@dataclass(frozen=True)
class Batches:
    """The numbers of the pairs in each batch.

    order: (N,) the pairs of an epoch; batch i is order[bounds[i] : bounds[i + 1]].
    batch_order: the batches in the order in which they are read.
    """

    order: NDArray[np.int64]
    bounds: NDArray[np.int64]
    batch_order: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.batch_order)

    def __iter__(self) -> Iterator[NDArray[np.int64]]:
        return self.read(0)

    def read(self, first: int, every: int = 1) -> Iterator[NDArray[np.int64]]:
        """Every so many-th batch from number ``first`` on."""
        for batch in self.batch_order[first::every].tolist():
            yield self.order[self.bounds[batch] : self.bounds[batch + 1]]


def token_batches(
    lengths: NDArray[np.int32],
    batch_tokens: int,
    *,
    seed: int | None = None,
    epoch: int = 0,
    cache: DiskCache | None = None,
    mixture: Mixture | None = None,
    limit: int | None = None,
) -> Batches:
    """Batches of pairs whose padded source and target, with EOS, each fit in ``batch_tokens``.

    lengths: (N, 2) source and target tokens, without EOS. A pair over the budget is a batch by
    itself. With a seed the pairs are shuffled, sorted by length within pools and the batches
    shuffled, all decided by (seed, epoch); without, everything is sorted, longest first.

    cache: keeps the order for a seed on disk while it is in use, so that memory holds only the
        ends of the batches. None: memory holds all.
    mixture: which pairs an epoch reads, and how many times; with a seed only. None: every pair
        once.
    limit: most tokens on either side of these pairs, with a seed only. None: no limit.
    """
    if seed is None:
        order = _by_length(np.arange(len(lengths)), lengths)[::-1]
        ends = list(budget_ends(_sizes(lengths[order]).tolist(), batch_tokens))
        return Batches(order, np.array([0, *ends]), np.arange(len(ends)))
    random = np.random.default_rng([seed, epoch])
    order = _zeros(len(lengths) if mixture is None else mixture.size(epoch), cache)
    if mixture is None:
        for part in slices(len(order)):
            order[part] = np.arange(part.start, part.stop)
    else:
        mixture.fill(order, seed=seed, epoch=epoch)
    if limit is not None:
        order = order[: _keep_short(order, lengths, limit)]
    total = sum(int(_sizes(lengths[order[part]]).sum()) for part in slices(len(order)))
    mean_size = total / len(order) if len(order) else 1.0
    random.shuffle(order)
    pool = max(1, int(POOL_BATCHES * batch_tokens / mean_size))
    ends = []
    for start in range(0, len(order), pool):
        rows = _by_length(order[start : start + pool], lengths)
        order[start : start + pool] = rows
        sizes = _sizes(lengths[rows]).tolist()
        ends += [start + end for end in budget_ends(sizes, batch_tokens)]
    return Batches(order, np.array([0, *ends]), random.permutation(len(ends)))


def _zeros(size: int, cache: DiskCache | None) -> NDArray[np.int64]:
    """Zeros; with a cache, in a file there that lasts as long as the array."""
    if cache is None:
        return np.zeros(size, dtype=np.int64)
    with cache.scratch() as directory:
        zeros: NDArray[np.int64] = mapped_zeros(directory / "order", np.int64, size)
    return zeros


def _keep_short(order: NDArray[np.int64], lengths: NDArray[np.int32], limit: int) -> int:
    """Moves the pairs of at most ``limit`` tokens a side to the front -> how many there are."""
    count = 0
    for part in slices(len(order)):
        rows = order[part]
        short = rows[lengths[rows].max(axis=1) <= limit]
        order[count : count + len(short)] = short
        count += len(short)
    return count


def _sizes(lengths: NDArray[np.int32]) -> NDArray[np.int32]:
    """Tokens of the longer side, EOS included: (N, 2) -> (N,)."""
    sizes: NDArray[np.int32] = lengths.max(axis=1) + np.int32(1)
    return sizes


def _by_length(order: NDArray[np.int64], lengths: NDArray[np.int32]) -> NDArray[np.int64]:
    """Sorted by target, then source length; a stable sort leaves ties as shuffled."""
    src, tgt = lengths[order].T
    return order[np.lexsort((src, tgt))]


def budget_ends(sizes: Iterable[int], budget: int) -> Iterator[int]:
    """The row after each batch's last, for rows in order: a batch's rows times its largest size are
    within the budget, and a row over the budget is a batch by itself."""
    start = end = largest = 0
    for end, size in enumerate(sizes, 1):
        largest = max(largest, size)
        if end - start > 1 and largest * (end - start) > budget:
            yield end - 1
            start, largest = end - 1, size
    if end:
        yield end


class EncodedPairs(Protocol):
    """Source and target ids of pairs, by number, without BOS and EOS.

    lengths: (N, 2), source and target tokens.
    """

    lengths: NDArray[np.int32]

    def __getitem__(self, row: int) -> tuple[Ids, Ids]: ...


class PairsInMemory:
    """EncodedPairs in memory, for small sets such as the validation pairs."""

    def __init__(self, pairs: Iterable[tuple[Ids, Ids]]) -> None:
        self._pairs = list(pairs)
        lengths = [(len(src), len(tgt)) for src, tgt in self._pairs]
        self.lengths = np.array(lengths, dtype=np.int32).reshape(-1, 2)

    def __getitem__(self, row: int) -> tuple[Ids, Ids]:
        return self._pairs[row]


@dataclass(frozen=True)
class TrainingBatches:
    """Shuffled token-budget batches; (seed, epoch) alone decides their order.

    encode: epoch -> ids of all pairs; they differ between epochs where the tokenizer samples.
    cache, mixture: see ``token_batches``.
    curriculum: which epochs read short pairs only.
    """

    encode: Callable[[int], EncodedPairs]
    _: KW_ONLY
    batch_tokens: int
    seed: int
    cache: DiskCache | None = None
    mixture: Mixture | None = None
    curriculum: Curriculum = Curriculum()

    def epoch(self, epoch: int) -> tuple[int, Callable[..., Iterator[Batch]]]:
        """The number of batches in the epoch, and a function that reads them as ``Batches.read``
        does."""
        pairs = self.encode(epoch)
        batches = token_batches(
            pairs.lengths,
            self.batch_tokens,
            seed=self.seed,
            epoch=epoch,
            cache=self.cache,
            mixture=self.mixture,
            limit=self.curriculum.limit(epoch),
        )

        def read(first: int, every: int = 1) -> Iterator[Batch]:
            return _collated(pairs, batches.read(first, every))

        return len(batches), read


def sorted_batches(
    pairs: EncodedPairs, *, batch_tokens: int, first: int = 0, every: int = 1
) -> Iterator[Batch]:
    """Every pair once, longest first, for validation; of the batches those that ``Batches.read``
    gives."""
    return _collated(pairs, token_batches(pairs.lengths, batch_tokens).read(first, every))


def _collated(pairs: EncodedPairs, batches: Iterable[NDArray[np.int64]]) -> Iterator[Batch]:
    for rows in batches:
        yield collate([pairs[row] for row in rows.tolist()])
