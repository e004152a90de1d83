"""An architecture of one's own, as small as they come: a word follows from the one before it and
from the words of the source, in whatever order they stand.

Dims: B sentences, K hypotheses, S source tokens, T target tokens, D width, V target vocabulary.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from nmt.models.interface import DecoderState, Encoded, Memory, NoAlignment, Seq2SeqModel
from nmt.tokenizer import PAD


@dataclass(frozen=True)
class Bag:
    """The mean (B, D) of each source's embeddings."""

    mean: Tensor

    def select(self, sentences: Tensor) -> "Bag":
        return Bag(self.mean[sentences])


class Forgetful:
    """A state of nothing: the last token is all that counts, and search knows it."""

    def select(self, sentences: Tensor) -> "Forgetful":
        return self

    def reorder(self, parents: Tensor) -> "Forgetful":
        return self


class BagOfWords(Seq2SeqModel):
    """hidden_size: D, of the embeddings and of the one hidden layer."""

    def __init__(self, *, src_vocab_size: int, tgt_vocab_size: int, hidden_size: int) -> None:
        super().__init__()
        self.src_embedding = nn.Embedding(src_vocab_size, hidden_size)
        self.tgt_embedding = nn.Embedding(tgt_vocab_size, hidden_size)
        self.hidden = nn.Linear(hidden_size, hidden_size)
        self.output = nn.Linear(hidden_size, tgt_vocab_size)

    def encode(self, src: Tensor) -> Encoded:
        return Encoded(states=self.src_embedding(src), mask=src != PAD)

    def decode(self, tgt_input: Tensor, encoded: Encoded) -> Tensor:
        return self._features(tgt_input, _mean(encoded))

    def project(self, features: Tensor) -> Tensor:
        logits: Tensor = self.output(features)
        return logits

    def start(self, encoded: Encoded, beam_size: int) -> tuple[Memory, DecoderState]:
        return Bag(_mean(encoded)), Forgetful()

    def step(
        self, tokens: Tensor, memory: Memory, state: DecoderState
    ) -> tuple[Tensor, DecoderState]:
        assert isinstance(memory, Bag)
        return self.project(self._features(tokens, memory.mean)), state

    def attend(self, tgt_input: Tensor, encoded: Encoded) -> Tensor:
        raise NoAlignment

    def _features(self, tokens: Tensor, mean: Tensor) -> Tensor:
        """(B, T or K) ids, (B, D) -> (B, T or K, D)."""
        return torch.tanh(self.hidden(self.tgt_embedding(tokens) + mean[:, None]))


def _mean(encoded: Encoded) -> Tensor:
    weights = encoded.mask / encoded.mask.sum(dim=1, keepdim=True)
    return (encoded.states * weights[:, :, None]).sum(dim=1)
