"""The hypotheses of many sentences, in order.

Dims: B sentences, K places a sentence, T longest limit.
"""

from typing import NamedTuple, Self

import torch
from torch import Tensor

from nmt.tokenizer import PAD


class Ranking(NamedTuple):
    """Hypotheses of each sentence; a place that holds none has the log-probability -inf.

    tokens: (B, K, T), EOS included, then PAD.
    log_probs, scores: (B, K).
    """

    tokens: Tensor
    log_probs: Tensor
    scores: Tensor

    @classmethod
    def empty(cls, sentences: int, size: int, length: int, device: torch.device) -> Self:
        nothing = torch.full((sentences, size), -torch.inf, device=device)
        tokens = torch.full((sentences, size, length), PAD, device=device)
        return cls(tokens, nothing, nothing.clone())

    def select(self, sentences: Tensor) -> "Ranking":
        """Keep these sentences, (B',)."""
        return Ranking(*(tensor[sentences] for tensor in self))

    def first(self, size: int) -> "Ranking":
        """The first ``size`` places."""
        return Ranking(*(tensor[:, :size] for tensor in self))

    def where(self, keep: Tensor) -> "Ranking":
        """The same with every place emptied that ``keep`` (B, K) does not name."""
        log_probs, scores = (tensor.masked_fill(~keep, -torch.inf) for tensor in self[1:])
        return Ranking(self.tokens, log_probs, scores)

    def joined(self, other: "Ranking") -> "Ranking":
        """Both side by side."""
        return Ranking(*(torch.cat(pair, dim=1) for pair in zip(self, other, strict=True)))

    def at(self, places: Tensor) -> "Ranking":
        """What stands at these places, (B, K')."""
        log_probs, scores = (tensor.gather(1, places) for tensor in self[1:])
        return Ranking(along_beam(self.tokens, places), log_probs, scores)

    def best(self, size: int) -> "Ranking":
        """The ``size`` of the best scores, best first."""
        return self.at(self.scores.topk(size, dim=1).indices)


def along_beam(tokens: Tensor, places: Tensor) -> Tensor:
    """tokens (B, K, T) at places (B, K') of each sentence -> (B, K', T)."""
    return tokens.gather(1, places.unsqueeze(-1).expand(-1, -1, tokens.shape[-1]))
