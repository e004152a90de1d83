"""Phrases that a translation has to contain, and how far each hypothesis has come with them.

Dims: B sentences still in the batch, K hypotheses a sentence, R most required phrases, L longest,
A most distinct tokens of them, N candidates a sentence, V target vocabulary.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from nmt.search.constraint import Constraint, Phrase
from nmt.search.ranking import along_beam
from nmt.tokenizer import EOS, PAD


@dataclass(frozen=True)
class Requirements:
    """Dynamic beam allocation (Post and Vilar 2018): room for hypotheses at every stage.

    Probability alone would crowd out hypotheses that begin an unlikely phrase. So the tokens of
    required phrases are always candidates, and candidates are taken stage by stage in turn, where
    the stage of a hypothesis is how many tokens its complete phrases and the longest begun one
    have: first the best of each stage, the furthest stage first, then the second best of each, and
    so on. As some token takes every hypothesis to a later stage, a beam with a place for each
    stage finds all that is required, unless rules ban it.

    tokens: (B, A), PAD after.
    moves: (B, R, L + 1, A + 1), the progress of a phrase from a progress by a token: the first is
        any token that no phrase has, the others are ``tokens``. Progress is the number of the
        phrase's first tokens that the hypothesis ends with; once it is all, it stays.
    lengths: (B, R), 0 where a sentence requires fewer.
    progress: (B, K, R).
    """

    tokens: Tensor
    moves: Tensor
    lengths: Tensor
    progress: Tensor

    @classmethod
    def of(
        cls, constraints: Sequence[Constraint], size: int, device: torch.device
    ) -> "Requirements | None":
        """For ``size`` hypotheses a sentence, before any token; None where nothing is required."""
        phrases = [sorted(set(constraint.require)) for constraint in constraints]
        if not any(phrases):
            return None
        alphabets = [sorted({token for phrase in own for token in phrase}) for own in phrases]
        most = max(map(len, phrases))
        lengths = torch.zeros(len(phrases), most, dtype=torch.long)
        longest = max(len(phrase) for own in phrases for phrase in own)
        moves = torch.zeros(
            len(phrases), most, longest + 1, 1 + max(map(len, alphabets)), dtype=torch.long
        )
        for sentence, (own, alphabet) in enumerate(zip(phrases, alphabets, strict=True)):
            for place, phrase in enumerate(own):
                lengths[sentence, place] = len(phrase)
                table = torch.tensor(_moves(phrase, alphabet))
                moves[sentence, place, : table.shape[0], : table.shape[1]] = table
        tokens = pad_sequence([torch.tensor(a, dtype=torch.long) for a in alphabets], True, PAD)
        progress = lengths.new_zeros(len(phrases), size, most)
        return cls(*(tensor.to(device) for tensor in (tokens, moves, lengths, progress)))

    def select(self, sentences: Tensor) -> "Requirements":
        """Keep these sentences, (B',)."""
        return Requirements(
            self.tokens[sentences],
            self.moves[sentences],
            self.lengths[sentences],
            self.progress[sentences],
        )

    def advance(self, parents: Tensor, tokens: Tensor) -> "Requirements":
        """Hypothesis ``parents[b, k]`` continued by ``tokens[b, k]`` is hypothesis k, (B, K)."""
        return replace(self, progress=self._progress(parents, tokens))

    def continuations(self, log_probs: Tensor, size: int) -> tuple[Tensor, Tensor]:
        """The required tokens and the ``size`` likeliest others after each hypothesis.

        log_probs (B, K, V), in which EOS is banned, in place, after a hypothesis that does not
        hold all that is required -> log-probabilities and tokens, (B, K, A + size) each.
        """
        incomplete = self._stages(self.progress) < self.lengths.sum(dim=-1, keepdim=True)
        log_probs[..., EOS].masked_fill_(incomplete, -torch.inf)
        own = self.tokens.unsqueeze(1).expand(-1, log_probs.shape[1], -1)
        required = log_probs.gather(2, own)
        best, tokens = log_probs.scatter(2, own, -torch.inf).topk(size, dim=-1)
        return torch.cat([required, best], dim=-1), torch.cat([own, tokens], dim=-1)

    def first(self, totals: Tensor, tokens: Tensor, size: int) -> Tensor:
        """Which candidates come first when stages take turns, (B, size) places.

        totals, tokens: (B, N), the log-probability and the last token of each candidate, as many
        of the first hypothesis as of the second and so on, one after the other.
        """
        places = torch.arange(totals.shape[1], device=totals.device).expand_as(totals)
        parents = places // (totals.shape[1] // self.progress.shape[1])
        descending, order = totals.sort(dim=1, descending=True, stable=True)
        stage = self._stages(self._progress(parents, tokens)).gather(1, order)
        count = int(self.lengths.sum(dim=-1).max()) + 1
        rank = functional.one_hot(stage, count).cumsum(dim=1).gather(2, stage.unsqueeze(-1))
        turn = rank.squeeze(-1) * count - stage  # by rank within a stage, then the furthest first
        turn = turn.masked_fill(descending == -torch.inf, torch.iinfo(turn.dtype).max)
        return order.gather(1, turn.argsort(dim=1, stable=True)[:, :size])

    def _stages(self, progress: Tensor) -> Tensor:
        """progress (B, N, R) -> (B, N)."""
        complete = progress == self.lengths.unsqueeze(1)
        begun = progress.masked_fill(complete, 0).amax(dim=-1)
        return progress.where(complete, 0).sum(dim=-1) + begun

    def _progress(self, parents: Tensor, tokens: Tensor) -> Tensor:
        """Of hypotheses ``parents`` continued by ``tokens``, (B, N) each -> (B, N, R)."""
        numbers = torch.arange(1, self.tokens.shape[1] + 1, device=tokens.device)
        same = (tokens.unsqueeze(-1) == self.tokens.unsqueeze(1)) & (tokens != PAD).unsqueeze(-1)
        number = (same * numbers).amax(dim=-1)  # (B, N), 0 for no required token
        before = along_beam(self.progress, parents)  # (B, N, R)
        sentence = torch.arange(tokens.shape[0], device=tokens.device)[:, None, None]
        phrase = torch.arange(self.lengths.shape[1], device=tokens.device)
        return self.moves[sentence, phrase, before, number.unsqueeze(-1)]


def _moves(phrase: Phrase, alphabet: Sequence[int]) -> list[list[int]]:
    """[progress][number of the token, 0 for none of the alphabet] -> progress after it."""
    table = []
    for progress in range(len(phrase)):
        after = [(*phrase[:progress], token) for token in alphabet]
        table.append([0, *(_overlap(read, phrase) for read in after)])
    return [*table, [len(phrase)] * (1 + len(alphabet))]


def _overlap(read: Phrase, phrase: Phrase) -> int:
    """The most tokens that ``read`` ends with and ``phrase`` begins with."""
    sizes = range(len(read), 0, -1)
    return next((size for size in sizes if read[-size:] == phrase[:size]), 0)
