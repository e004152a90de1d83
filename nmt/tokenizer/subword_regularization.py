"""Random segmentations that depend on the seed alone.

SentencePiece can sample too, but it salts its generator in every process, whatever the seed
(0.2.3): a training run with it could not be repeated or faithfully resumed.

No piece crosses a space: the words of a line are segmented one by one.
"""

import math
import random
import re
from bisect import bisect
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate

import sentencepiece as spm

from nmt import checks
from nmt.tokenizer.model_file import kind_of, scores_of, symbols_of
from nmt.tokenizer.pieces import BYTES, SPACE_MARK

_LATTICES = 50_000  # words whose lattices are kept at most: a large corpus has millions


def sample(
    model: spm.SentencePieceProcessor, lines: Iterable[str], sampling: float, seed: int | str
) -> Iterator[list[int]]:
    """Ids of a random segmentation of each line in turn; lines are escaped.

    sampling: above 0 and below 1, else ValueError; with BPE the probability of dropping a merge,
        with unigram the exponent alpha.
    """
    if checks.probability("sampling", sampling) == 0:
        raise ValueError("sampling=0 leaves nothing to draw")
    check_can_sample(model)
    scores, symbols = scores_of(model), symbols_of(model)
    rng = random.Random(seed)
    segment: Callable[[str], Sequence[str]]
    if kind_of(model) == "bpe":
        segment = BPEDropout(scores, sampling, rng)
    else:
        segment = UnigramSampling(scores, sampling, rng)
    ids = {piece: [model.piece_to_id(piece)] for piece in [*scores, *symbols]}
    longest_first = sorted(symbols, key=len, reverse=True)
    symbol = re.compile("|".join(map(re.escape, longest_first)) or "(?!)")
    words = re.compile(f"{SPACE_MARK}[^{SPACE_MARK}]*|[^{SPACE_MARK}]+").findall

    def pieces(text: str) -> Iterator[Sequence[str]]:
        done = 0
        for found in symbol.finditer(text):
            yield from map(segment, words(text[done : found.start()]))
            yield [found[0]]
            done = found.end()
        yield from map(segment, words(text[done:]))

    def encode(line: str) -> list[int]:
        return [
            token
            for word in pieces(model.normalize(line))
            for piece in word
            for token in ids.get(piece) or [BYTES[byte] for byte in piece.encode()]
        ]

    return map(encode, lines)


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


class BPEDropout:
    """Merges pieces as BPE does, but at every step drops each possible merge with a probability
    (Provilkov et al. 2020, algorithm 1)."""

    def __init__(self, scores: dict[str, float], dropout: float, rng: random.Random) -> None:
        """scores: of each piece; the merge into the piece with the highest score comes first."""
        self._scores = scores
        self._dropout = dropout
        self._random = rng.random

    def __call__(self, word: str) -> list[str]:
        scores, dropout, draw = self._scores, self._dropout, self._random
        pieces = list(word)
        while True:
            best, place = -math.inf, -1
            for left in range(len(pieces) - 1):
                score = scores.get(pieces[left] + pieces[left + 1])
                # Only a merge that would be chosen needs a draw.
                if score is not None and score > best and draw() >= dropout:
                    best, place = score, left
            if place < 0:
                return pieces
            pieces[place : place + 2] = [pieces[place] + pieces[place + 1]]


class UnigramSampling:
    """Draws segmentations with probability proportional to P(segmentation) ** alpha.

    Kudo 2018, section 3.2, with infinite l: forward filtering and backward sampling.
    """

    def __init__(self, scores: dict[str, float], alpha: float, rng: random.Random) -> None:
        """scores: log-probability of each piece."""
        self._scores = scores
        self._alpha = alpha
        self._random = rng.random
        self._longest = max(map(len, scores))
        self._lattices: dict[str, list[tuple[list[int], list[float]]]] = {}

    def __call__(self, word: str) -> list[str]:
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
