"""What search and training know of a model, and all they know of it.

Dims: B sentences, K hypotheses a sentence (greedy: K = 1), S source tokens, T target tokens,
V target vocabulary, H encoder width, D feature width.

What belongs to the sentence is kept once a sentence (``Memory``), what belongs to the hypothesis in
a ``DecoderState``: beam search never copies a source-side tensor. Both are the model's own affair:
search selects their sentences and reorders their hypotheses, and looks at neither.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Protocol, Self

from torch import Tensor, nn


class NoAlignment(Exception):
    """The model attends to nothing, so it has no alignment to show."""


class PerSentence:
    """A dataclass of tensors with sentences on axis 0, or of tuples or such dataclasses of them."""

    def select(self, sentences: Tensor) -> Self:
        """Keep these sentences, (B',) indices on axis 0, in this order."""
        return type(self)(**{name: _selected(it, sentences) for name, it in vars(self).items()})


def _selected(value: Any, sentences: Tensor) -> Any:
    if isinstance(value, Tensor):
        return value[sentences]
    if isinstance(value, tuple):
        return tuple(_selected(part, sentences) for part in value)
    return value.select(sentences) if hasattr(value, "select") else value


@dataclass(frozen=True)
class Encoded(PerSentence):
    """The source as the encoder leaves it.

    states: (B, S, H), zero or not at padding: only ``mask`` says what is real.
    mask: (B, S), True = real token.
    final: (B, H), a recurrent encoder's last states: the forward direction's in the first half,
        the backward direction's in the second. None where there is no direction.
    """

    states: Tensor
    mask: Tensor
    final: Tensor | None = None


class Memory(Protocol):
    """What decoding keeps once a sentence, such as projected keys and the source mask."""

    def select(self, sentences: Tensor) -> Self:
        """Keep these sentences, (B',) indices on axis 0, in this order."""
        ...


class DecoderState(Protocol):
    """What decoding keeps once a hypothesis, such as recurrent states or a key-value cache."""

    def select(self, sentences: Tensor) -> Self:
        """Keep these sentences, (B',) indices on axis 0, in this order."""
        ...

    def reorder(self, parents: Tensor) -> Self:
        """Continue hypothesis ``parents[b, k]`` of sentence b as its hypothesis k.

        parents: (B, K') indices on axis 1; K' need not equal K. The state is consumed.
        """
        ...


class Seq2SeqModel(nn.Module, ABC):
    """An encoder and a decoder: p(y | x) = prod_t p(y_t | y_<t, x)."""

    @abstractmethod
    def encode(self, src: Tensor) -> Encoded:
        """src: (B, S) token ids, right-padded. Builds the mask; nobody else does."""

    @abstractmethod
    def decode(self, tgt_input: Tensor, encoded: Encoded) -> Tensor:
        """Teacher forcing: (B, T) ids that begin with BOS -> features (B, T, D)."""

    @abstractmethod
    def project(self, features: Tensor) -> Tensor:
        """Features (..., D) -> logits (..., V), so that the loss may project real tokens only."""

    @abstractmethod
    def start(self, encoded: Encoded, beam_size: int) -> tuple[Memory, DecoderState]:
        """Prepare to decode ``beam_size`` hypotheses for each sentence, before any token."""

    @abstractmethod
    def step(
        self, tokens: Tensor, memory: Memory, state: DecoderState
    ) -> tuple[Tensor, DecoderState]:
        """Read one token a hypothesis, (B, K) ids, BOS first -> logits (B, K, V), new state.

        The given state is consumed: its buffers may be reused. The logits are the caller's.
        """

    @abstractmethod
    def attend(self, tgt_input: Tensor, encoded: Encoded) -> Tensor:
        """Attention weights under teacher forcing, (B, layers, heads, T, S).

        Slow, for looking and for aligning. Rows sum to 1 over the real source tokens.
        Raises NoAlignment where there is nothing to look at.
        """
