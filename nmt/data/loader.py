"""The batches of an epoch, the same ones whenever it is asked for."""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from nmt.data.batch import Batch, Ids, collate
from nmt.data.batches import token_batches


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

    encode: epoch -> all pairs as ids; epochs differ where the tokenizer samples.
    """

    def __init__(
        self, encode: Callable[[int], EncodedPairs], *, batch_tokens: int, seed: int
    ) -> None:
        self.encode = encode
        self.batch_tokens = batch_tokens
        self.seed = seed

    def epoch(self, epoch: int) -> tuple[int, Callable[[int], Iterator[Batch]]]:
        """How many batches the epoch has, and a way to read them from the n-th on."""
        pairs = self.encode(epoch)
        batches = token_batches(pairs.lengths, self.batch_tokens, seed=self.seed, epoch=epoch)

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
