"""What has to occur in a translation, as a finite automaton that reads it token by token."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from nmt.tokenizer import EOS

Phrase = tuple[int, ...]

_FAR = 10**6


@dataclass(frozen=True, eq=False)
class TokenPattern:
    """A finite automaton over target ids. It can wait for any of several spellings, and for what
    must stand before and after them.

    Reading begins in state 0. The last state means that the pattern is found, and is never left.
    EOS is read like any other token.

    classes: (W,), the class of each id; those from W on are of class 0.
    moves: (N, C), the next state from a state by a token of a class.
    preferred: the classes that a way to the last state is made of, where there is one; all by
        default. Search goes such ways, and finds others only if the model likes them.

    Raises ValueError where a state has no way to the last one.
    """

    classes: NDArray[np.int64]
    moves: NDArray[np.int64]
    preferred: Sequence[int] | None = None
    left: NDArray[np.int64] = field(init=False)
    """(N,), the fewest tokens from a state to the last one, on preferred ways."""

    def __post_init__(self) -> None:
        left = np.full(len(self.moves), _FAR)
        left[-1] = 0
        for columns in (self.preferred, range(self.moves.shape[1])):
            moves = self.moves[:, list(columns)] if columns is not None else self.moves
            while True:
                nearest = 1 + left[moves].min(axis=1, initial=_FAR)
                reached = (left == _FAR) & (nearest < _FAR)
                if not reached.any():
                    break
                left[reached] = nearest[reached]
        if left.max() == _FAR:
            raise ValueError("a required phrase cannot be spelt in the model's tokens")
        object.__setattr__(self, "left", left)

    @classmethod
    @lru_cache(maxsize=4096)
    def of_phrase(cls, phrase: Phrase) -> "TokenPattern":
        """These tokens, one after the other."""
        alphabet = sorted(set(phrase))
        classes = np.zeros(alphabet[-1] + 1, dtype=np.int64)
        classes[alphabet] = np.arange(1, len(alphabet) + 1)
        rows = [
            [0, *(_overlap((*phrase[:read], token), phrase) for token in alphabet)]
            for read in range(len(phrase))
        ]
        rows.append([len(phrase)] * (1 + len(alphabet)))
        return cls(classes, np.array(rows))

    @property
    def size(self) -> int:
        """Tokens with which it is surely found, whatever stands before."""
        return int(self.left.max())

    def found(self, tokens: Iterable[int]) -> bool:
        """Whether it is found in these tokens and the EOS after them."""
        state, last = 0, len(self.moves) - 1
        for token in (*tokens, EOS):
            if state == last:
                break
            state = self.moves[state, self.classes[token] if token < len(self.classes) else 0]
        return bool(state == last)


def _overlap(read: Phrase, phrase: Phrase) -> int:
    """The most tokens that ``read`` ends with and ``phrase`` begins with."""
    sizes = range(len(read), 0, -1)
    return next((size for size in sizes if read[-size:] == phrase[:size]), 0)
