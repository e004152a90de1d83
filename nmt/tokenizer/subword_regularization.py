"""Random segmentations that depend on the seed alone.

SentencePiece can sample too, but it salts its generator in every process, whatever the seed
(0.2.3): a training run with it could not be repeated or faithfully resumed.

No piece crosses a space: the words of a line are segmented one by one.
"""

import math
import random
from bisect import bisect
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate

import sentencepiece as spm

from nmt import checks
from nmt.tokenizer.pieces import SPACE_MARK, escape

_LATTICES = 50_000  # words whose lattices are kept at most: a large corpus has millions


def sample(
    model: spm.SentencePieceProcessor, lines: Iterable[str], sampling: float, seed: int | str
) -> Iterator[list[int]]:
    """Ids of a random segmentation of each line in turn.

    sampling: above 0 and below 1, else ValueError; with BPE the probability of dropping a merge,
        with unigram the exponent alpha.
    """
    if checks.probability("sampling", sampling) == 0:
        raise ValueError("sampling=0 leaves nothing to draw")
    tokens = range(len(model))
    ids = {
        model.id_to_piece(token): [token]
        for token in tokens
        if not (model.is_byte(token) or model.is_control(token) or model.is_unknown(token))
    }
    byte_ids = [model.piece_to_id(f"<0x{byte:02X}>") for byte in range(256)]
    scores = {piece: model.get_score(token) for piece, (token,) in ids.items()}
    rng = random.Random(seed)
    segment: Callable[[str], Sequence[str]]
    if all(score == -rank for rank, score in enumerate(scores.values())):
        segment = BPEDropout(scores, sampling, rng)  # BPE's scores count the merges
    else:
        segment = UnigramSampling(scores, sampling, rng)

    def encode(line: str) -> list[int]:
        return [
            token
            for word in line.split(" ")
            for piece in segment(SPACE_MARK + word)
            for token in ids.get(piece) or [byte_ids[byte] for byte in piece.encode()]
        ]

    return (encode(line) if line else [] for line in escape(lines))


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
