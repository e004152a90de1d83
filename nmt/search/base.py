"""What every search is given and finds, and what the searches that come with nmt have in common.

Dims: B sentences, K hypotheses a sentence, S source tokens, T longest limit, V target vocabulary,
N blocks of W tokens.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from nmt.checks import non_negative_int, positive
from nmt.models.interface import Encoded, Seq2SeqModel
from nmt.parallel import go_on
from nmt.search.constraints import Constraint, TokenBans
from nmt.tokenizer import BOS, EOS, PAD


@dataclass(frozen=True)
class Hypothesis:
    """One translation of one sentence, in target ids.

    tokens: without BOS and EOS.
    log_prob: log p(tokens, EOS | source), natural logarithm; without EOS where not finished.
    score: log_prob / length ** length_penalty, where the length counts EOS; with a coverage penalty
        more is added (``coverages`` in search/beam.py).
    finished: False = it reached the limit before the model ended it.
    """

    tokens: tuple[int, ...]
    log_prob: float
    score: float
    finished: bool


class Search(ABC):
    """Finds likely translations. Knows of a model only what ``models.interface`` says."""

    @property
    def most_hypotheses(self) -> int:
        """How many hypotheses a sentence gets at most."""
        return 1

    @property
    def finds_required(self) -> bool:
        """Whether it looks for what constraints require."""
        return True

    @abstractmethod
    def __call__(
        self, model: Seq2SeqModel, src: Tensor, constraints: Sequence[Constraint] | None = None
    ) -> list[list[Hypothesis]]:
        """src: (B, S) ids with EOS, right-padded -> each sentence's hypotheses, best first.

        constraints: one a sentence; None for none at all.

        Every sentence gets at least one, and none depends on the other sentences of the batch.
        The caller puts the model into evaluation mode, and may search for other sentences in other
        threads meanwhile. Raises ValueError for constraints that
        this search cannot keep.
        """


def read_hypothesis(row: Sequence[int], log_prob: float, length_penalty: float) -> Hypothesis:
    """row: tokens, then EOS where the model ended it, then PAD.

    Raises ValueError for a log-probability that is no finite number.
    """
    if not math.isfinite(log_prob):
        raise ValueError(
            "the model gives probabilities that are not numbers (NaN): its weights are spoilt, "
            "as by a training that diverged; train with a lower learning rate"
        )
    length = row.index(PAD) if PAD in row else len(row)
    finished = length > 0 and row[length - 1] == EOS
    tokens = tuple(row[: length - finished])
    return Hypothesis(tokens, log_prob, log_prob / max(1, length) ** length_penalty, finished)


BLOCK = 160  # tokens: the fastest of 40 to 320 at vocabularies of 6,000 to 32,000


class Distribution(NamedTuple):
    """The next tokens of hypotheses.

    scores: (B, K, V), log p in float32, -inf for PAD, BOS and banned tokens. They are not
        renormalised without these: a hypothesis keeps the probability that the model gives it.
    """

    scores: Tensor

    @classmethod
    def of(cls, logits: Tensor) -> "Distribution":
        """logits (B, K, V)."""
        scores = logits.float().log_softmax(dim=-1)  # logsumexp takes half as long again
        scores[..., PAD] = -torch.inf
        scores[..., BOS] = -torch.inf
        return cls(scores)

    def continuations(self, log_probs: Tensor, size: int) -> tuple[Tensor, Tensor]:
        """The ``size`` likeliest continuations by one token of hypotheses with log_probs (B, K).

        Returns their log-probabilities, descending, and their places in K * V, (B, size) each, or
        fewer if there are not so many. Equally likely ones stand in any order.
        """
        return highest(self.scores, log_probs, size)

    def likeliest(self) -> tuple[Tensor, Tensor]:
        """The likeliest next token of each: its log-probability and itself, (B, K) each."""
        rows = self.scores.flatten(0, 1).unsqueeze(1)
        best, tokens = highest(rows, rows.new_zeros(len(rows), 1), 1)
        return best.view(self.scores.shape[:2]), tokens.view(self.scores.shape[:2])


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


# Next tokens (B', K, V) of sentences (B',), their place in the hypothesis -> log-probabilities and
# tokens, (B', K) each.
Choice = Callable[[Distribution, Tensor, int], tuple[Tensor, Tensor]]


@dataclass(frozen=True, kw_only=True)
class SearchBase(Search):
    """What greedy search, beam search and sampling share: the length limit and banned tokens.

    A sentence of S source tokens (EOS counted) may become up to floor(max_length * S) +
    extra_length target tokens (EOS counted), more only where its constraints need more.

    no_repeat_ngram: no n tokens in a row come twice in a hypothesis; 0 lets everything repeat.
    """

    max_length: float = 2.0
    extra_length: int = 10
    no_repeat_ngram: int = 0

    def __post_init__(self) -> None:
        positive("max_length", self.max_length)
        non_negative_int("extra_length", self.extra_length)
        non_negative_int("no_repeat_ngram", self.no_repeat_ngram)

    @property
    def finds_required(self) -> bool:
        return False

    def limits(self, encoded: Encoded, constraints: Sequence[Constraint]) -> Tensor:
        """(B,) most tokens a hypothesis may have, EOS included, from its own sentence alone."""
        lengths = encoded.mask.sum(dim=1).tolist()
        limits = [
            max(int(self.max_length * length) + self.extra_length, constraint.least_limit)
            for length, constraint in zip(lengths, constraints, strict=True)
        ]
        return torch.tensor(limits, device=encoded.mask.device)

    def follow(
        self,
        model: Seq2SeqModel,
        src: Tensor,
        constraints: Sequence[Constraint],
        choose: Choice,
        *,
        size: int = 1,
    ) -> list[list[Hypothesis]]:
        """Continue ``size`` hypotheses a sentence by the tokens that ``choose`` gives.

        Raises ValueError for required phrases, which only beam search looks for.
        """
        if any(constraint.require for constraint in constraints):
            raise ValueError(
                f"{type(self).__name__} cannot look for required phrases: use search=beam"
            )
        encoded = model.encode(src)
        memory, state = model.start(encoded, size)
        limits = self.limits(encoded, constraints)
        bans = TokenBans.of(constraints, self.no_repeat_ngram, src.device)
        produced = src.new_full((src.shape[0], size, int(limits.max())), PAD)
        totals = torch.zeros(src.shape[0], size, device=src.device)
        sentences = torch.arange(src.shape[0], device=src.device)  # those still in the batch
        tokens = torch.full_like(produced[..., 0], BOS)
        live = torch.ones_like(tokens, dtype=torch.bool)
        for place in range(produced.shape[-1]):
            go_on()
            logits, state = model.step(tokens, memory, state)
            following = Distribution.of(logits)
            if bans is not None:
                bans.apply(following.scores, produced[sentences, :, :place])
            chosen, tokens = choose(following, sentences, place)
            tokens = tokens.where(live, PAD)
            totals[sentences] += chosen.where(live, 0.0)
            produced[sentences, :, place] = tokens
            live = live & (tokens != EOS) & (limits > place + 1).unsqueeze(1)
            if not looks(place, src.device):
                continue
            stay = live.any(dim=1).nonzero()[:, 0]
            if len(stay) == 0:
                break
            if worth_leaving(len(sentences), len(stay)):
                sentences, limits = sentences[stay], limits[stay]
                tokens, live = tokens[stay], live[stay]
                memory, state = memory.select(stay), state.select(stay)
                bans = None if bans is None else bans.select(stay)
        return [
            [
                read_hypothesis(row, log_prob, length_penalty=1.0)
                for row, log_prob in zip(*hypotheses, strict=True)
            ]
            for hypotheses in zip(produced.tolist(), totals.tolist(), strict=True)
        ]


def looks(step: int, device: torch.device) -> bool:
    """Whether it is time to look which sentences have ended: a GPU has to be waited for then, and
    would have nothing to do meanwhile."""
    return device.type == "cpu" or step % 8 == 7


def worth_leaving(sentences: int, unfinished: int) -> bool:
    """Whether the finished sentences leave the batch now: once they are an eighth of it, as the
    state of the others has to be copied."""
    return unfinished <= sentences * 7 / 8
