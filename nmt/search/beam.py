"""Beam search over all sentences and hypotheses at once.

Dims: B sentences still in the batch, K hypotheses a sentence, T longest limit, V target
vocabulary.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import torch
from torch import Tensor

from nmt.checks import non_negative, non_negative_int, positive, positive_int
from nmt.models.interface import Seq2SeqModel
from nmt.search.constraint import Constraint, each_constraint
from nmt.search.hypothesis import (
    Hypothesis,
    Search,
    length_limits,
    next_log_probs,
    read_hypothesis,
)
from nmt.tokenizer import BOS, EOS, PAD


@dataclass(frozen=True, kw_only=True)
class BeamSearch(Search):
    """The ``beam_size`` best hypotheses found, ranked by log_prob / length ** length_penalty.

    Each step takes the 2K likeliest continuations of the K live hypotheses. Those of the first K
    that end go to a pool of the K best finished ones; the K best that do not end live on. A
    sentence is done when

    - its pool is full and no live hypothesis can beat the pool's worst any more: as no token
      raises a log-probability, a live one gets at best log_prob / limit ** length_penalty; or
    - its K best continuations all end, so that only substitutes would live on (which makes
      ``beam_size=1`` greedy search); or
    - its hypotheses reach the limit; they are returned, unfinished, only where none finished.

    The limit for S source tokens (EOS counted) is floor(max_length * S) + extra_length target
    tokens (EOS counted). A length penalty of 0 ranks by probability, which favours short
    translations; 1 ranks by the mean log-probability a token.
    """

    beam_size: int = 5
    length_penalty: float = 1.0
    max_length: float = 2.0
    extra_length: int = 10

    def __post_init__(self) -> None:
        positive_int("search.beam_size", self.beam_size)
        non_negative("search.length_penalty", self.length_penalty)
        positive("search.max_length", self.max_length)
        non_negative_int("search.extra_length", self.extra_length)

    @property
    def most_hypotheses(self) -> int:
        return self.beam_size

    @torch.inference_mode()
    def __call__(
        self,
        model: Seq2SeqModel,
        src: Tensor,
        constraints: Sequence[Constraint] | None = None,
    ) -> list[list[Hypothesis]]:
        if any(c != Constraint() for c in each_constraint(constraints, src.shape[0])):
            raise NotImplementedError
        encoded = model.encode(src)
        memory, state = model.start(encoded, self.beam_size)
        limits = length_limits(encoded, self.max_length, self.extra_length)
        pool = _Ranking.empty(src.shape[0], self.beam_size, int(limits.max()), src.device)
        live = _Ranking.empty(src.shape[0], self.beam_size, int(limits.max()), src.device)
        live.log_probs[:, 0] = 0.0  # K equal beginnings would stay equal: only one lives
        sentences = torch.arange(src.shape[0], device=src.device)  # those still in the batch
        results: list[list[Hypothesis]] = [[] for _ in range(src.shape[0])]
        tokens = torch.full(live.scores.shape, BOS, device=src.device)
        for length in range(1, int(limits.max()) + 1):
            logits, state = model.step(tokens, memory, state)
            candidates, parents = self._continue(live, next_log_probs(logits), length)
            ends = candidates.tokens[:, :, length - 1] == EOS
            going_on = candidates.where(~ends)
            live, order = going_on.best(self.beam_size)
            ended = candidates.where(ends).first(self.beam_size)
            pool, _ = pool.joined(ended).best(self.beam_size)

            hopeless = live.log_probs[:, 0] / limits**self.length_penalty <= pool.scores[:, -1]
            all_ended = (going_on.scores[:, : self.beam_size] == -torch.inf).all(dim=1)
            done = hopeless | all_ended | (limits <= length)
            for row in done.nonzero()[:, 0].tolist():
                results[sentences[row]] = self._results(pool, live, row)
            stay = (~done).nonzero()[:, 0]
            if len(stay) == 0:
                break
            parents, tokens = parents.gather(1, order), live.tokens[:, :, length - 1]
            if len(stay) < len(sentences):
                sentences, limits = sentences[stay], limits[stay]
                parents, tokens = parents[stay], tokens[stay]
                live, pool = live.select(stay), pool.select(stay)
                memory, state = memory.select(stay), state.select(stay)
            state = state.reorder(parents)
        return results

    def _continue(
        self, live: "_Ranking", log_probs: Tensor, length: int
    ) -> tuple["_Ranking", Tensor]:
        """The 2K likeliest continuations by one token, log_probs (B, K, V), and their parents."""
        size = min(2 * self.beam_size, log_probs.shape[-1])
        best, next_tokens = log_probs.topk(size, dim=-1)  # (B, K, 2K), much fewer than (B, K, V)
        totals = (live.log_probs.unsqueeze(-1) + best).flatten(1)
        totals, places = totals.topk(2 * self.beam_size, dim=1)
        parents = places // size
        tokens = _along_beam(live.tokens, parents)
        tokens[:, :, length - 1] = next_tokens.flatten(1).gather(1, places)
        return _Ranking(tokens, totals, totals / length**self.length_penalty), parents

    def _results(self, pool: "_Ranking", live: "_Ranking", row: int) -> list[Hypothesis]:
        """The finished hypotheses of sentence ``row``; the live ones where there are none."""
        found = pool if pool.scores[row, 0] > -torch.inf else live
        return [
            read_hypothesis(tokens, log_prob, self.length_penalty)
            for tokens, log_prob in zip(
                found.tokens[row].tolist(), found.log_probs[row].tolist(), strict=True
            )
            if log_prob != -math.inf
        ]


class _Ranking(NamedTuple):
    """Hypotheses of each sentence, best first; a place that holds none has the score -inf.

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

    def select(self, sentences: Tensor) -> "_Ranking":
        """Keep these sentences, (B',)."""
        return _Ranking(*(tensor[sentences] for tensor in self))

    def first(self, size: int) -> "_Ranking":
        """The first ``size`` places."""
        return _Ranking(*(tensor[:, :size] for tensor in self))

    def where(self, keep: Tensor) -> "_Ranking":
        """The same with every place emptied that ``keep`` (B, K) does not name."""
        log_probs, scores = (tensor.masked_fill(~keep, -torch.inf) for tensor in self[1:])
        return _Ranking(self.tokens, log_probs, scores)

    def joined(self, other: "_Ranking") -> "_Ranking":
        """Both side by side, no longer in order."""
        return _Ranking(*(torch.cat(pair, dim=1) for pair in zip(self, other, strict=True)))

    def best(self, size: int) -> tuple["_Ranking", Tensor]:
        """The ``size`` best in order, and the places they had, (B, size)."""
        scores, places = self.scores.topk(size, dim=1)
        log_probs = self.log_probs.gather(1, places)
        return _Ranking(_along_beam(self.tokens, places), log_probs, scores), places


def _along_beam(tokens: Tensor, places: Tensor) -> Tensor:
    """tokens (B, K, T) at places (B, K') of each sentence -> (B, K', T)."""
    return tokens.gather(1, places.unsqueeze(-1).expand(-1, -1, tokens.shape[-1]))
