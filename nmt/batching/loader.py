"""The batches of an epoch, the same ones whenever it is asked for."""

from collections.abc import Callable, Iterator, Sequence

from nmt.batching.batch import Batch, collate
from nmt.batching.sampler import token_batches

Ids = Sequence[int]
EncodedPairs = Sequence[tuple[Ids, Ids]]


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
        batches = token_batches(sizes(pairs), self.batch_tokens, seed=self.seed, epoch=epoch)

        def read(first: int) -> Iterator[Batch]:
            for batch in batches[first:]:
                yield collate([pairs[i] for i in batch])

        return len(batches), read


def sorted_batches(pairs: EncodedPairs, *, batch_tokens: int) -> Iterator[Batch]:
    """Every pair once, without shuffling, for validation."""
    for batch in token_batches(sizes(pairs), batch_tokens):
        yield collate([pairs[i] for i in batch])


def sizes(pairs: EncodedPairs) -> list[tuple[int, int]]:
    """Source and target tokens of each pair, EOS included."""
    return [(len(src) + 1, len(tgt) + 1) for src, tgt in pairs]
