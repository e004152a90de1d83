"""Random segmentations that depend on the seed alone.

SentencePiece can sample too, but it salts its generator in every process, whatever the seed
(0.2.3): a training run with it could not be repeated or faithfully resumed.

No piece crosses a space: the words of a line are segmented one by one.
"""

import math
import random
import re
from bisect import bisect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, chain, islice

import numpy as np
import sentencepiece as spm

from nmt import checks
from nmt.tokenizer.bpe_dropout import BPEDropout, Ints
from nmt.tokenizer.model_file import kind_of, scores_of, symbols_of
from nmt.tokenizer.pieces import BYTES, SPACE_MARK

_LINES = 16384  # segmented at once
_LATTICES = 50_000  # words whose lattices are kept at most: a large corpus has millions


def sample(
    model: spm.SentencePieceProcessor, lines: Iterable[str], sampling: float, seed: Sequence[int]
) -> Iterator[list[int]]:
    """Ids of a random segmentation of each line in turn; lines are escaped.

    sampling: above 0 and below 1, else ValueError; with BPE the probability of dropping a merge,
        with unigram the exponent alpha.
    """
    if checks.probability("sampling", sampling) == 0:
        raise ValueError("sampling=0 leaves nothing to draw")
    check_can_sample(model)
    scores, symbols = scores_of(model), symbols_of(model)
    ids = {piece: model.piece_to_id(piece) for piece in [*scores, *symbols]}
    segment: Callable[[list[str]], tuple[Ints, Ints]]
    if kind_of(model) == "bpe":
        segment = BPEDropout(scores, ids, sampling, seed)
    else:
        segment = UnigramSampling(scores, ids, sampling, seed)
    longest_first = sorted(symbols, key=len, reverse=True)
    symbol = re.compile("|".join(map(re.escape, longest_first)) or "(?!)")
    words = re.compile(f"{SPACE_MARK}[^{SPACE_MARK}]*|[^{SPACE_MARK}]+").findall

    def parts(text: str) -> list[str]:
        """Words and symbols."""
        found, done = [], 0
        for one in symbol.finditer(text):
            found += [*words(text[done : one.start()]), one[0]]
            done = one.end()
        return found + words(text[done:])

    def sampled(remaining: Iterator[str]) -> Iterator[list[int]]:
        while block := [parts(model.normalize(line)) for line in islice(remaining, _LINES)]:
            found, sizes = segment(list(chain.from_iterable(block)))
            ends = np.concatenate([[0], np.cumsum(sizes)])[np.cumsum(list(map(len, block)))]
            yield from (row.tolist() for row in np.split(found, ends)[: len(block)])

    return sampled(iter(lines))


def check_can_sample(model: spm.SentencePieceProcessor) -> None:
    """ValueError for a model of a type that knows no other segmentations, or with pieces that cross
    spaces."""
    if (kind := kind_of(model)) not in ("bpe", "unigram"):
        raise checks.OptionError(
            f"{checks.field('sampling')} works with models of type bpe and unigram, this one is of"
            f" type {kind}: set it to 0"
        )
    if across := next((piece for piece in scores_of(model) if SPACE_MARK in piece[1:]), None):
        raise checks.OptionError(
            f"{checks.field('sampling')} works with models whose pieces cross no space, this one"
            f" has {across!r}: set it to 0"
        )


class UnigramSampling:
    """Draws segmentations with probability proportional to P(segmentation) ** alpha.

    Kudo 2018, section 3.2, with infinite l: forward filtering and backward sampling.
    """

    def __init__(
        self,
        scores: Mapping[str, float],
        ids: Mapping[str, int],
        alpha: float,
        seed: Sequence[int],
    ) -> None:
        """scores: log-probability of each piece. ids: as in ``BPEDropout``."""
        self._scores, self._ids = scores, ids
        self._alpha = alpha
        self._random = random.Random(repr(list(seed))).random
        self._longest = max(map(len, scores))
        self._lattices: dict[str, list[tuple[list[int], list[float]]]] = {}

    def __call__(self, words: Sequence[str]) -> tuple[Ints, Ints]:
        """The ids of all words, one after the other, and how many each has."""
        every = [self._drawn(word) for word in words]
        flat = np.fromiter(chain.from_iterable(every), np.int64)
        return flat, np.array(list(map(len, every)), np.int64)

    def _drawn(self, word: str) -> list[int]:
        if word in self._ids and word not in self._scores:
            return [self._ids[word]]  # a symbol
        return [one for piece in self._cut(word) for one in self._spelled(piece)]

    def _spelled(self, piece: str) -> list[int]:
        """The id of a piece; those of its bytes if it has none."""
        known = self._ids.get(piece)
        return [BYTES[byte] for byte in piece.encode()] if known is None else [known]

    def _cut(self, word: str) -> list[str]:
        if (lattice := self._lattices.get(word)) is None:
            if len(self._lattices) == _LATTICES:
                self._lattices.clear()
            lattice = self._lattices[word] = self._lattice(word)
        pieces = []
        end = len(word)
        while end > 0:
            starts, cumulative = lattice[end]
            start = starts[bisect(cumulative, self._random() * cumulative[-1], 0, len(starts) - 1)]
            pieces.append(word[start:end])
            end = start
        return pieces[::-1]

    def _lattice(self, word: str) -> list[tuple[list[int], list[float]]]:
        """The possible starts of the piece at each end, and their cumulated probabilities."""
        lattice: list[tuple[list[int], list[float]]] = [([], [])]
        log_totals = [0.0]  # of all segmentations of word[:end]
        for end in range(1, len(word) + 1):
            starts, weights = [], []
            for start in range(max(0, end - self._longest), end):
                score = self._scores.get(word[start:end])
                if score is None and start == end - 1:
                    score = 0.0  # an unknown character is a piece of its own
                if score is not None:
                    starts.append(start)
                    weights.append(log_totals[start] + self._alpha * score)
            highest = max(weights)
            exponentials = [math.exp(weight - highest) for weight in weights]
            cumulative = list(accumulate(exponentials))
            lattice.append((starts, cumulative))
            log_totals.append(highest + math.log(cumulative[-1]))
        return lattice
