"""What one sentence's translation must begin with, contain, and avoid."""

from collections.abc import Sequence
from dataclasses import dataclass

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
