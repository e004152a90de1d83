"""What the searches that come with nmt have in common: limits, rules, and one token at a time.

Dims: B sentences, K hypotheses a sentence, S source tokens, T longest limit, V target vocabulary.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from nmt.checks import non_negative_int, positive
from nmt.models.interface import Encoded, Seq2SeqModel
from nmt.search.constraint import Constraint
from nmt.search.distribution import Distribution
from nmt.search.hypothesis import Hypothesis, Search, read_hypothesis
from nmt.search.rules import Rules
from nmt.tokenizer import BOS, EOS, PAD

# what may come next (B', K, V), the sentences it is of (B',), the place of the next token
# -> its log-probability and the token, (B', K) each
Choice = Callable[[Distribution, Tensor, int], tuple[Tensor, Tensor]]


@dataclass(frozen=True, kw_only=True)
class LimitedSearch(Search):
    """A search that ends.

    A sentence of S source tokens (EOS counted) may become up to floor(max_length * S) +
    extra_length target tokens (EOS counted), more only where its constraints need more.

    no_repeat_ngram: no n tokens in a row come twice in a hypothesis; 0 lets everything repeat.
    """

    max_length: float = 2.0
    extra_length: int = 10
    no_repeat_ngram: int = 0

    def __post_init__(self) -> None:
        positive("search.max_length", self.max_length)
        non_negative_int("search.extra_length", self.extra_length)
        non_negative_int("search.no_repeat_ngram", self.no_repeat_ngram)

    def limits(self, encoded: Encoded, constraints: Sequence[Constraint]) -> Tensor:
        """(B,) most tokens a hypothesis may have, EOS included, from its own sentence alone."""
        lengths = encoded.mask.sum(dim=1).tolist()
        limits = [
            max(int(self.max_length * length) + self.extra_length, constraint.least_limit)
            for length, constraint in zip(lengths, constraints, strict=True)
        ]
        return torch.tensor(limits, device=encoded.mask.device)

    def rules(self, constraints: Sequence[Constraint], device: torch.device) -> Rules | None:
        """What bans tokens, None for nothing."""
        return Rules.of(constraints, self.no_repeat_ngram, device)

    def follow(
        self,
        model: Seq2SeqModel,
        src: Tensor,
        constraints: Sequence[Constraint],
        choose: Choice,
        *,
        size: int = 1,
    ) -> list[list[Hypothesis]]:
        """``size`` hypotheses a sentence, each continued by what ``choose`` says, on its own.

        Raises ValueError where something is required: nothing would look for it.
        """
        if any(constraint.require for constraint in constraints):
            raise ValueError(
                f"{type(self).__name__} cannot look for required phrases: use search=beam"
            )
        encoded = model.encode(src)
        memory, state = model.start(encoded, size)
        limits, rules = self.limits(encoded, constraints), self.rules(constraints, src.device)
        produced = src.new_full((src.shape[0], size, int(limits.max())), PAD)
        totals = torch.zeros(src.shape[0], size, device=src.device)
        sentences = torch.arange(src.shape[0], device=src.device)  # those still in the batch
        tokens = torch.full_like(produced[..., 0], BOS)
        live = torch.ones_like(tokens, dtype=torch.bool)
        for place in range(produced.shape[-1]):
            logits, state = model.step(tokens, memory, state)
            following = Distribution.of(logits)
            if rules is not None:
                rules.apply(following.scores, produced[sentences, :, :place])
            chosen, tokens = choose(following, sentences, place)
            tokens = tokens.where(live, PAD)
            totals[sentences] += chosen.where(live, 0.0)
            produced[sentences, :, place] = tokens
            live = live & (tokens != EOS) & (limits > place + 1).unsqueeze(1)
            stay = live.any(dim=1).nonzero()[:, 0]
            if len(stay) == 0:
                break
            if worth_leaving(len(sentences), len(stay)):
                sentences, limits = sentences[stay], limits[stay]
                tokens, live = tokens[stay], live[stay]
                memory, state = memory.select(stay), state.select(stay)
                rules = None if rules is None else rules.select(stay)
        return [
            [
                read_hypothesis(row, log_prob, length_penalty=1.0)
                for row, log_prob in zip(*hypotheses, strict=True)
            ]
            for hypotheses in zip(produced.tolist(), totals.tolist(), strict=True)
        ]


def worth_leaving(sentences: int, unfinished: int) -> bool:
    """Whether the finished sentences should leave the batch now.

    Taking them out copies what is kept of the others, so it is done for an eighth at a time.
    """
    return unfinished <= sentences * 7 / 8
