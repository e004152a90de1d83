"""What a translation must begin with, contain and avoid, and how search keeps to it.

Dims: B sentences still in the batch, K hypotheses a sentence, N candidates a sentence, V target
vocabulary.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from nmt.models.interface import PerSentence
from nmt.tokenizer import BOS, EOS, PAD

Phrase = tuple[int, ...]


@dataclass(frozen=True)
class Constraint:
    """Of one sentence, in target ids.

    prefix: what the translation begins with. It is followed even where ``forbid`` or
        ``no_repeat_ngram`` speak against it, and the length limit leaves room for it.
    require: phrases of which each has to occur, one token after the other without a gap; two of
        them may share tokens, and what the prefix holds counts. Beam search only.
    forbid: phrases none of which may occur.

    Raises ValueError for an empty phrase and for PAD, BOS or EOS in one.
    """

    prefix: Phrase = ()
    require: tuple[Phrase, ...] = ()
    forbid: tuple[Phrase, ...] = ()

    def __post_init__(self) -> None:
        for phrase in (*self.require, *self.forbid):
            if not phrase:
                raise ValueError("a required or forbidden phrase has no tokens: leave it out")
        for phrase in (self.prefix, *self.require, *self.forbid):
            if {PAD, BOS, EOS} & set(phrase):
                raise ValueError(
                    f"a constraint is made of text, without padding, beginning or end "
                    f"({PAD}, {BOS}, {EOS}), got {phrase}"
                )

    @property
    def required(self) -> int:
        """Tokens of all that is required."""
        return sum(map(len, set(self.require)))

    @property
    def least_limit(self) -> int:
        """Tokens that surely hold the prefix, all that is required, and EOS."""
        return len(self.prefix) + self.required + 1

    def missing(self, tokens: Phrase) -> tuple[Phrase, ...]:
        """What is required and does not occur in these tokens."""
        return tuple(phrase for phrase in self.require if not _occurs(phrase, tokens))


def each_constraint(given: Sequence[Constraint] | None, sentences: int) -> list[Constraint]:
    """One constraint a sentence, empty ones where none are given.

    Raises ValueError where there are more or fewer than sentences.
    """
    if given is None:
        return [Constraint()] * sentences
    if len(given) != sentences:
        raise ValueError(f"{sentences} sentences need one constraint each, got {len(given)}")
    return list(given)


def _occurs(phrase: Phrase, tokens: Phrase) -> bool:
    starts = range(len(tokens) - len(phrase) + 1)
    return any(tokens[start : start + len(phrase)] == phrase for start in starts)


_NOTHING = -1  # stands where a hypothesis has no token yet, and equals none


@dataclass(frozen=True)
class TokenBans(PerSentence):
    """Prefixes, forbidden phrases, and n-grams that may not come twice.

    EOS is banned within a prefix only: after it a hypothesis can always end.

    prefixes: (B, P), PAD after each.
    forbidden: (B, F, L), PAD before each, nothing but PAD where a sentence has fewer.
    no_repeat_ngram: n, 0 for none.
    """

    prefixes: Tensor
    forbidden: Tensor
    no_repeat_ngram: int

    @classmethod
    def of(
        cls, constraints: Sequence[Constraint], no_repeat_ngram: int, device: torch.device
    ) -> "TokenBans | None":
        """None where there is nothing to keep, so that nothing is paid for it."""
        if not no_repeat_ngram and not any(c.prefix or c.forbid for c in constraints):
            return None
        prefixes = [torch.tensor(c.prefix, dtype=torch.long) for c in constraints]
        return cls(
            pad_sequence(prefixes, True, PAD).to(device),
            _ending_together([c.forbid for c in constraints]).to(device),
            no_repeat_ngram,
        )

    def apply(self, scores: Tensor, tokens: Tensor) -> None:
        """Ban in place, by -inf, in scores (B, K, V) of what follows tokens (B, K, t)."""
        held, forced = self._forced(tokens)
        wanted = forced[:, None, None].expand(-1, tokens.shape[1], 1)
        kept = scores[held].gather(2, wanted)
        if self.forbidden.shape[1]:
            self._ban_ends_of_phrases(scores, tokens)
        if tokens.shape[-1] >= self.no_repeat_ngram > 0:
            self._ban_repetitions(scores, tokens)
        scores[held] = torch.full_like(scores[held], -torch.inf).scatter(2, wanted, kept)

    def _forced(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """The sentences whose prefix goes on, (B',), and each one's next token."""
        following = self.prefixes[:, tokens.shape[-1] :][:, :1]
        held, places = (following != PAD).nonzero(as_tuple=True)
        return held, following[held, places]

    def _ban_ends_of_phrases(self, scores: Tensor, tokens: Tensor) -> None:
        begins, ends = self.forbidden[..., :-1], self.forbidden[..., -1]
        latest = functional.pad(tokens, (begins.shape[-1], 0), value=_NOTHING)
        latest = latest[:, :, None, tokens.shape[-1] :]  # (B, K, 1, L - 1)
        begins = begins[:, None]  # (B, 1, F, L - 1)
        begun = ((begins == latest) | (begins == PAD)).all(dim=-1)
        sentence, hypothesis, phrase = begun.nonzero(as_tuple=True)
        scores[sentence, hypothesis, ends[sentence, phrase]] = -torch.inf

    def _ban_repetitions(self, scores: Tensor, tokens: Tensor) -> None:
        size = self.no_repeat_ngram
        ngrams = tokens.unfold(-1, size, 1)  # (B, K, t - n + 1, n)
        latest = tokens[:, :, None, tokens.shape[-1] - size + 1 :]  # (B, K, 1, n - 1)
        begun = (ngrams[..., :-1] == latest).all(dim=-1)
        sentence, hypothesis, place = begun.nonzero(as_tuple=True)
        scores[sentence, hypothesis, ngrams[sentence, hypothesis, place, -1]] = -torch.inf


def _ending_together(phrases: Sequence[Sequence[Phrase]]) -> Tensor:
    """Each sentence's phrases -> (B, F, L), PAD before each."""
    most = max(map(len, phrases))
    longest = max((len(phrase) for own in phrases for phrase in own), default=1)
    table = torch.full((len(phrases), most, longest), PAD)
    for sentence, own in enumerate(phrases):
        for place, phrase in enumerate(own):
            table[sentence, place, longest - len(phrase) :] = torch.tensor(phrase)
    return table


@dataclass(frozen=True)
class DynamicBeamAllocation(PerSentence):
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
    ) -> "DynamicBeamAllocation | None":
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

    def advance(self, parents: Tensor, tokens: Tensor) -> "DynamicBeamAllocation":
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


def along_beam(tokens: Tensor, places: Tensor) -> Tensor:
    """tokens (B, K, T) at places (B, K') of each sentence -> (B, K', T)."""
    return tokens.gather(1, places.unsqueeze(-1).expand(-1, -1, tokens.shape[-1]))
