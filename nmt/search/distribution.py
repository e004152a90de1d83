"""What the next token of each hypothesis may be, and how likely.

Dims: B sentences, K hypotheses a sentence, V target vocabulary, N blocks of W tokens.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from nmt.tokenizer import BOS, PAD

BLOCK = 160  # tokens: the fastest of 40 to 320 at vocabularies of 6,000 to 32,000


class Distribution(NamedTuple):
    """p(token) = exp(scores - normaliser).

    scores: (B, K, V) in float32, -inf for what may not come: PAD, BOS and what rules ban. It is
        not renormalised without these: a hypothesis has the probability that training gives it.
    normaliser: (B, K), the logarithm of the sum over all of the vocabulary.
    """

    scores: Tensor
    normaliser: Tensor

    @classmethod
    def of(cls, logits: Tensor) -> "Distribution":
        """logits (B, K, V), which are overwritten."""
        scores = logits.float()
        normaliser = scores.logsumexp(dim=-1)
        scores[..., PAD] = -torch.inf
        scores[..., BOS] = -torch.inf
        return cls(scores, normaliser)

    def log_probs(self) -> Tensor:
        """(B, K, V)."""
        return self.scores - self.normaliser.unsqueeze(-1)

    def continuations(self, log_probs: Tensor, size: int) -> tuple[Tensor, Tensor]:
        """The ``size`` likeliest continuations by one token of hypotheses with log_probs (B, K).

        Returns their log-probabilities, descending, and their places in K * V, (B, size) each; no
        more than there are. Where several are equally likely, any may come first.
        """
        return highest(self.scores, log_probs - self.normaliser, size)

    def likeliest(self) -> tuple[Tensor, Tensor]:
        """The likeliest next token of each: its log-probability and itself, (B, K) each."""
        rows = self.scores.flatten(0, 1).unsqueeze(1), -self.normaliser.flatten().unsqueeze(1)
        best, tokens = (found.view_as(self.normaliser) for found in highest(*rows, 1))
        return best, tokens


def highest(scores: Tensor, offsets: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """``(scores + offsets).flatten(1).topk(size)`` of scores (B, K, V) and offsets (B, K).

    In two stages, as topk is slow on long rows: the ``size`` blocks with the highest maxima hold
    the ``size`` highest scores.
    """
    sentences, hypotheses, vocabulary = scores.shape
    blocks = vocabulary // BLOCK
    if hypotheses * blocks <= size:
        totals = (scores + offsets.unsqueeze(-1)).flatten(1)
        return totals.topk(min(size, totals.shape[1]), dim=1)
    blocked = scores[..., : blocks * BLOCK].view(sentences, hypotheses, blocks, BLOCK)
    maxima = (blocked.amax(dim=-1) + offsets.unsqueeze(-1)).flatten(1)
    chosen = maxima.topk(size, dim=1).indices  # (B, size), places in K * N
    parents, block = chosen // blocks, chosen % blocks
    rows = torch.arange(sentences, device=scores.device).unsqueeze(1)
    inside = blocked[rows, parents, block] + offsets.gather(1, parents).unsqueeze(-1)
    first = parents * vocabulary + block * BLOCK  # of each chosen block, in K * V
    places = first.unsqueeze(-1) + torch.arange(BLOCK, device=scores.device)
    candidates, candidate_places = [inside.flatten(1)], [places.flatten(1)]
    if rest := vocabulary - blocks * BLOCK:
        ends = torch.arange(blocks * BLOCK, vocabulary, device=scores.device)
        starts = torch.arange(hypotheses, device=scores.device) * vocabulary
        candidates.append((scores[..., -rest:] + offsets.unsqueeze(-1)).flatten(1))
        every = (starts.unsqueeze(1) + ends).flatten()
        candidate_places.append(every.expand(sentences, -1))
    totals, order = torch.cat(candidates, dim=1).topk(size, dim=1)
    return totals, torch.cat(candidate_places, dim=1).gather(1, order)
