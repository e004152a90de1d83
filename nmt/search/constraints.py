"""What a translation must begin with, contain and avoid, and how search keeps to prefixes and bans.

Dims: B sentences still in the batch, K hypotheses a sentence, V target vocabulary.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from nmt.models.interface import PerSentence
from nmt.search.token_patterns import Phrase, TokenPattern
from nmt.tokenizer import BOS, EOS, PAD

Requirement = Phrase | tuple[TokenPattern, ...]
"""A phrase, or patterns of which one has to be found."""


@dataclass(frozen=True)
class Constraint:
    """Of one sentence, in target ids.

    prefix: what the translation begins with. It is followed even where ``forbid`` or
        ``no_repeat_ngram`` speak against it, and the length limit leaves room for it.
    require: what has to occur: phrases, one token after the other without a gap, or alternatives.
        Two requirements may share tokens, and what the prefix holds counts. Beam search only.
    forbid: phrases none of which may occur.

    Raises ValueError for an empty phrase and for PAD, BOS or EOS in one.
    """

    prefix: Phrase = ()
    require: tuple[Requirement, ...] = ()
    forbid: tuple[Phrase, ...] = ()

    def __post_init__(self) -> None:
        phrases = [*filter(is_phrase, self.require), *self.forbid]
        for phrase in phrases:
            if not phrase:
                raise ValueError("a required or forbidden phrase has no tokens: leave it out")
        for phrase in (self.prefix, *phrases):
            if {PAD, BOS, EOS} & set(phrase):
                raise ValueError(
                    f"a constraint is made of text, without padding, beginning or end "
                    f"({PAD}, {BOS}, {EOS}), got {phrase}"
                )

    @property
    def requirements(self) -> tuple[tuple[TokenPattern, ...], ...]:
        """All that is required, as patterns."""
        return tuple(map(_patterns, dict.fromkeys(self.require)))

    @property
    def required(self) -> int:
        """Tokens of all that is required."""
        return sum(max(one.size for one in each) for each in self.requirements)

    @property
    def least_limit(self) -> int:
        """Tokens that surely hold the prefix, all that is required, and EOS."""
        return len(self.prefix) + self.required + 1

    def missing(self, tokens: Phrase) -> tuple[Requirement, ...]:
        """What is required and does not occur in these tokens."""
        return tuple(
            each
            for each in self.require
            if not any(pattern.found(tokens) for pattern in _patterns(each))
        )


def is_phrase(requirement: Requirement) -> bool:
    """Whether these are tokens, not patterns."""
    return not requirement or isinstance(requirement[0], int)


def _patterns(requirement: Requirement) -> tuple[TokenPattern, ...]:
    if isinstance(requirement[0], int):
        return (TokenPattern.of_phrase(requirement),)
    return requirement


def each_constraint(given: Sequence[Constraint] | None, sentences: int) -> list[Constraint]:
    """One constraint a sentence, empty ones where none are given.

    Raises ValueError where there are more or fewer than sentences.
    """
    if given is None:
        return [Constraint()] * sentences
    if len(given) != sentences:
        raise ValueError(f"{sentences} sentences need one constraint each, got {len(given)}")
    return list(given)


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
