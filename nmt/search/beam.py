"""Beam search over all sentences and hypotheses at once.

Dims: B sentences still in the batch, K hypotheses a sentence, N candidates a sentence, S source
tokens, T target tokens or longest limit, V target vocabulary.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from nmt.checks import non_negative, positive_int
from nmt.models.interface import Encoded, NoAlignment, Seq2SeqModel
from nmt.parallel import go_on
from nmt.search.base import (
    Distribution,
    Hypothesis,
    SearchBase,
    looks,
    read_hypothesis,
    worth_leaving,
)
from nmt.search.beam_allocation import DynamicBeamAllocation, along_beam
from nmt.search.constraints import Constraint, TokenBans, each_constraint
from nmt.tokenizer import BOS, EOS, PAD


class BeamHypotheses(NamedTuple):
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

    def select(self, sentences: Tensor) -> "BeamHypotheses":
        """Keep these sentences, (B',)."""
        return BeamHypotheses(*(tensor[sentences] for tensor in self))

    def first(self, size: int) -> "BeamHypotheses":
        """The first ``size`` places."""
        return BeamHypotheses(*(tensor[:, :size] for tensor in self))

    def where(self, keep: Tensor) -> "BeamHypotheses":
        """The same with every place emptied that ``keep`` (B, K) does not name."""
        log_probs, scores = (tensor.masked_fill(~keep, -torch.inf) for tensor in self[1:])
        return BeamHypotheses(self.tokens, log_probs, scores)

    def joined(self, other: "BeamHypotheses") -> "BeamHypotheses":
        """Both side by side."""
        return BeamHypotheses(*(torch.cat(pair, dim=1) for pair in zip(self, other, strict=True)))

    def at(self, places: Tensor) -> "BeamHypotheses":
        """What stands at these places, (B, K')."""
        log_probs, scores = (tensor.gather(1, places) for tensor in self[1:])
        return BeamHypotheses(along_beam(self.tokens, places), log_probs, scores)

    def best(self, size: int) -> "BeamHypotheses":
        """The ``size`` of the best scores, best first."""
        return self.at(self.scores.topk(size, dim=1).indices)

    def keep(
        self,
        sentences: Tensor,
        done: Tensor,
        rankings: Sequence["BeamHypotheses"],
        *,
        looking: bool,
    ) -> None:
        """Put the hypotheses of those ``sentences`` (B') that are ``done`` (B') into their places
        here: those of the first ranking, (B') sentences and at most K places, that has any.

        looking: whether to look which are done, for which a GPU has to be waited for; else the
        others are written too, as they are.
        """
        if looking:
            rows = done.nonzero()[:, 0]
            if len(rows) == 0:
                return
            sentences, done = sentences[rows], done[rows]
            rankings = [ranking.select(rows) for ranking in rankings]
        for ranking in reversed(rankings):
            has = (done & (ranking.log_probs[:, 0] != -torch.inf)).unsqueeze(1)
            missing = self.scores.shape[1] - ranking.scores.shape[1]
            if missing:
                none = BeamHypotheses.empty(len(done), missing, self.tokens.shape[2], done.device)
                ranking = ranking.joined(none)
            for own, new in zip(self, ranking, strict=True):
                where = has.unsqueeze(2) if new.ndim == 3 else has
                own[sentences] = new.where(where, own[sentences])


MOST_STAGES = 64


@dataclass(frozen=True, kw_only=True)
class BeamSearch(SearchBase):
    """The ``beam_size`` best hypotheses found, ranked by log_prob / length ** length_penalty.

    Each step takes the 2K likeliest continuations of the K live hypotheses. Those of the first K
    that end go to a pool of the best finished ones; the first K that do not end live on. A
    sentence is done when

    - its pool is full and no live hypothesis, ranked as it stands, beats the pool's worst. That K
      have ended is not enough: unlikely ones end early. That none could win at its longest would
      be safer still, but takes half as many steps again for one translation in a hundred; or
    - its hypotheses reach the limit; they are returned, unfinished, only where none finished.

    A length penalty of 0 ranks by probability, which favours short translations; 1 ranks by the
    mean log-probability a token. A coverage penalty above 0 adds coverage_penalty *
    sum_i log(min(sum_j a_ij, 1)) to the score of each hypothesis found, and ranks them anew
    (``coverages``).

    K is ``beam_size``. For a sentence with requirements it is larger by the tokens of these, up to
    64, so that ``DynamicBeamAllocation`` has a place for every stage, or for the furthest. Where no
    hypothesis has all of them within the limit, the one that has most comes first, unfinished.
    """

    beam_size: int = 5
    length_penalty: float = 1.0
    coverage_penalty: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        positive_int("beam_size", self.beam_size)
        non_negative("length_penalty", self.length_penalty)
        non_negative("coverage_penalty", self.coverage_penalty)

    @property
    def most_hypotheses(self) -> int:
        return self.beam_size

    @property
    def finds_required(self) -> bool:
        return True

    @torch.inference_mode()
    def __call__(
        self, model: Seq2SeqModel, src: Tensor, constraints: Sequence[Constraint] | None = None
    ) -> list[list[Hypothesis]]:
        constraints = each_constraint(constraints, len(src))
        alike: dict[int, list[int]] = {}  # places for required tokens -> rows, of one beam width
        for row, constraint in enumerate(constraints):
            alike.setdefault(min(constraint.required, MOST_STAGES), []).append(row)
        results: list[list[Hypothesis]] = [[] for _ in constraints]
        for stages, rows in alike.items():
            own, chosen = src[rows], [constraints[row] for row in rows]
            found = self._search(model, own, chosen, self.beam_size + stages)
            if self.coverage_penalty:
                found = self._covering(model, own, found)
            for row, hypotheses in zip(rows, found, strict=True):
                results[row] = _ranked(hypotheses, constraints[row])[: self.beam_size]
        return results

    def _search(
        self, model: Seq2SeqModel, src: Tensor, constraints: Sequence[Constraint], size: int
    ) -> list[list[Hypothesis]]:
        encoded = model.encode(src)
        memory, state = model.start(encoded, size)
        limits = self.limits(encoded, constraints)
        bans = TokenBans.of(constraints, self.no_repeat_ngram, src.device)
        allocation = DynamicBeamAllocation.of(constraints, size, src.device)
        pool = BeamHypotheses.empty(len(src), self.beam_size, int(limits.max()), src.device)
        live = BeamHypotheses.empty(len(src), size, int(limits.max()), src.device)
        live.log_probs[:, 0] = 0.0  # K equal beginnings would stay equal: only one lives
        sentences = torch.arange(len(src), device=src.device)  # those still in the batch
        searching = torch.ones_like(sentences, dtype=torch.bool)
        results = BeamHypotheses.empty(len(src), size, int(limits.max()), src.device)
        tokens = torch.full(live.scores.shape, BOS, device=src.device)
        for length in range(1, int(limits.max()) + 1):
            go_on()
            logits, state = model.step(tokens, memory, state)
            candidates, parents = self._continue(
                live, Distribution.of(logits), length, bans, allocation
            )
            ends = candidates.tokens[:, :, length - 1] == EOS
            ended, going_on = candidates.where(ends).first(size), candidates.where(~ends)
            pool = pool.joined(ended).best(self.beam_size)
            order = ends.to(torch.uint8).argsort(dim=1, stable=True)[:, :size]
            before, live = live, going_on.at(order)
            parents, tokens = parents.gather(1, order), live.tokens[:, :, length - 1]

            done = (live.scores.amax(dim=1) <= pool.scores[:, -1]) | (limits <= length)
            looking = looks(length, src.device)
            results.keep(sentences, done & searching, (pool, live, before), looking=looking)
            searching = searching & ~done
            stay = searching.nonzero()[:, 0] if looking else sentences
            if len(stay) == 0:
                break
            if looking and worth_leaving(len(sentences), len(stay)):
                sentences, limits, searching, parents, tokens = (
                    each[stay] for each in (sentences, limits, searching, parents, tokens)
                )
                live, pool = live.select(stay), pool.select(stay)
                memory, state = memory.select(stay), state.select(stay)
                bans = None if bans is None else bans.select(stay)
                allocation = None if allocation is None else allocation.select(stay)
            state = state.reorder(parents)
            allocation = None if allocation is None else allocation.advance(parents, tokens)
        return self._read(results)

    def _continue(
        self,
        live: BeamHypotheses,
        following: Distribution,
        length: int,
        bans: TokenBans | None,
        allocation: DynamicBeamAllocation | None,
    ) -> tuple[BeamHypotheses, Tensor]:
        """2K continuations by one token, the likeliest or those that ``allocation`` puts first, and
        their parents."""
        if bans is not None:
            bans.apply(following.scores, live.tokens[:, :, : length - 1])
        width, vocabulary = live.scores.shape[1], following.scores.shape[-1]
        if allocation is None:
            totals, places = following.continuations(live.log_probs, 2 * width)
            parents, tokens = places // vocabulary, places % vocabulary
        else:
            best, tokens = allocation.continuations(following.scores, min(2 * width, vocabulary))
            totals, tokens = (live.log_probs.unsqueeze(-1) + best).flatten(1), tokens.flatten(1)
            places = allocation.first(totals, tokens, 2 * width)
            totals, tokens = totals.gather(1, places), tokens.gather(1, places)
            parents = places // best.shape[-1]
        continued = along_beam(live.tokens, parents)
        continued[:, :, length - 1] = tokens
        return BeamHypotheses(continued, totals, totals / length**self.length_penalty), parents

    def _read(self, found: BeamHypotheses) -> list[list[Hypothesis]]:
        """The hypotheses of each sentence, in their order."""
        return [
            [
                read_hypothesis(tokens, log_prob, self.length_penalty)
                for tokens, log_prob in zip(*places, strict=True)
                if log_prob != -math.inf
            ]
            for places in zip(found.tokens.tolist(), found.log_probs.tolist(), strict=True)
        ]

    def _covering(
        self, model: Seq2SeqModel, src: Tensor, found: Sequence[Sequence[Hypothesis]]
    ) -> list[list[Hypothesis]]:
        """The hypotheses found, in their order, with the coverage penalty in their scores."""
        return [
            [
                replace(hypothesis, score=hypothesis.score + self.coverage_penalty * coverage)
                for hypothesis, coverage in zip(own, values, strict=True)
            ]
            for own, values in zip(found, coverages(model, src, found), strict=True)
        ]


def _ranked(found: Sequence[Hypothesis], constraint: Constraint) -> list[Hypothesis]:
    """Best first, but hypotheses that lack less before others."""
    return sorted(found, key=lambda h: (len(constraint.missing(h.tokens)), -h.score))


def coverages(
    model: Seq2SeqModel, src: Tensor, found: Sequence[Sequence[Hypothesis]]
) -> list[list[float]]:
    """sum_i log(min(sum_j a_ij, 1)) of each hypothesis of each row of src (B, S): 0 at best.

    Wu et al. (2016), eq. 14, without its factor. a_ij is how much target token j attends to source
    token i, EOS counted in both: the mean over layers and heads.

    Raises ValueError where the model attends to nothing.
    """
    encoded = model.encode(src)
    by_rank = [
        _coverage(model, encoded, [own[rank] if rank < len(own) else None for own in found])
        for rank in range(max(map(len, found)))
    ]
    return [[by_rank[rank][row] for rank in range(len(own))] for row, own in enumerate(found)]


def _coverage(
    model: Seq2SeqModel, encoded: Encoded, hypotheses: Sequence[Hypothesis | None]
) -> list[float]:
    """Of one hypothesis a sentence; without meaning where there is None."""
    produced = [0 if h is None else len(h.tokens) + h.finished for h in hypotheses]
    read = [
        torch.tensor([BOS, *(() if h is None else h.tokens)][: max(1, length)])
        for h, length in zip(hypotheses, produced, strict=True)
    ]
    device = encoded.mask.device
    try:
        weights = model.attend(pad_sequence(read, True, PAD).to(device), encoded)
    except NoAlignment as error:
        raise ValueError(
            f"coverage_penalty needs a model that attends to its source: {error}; set it to 0"
        ) from error
    places = torch.arange(weights.shape[-2], device=device)
    real = places < torch.tensor(produced, device=device).unsqueeze(1)  # (B, T)
    attended = (weights.mean(dim=(1, 2)) * real.unsqueeze(-1)).sum(dim=1)  # (B, S)
    least = torch.finfo(
        attended.dtype
    ).tiny  # a token left out is the worst, but no reason to give up
    logs = attended.clamp(least, 1.0).log().masked_fill(~encoded.mask, 0.0)
    values: list[float] = logs.sum(dim=1).tolist()
    return values
