"""Where a recurrent decoder's context comes from: five attention scores, and none.

Dims: B sentences, K queries a sentence (hypotheses; 1 in teacher forcing), S source tokens,
Q query width (decoder), H key width (encoder), A width of the additive score.
"""

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from nmt.checks import positive_int
from nmt.models.deferred_gradients import RecurrentLinear
from nmt.models.interface import Encoded


class ContextSource(nn.Module, ABC):
    """Summarises the source for one decoder step."""

    @abstractmethod
    def prepare(self, encoded: Encoded) -> Tensor:
        """What can be computed once a sentence: keys, (B, ...)."""

    @abstractmethod
    def forward(
        self, query: Tensor, keys: Tensor, encoded: Encoded
    ) -> tuple[Tensor, Tensor | None]:
        """query: (B, K, Q) -> context (B, K, H), weights (B, K, S) or None."""


class FixedContext(ContextSource):
    """No attention: the encoder's last states at every step.

    The RNN encoder-decoder that Bahdanau et al. (2015) compare with (Cho et al. 2014, eq. 7-8).
    """

    def __init__(self, *, query_size: int, key_size: int) -> None:
        super().__init__()

    def prepare(self, encoded: Encoded) -> Tensor:
        assert encoded.final is not None, "an encoder without direction has no last state"
        return encoded.final

    def forward(
        self, query: Tensor, keys: Tensor, encoded: Encoded
    ) -> tuple[Tensor, Tensor | None]:
        return keys.unsqueeze(1).expand(-1, query.shape[1], -1), None


class ScoredAttention(ContextSource):
    """Masks, normalises and sums; a subclass only scores (Luong et al. 2015, section 3.1)."""

    def forward(
        self, query: Tensor, keys: Tensor, encoded: Encoded
    ) -> tuple[Tensor, Tensor | None]:
        scores = self.score(query, keys).float()
        weights = scores.masked_fill(~encoded.mask.unsqueeze(1), -torch.inf).softmax(dim=-1)
        return weights.to(encoded.states.dtype) @ encoded.states, weights

    @abstractmethod
    def score(self, query: Tensor, keys: Tensor) -> Tensor:
        """query (B, K, Q), keys as prepared -> scores (B, K, S), padding not yet masked."""


class AdditiveAttention(ScoredAttention):
    """score = v^T tanh(W q + U h): Bahdanau et al. (2015), A.1.2; U h once a sentence."""

    def __init__(self, *, query_size: int, key_size: int, attention_size: int = 256) -> None:
        super().__init__()
        positive_int("attention_size", attention_size)
        self.query = RecurrentLinear(query_size, attention_size, bias=False)
        self.key = nn.Linear(key_size, attention_size)
        self.energy = nn.Linear(attention_size, 1, bias=False)

    def prepare(self, encoded: Encoded) -> Tensor:
        keys: Tensor = self.key(encoded.states)
        return keys  # (B, S, A)

    def score(self, query: Tensor, keys: Tensor) -> Tensor:
        hidden = torch.tanh(self.query(query).unsqueeze(2) + keys.unsqueeze(1))  # (B, K, S, A)
        energy: Tensor = self.energy(hidden)
        return energy.squeeze(-1)


class DotAttention(ScoredAttention):
    """score = q^T h: Luong et al. (2015), eq. 8, "dot"."""

    def __init__(self, *, query_size: int, key_size: int) -> None:
        super().__init__()
        if query_size != key_size:
            raise ValueError(
                f"the dot score needs a decoder as wide as the encoder's output, got {query_size} "
                f"and {key_size}: choose an even hidden_size, or the general score (luong_general)"
            )

    def prepare(self, encoded: Encoded) -> Tensor:
        return encoded.states

    def score(self, query: Tensor, keys: Tensor) -> Tensor:
        return query @ keys.transpose(1, 2)


class ScaledDotAttention(DotAttention):
    """score = q^T h / sqrt(H): Vaswani et al. (2017), eq. 1, with one head."""

    def score(self, query: Tensor, keys: Tensor) -> Tensor:
        return super().score(query, keys) / math.sqrt(keys.shape[-1])


class GeneralAttention(ScoredAttention):
    """score = q^T W h: Luong et al. (2015), eq. 8, "general"; W h once a sentence."""

    def __init__(self, *, query_size: int, key_size: int) -> None:
        super().__init__()
        self.key = nn.Linear(key_size, query_size, bias=False)

    def prepare(self, encoded: Encoded) -> Tensor:
        keys: Tensor = self.key(encoded.states)
        return keys  # (B, S, Q)

    def score(self, query: Tensor, keys: Tensor) -> Tensor:
        return query @ keys.transpose(1, 2)
