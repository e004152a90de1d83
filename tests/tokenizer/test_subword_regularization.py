"""Sampled segmentations are drawn from the distributions of the papers."""

import math
from collections import Counter
from collections.abc import Iterable

import numpy as np
import pytest

from nmt.tokenizer.bpe_dropout import BPEDropout
from nmt.tokenizer.subword_regularization import UnigramSampling
from tests.tokenizer.test_tokenizer import CORPUS, HOSTILE, SRC, learn, sampled

DRAWS = 4000
# Four standard deviations of a frequency: the seeds are fixed, so a test passes always or never.
MARGIN = 4 * math.sqrt(0.25 / DRAWS)


def segmentations(word: str) -> list[tuple[str, ...]]:
    """All ways to cut a word."""
    if not word:
        return [()]
    return [
        (word[:end], *rest) for end in range(1, len(word) + 1) for rest in segmentations(word[end:])
    ]


FIRST = 260


def numbered(pieces: Iterable[str]) -> dict[str, int]:
    return {piece: number for number, piece in enumerate(pieces, FIRST)}


def counted(
    draw: BPEDropout | UnigramSampling, word: str, pieces: Iterable[str]
) -> Counter[tuple[str, ...]]:
    """How often each segmentation is drawn; another word stands between."""
    ids, sizes = draw([word, "b"] * DRAWS)
    rows = np.split(ids, np.cumsum(sizes)[:-1])
    text = dict(enumerate(pieces, FIRST))
    assert all([text[one] for one in row] == ["b"] for row in rows[1::2])
    return Counter(tuple(text[one] for one in row.tolist()) for row in rows[::2])


@pytest.mark.parametrize("alpha", [0.05, 0.5, 1.0])
def test_unigram_sampling_draws_by_smoothed_probability(alpha: float) -> None:
    scores = {"a": -2.0, "b": -3.0, "c": -2.5, "ab": -3.5, "bc": -5.0, "abc": -6.0, "ca": -1.0}
    word = "abca"
    weights = {
        pieces: math.exp(alpha * sum(scores[piece] for piece in pieces))
        for pieces in segmentations(word)
        if all(piece in scores for piece in pieces)
    }
    drawn = counted(UnigramSampling(scores, numbered(scores), alpha, [1]), word, scores)
    assert set(drawn) <= set(weights)
    for pieces, weight in weights.items():
        expected = weight / sum(weights.values())
        assert drawn[pieces] / DRAWS == pytest.approx(expected, abs=MARGIN)


def test_unigram_sampling_knows_no_underflow() -> None:
    scores = {"a": -9.0, "b": -9.0, "ab": -20.0}
    ids, sizes = UnigramSampling(scores, numbered(scores), 1.0, [1])(["ab" * 2000])
    assert "".join(list(scores)[one - FIRST] for one in ids) == "ab" * 2000
    assert sizes.tolist() == [len(ids)]


@pytest.mark.parametrize("dropout", [0.1, 0.5, 0.9])
def test_bpe_dropout_drops_each_merge_at_each_step(dropout: float) -> None:
    """The distribution worked out by hand for a word of three letters and three merges."""
    scores = {"ab": 0.0, "bc": -1.0, "abc": -2.0, "a": -3.0, "b": -4.0, "c": -5.0}
    keep = 1 - dropout
    expected = {
        ("abc",): (keep + dropout * keep) * keep,
        ("ab", "c"): keep * dropout,
        ("a", "bc"): dropout * keep * dropout,
        ("a", "b", "c"): dropout * dropout,
    }
    assert sum(expected.values()) == pytest.approx(1)
    pieces = list(scores)
    drawn = counted(BPEDropout(scores, numbered(pieces), dropout, [1]), "abc", pieces)
    for pieces, probability in expected.items():
        assert drawn[pieces] / DRAWS == pytest.approx(probability, abs=MARGIN)


def test_the_less_is_dropped_the_nearer_to_the_best_segmentation() -> None:
    tokenizer = learn(CORPUS, kind="bpe", vocab_size=330, joint=True)
    best = tokenizer.encode_src(HOSTILE + SRC)
    assert sampled(tokenizer, HOSTILE + SRC, 1e-12) == best
    lengths = [sum(map(len, sampled(tokenizer, SRC, sampling))) for sampling in (1e-12, 0.1, 0.5)]
    assert lengths == sorted(set(lengths))
    torn = sampled(tokenizer, SRC, 1 - 1e-12)
    assert [len(ids) for ids in torn] == [len(line) + 1 for line in SRC]


def test_unigram_sampling_is_wilder_with_a_smaller_exponent() -> None:
    tokenizer = learn(CORPUS, kind="unigram", vocab_size=330, joint=True)
    lengths = [
        sum(map(len, sampled(tokenizer, SRC, sampling))) for sampling in (0.02, 0.1, 0.3, 0.9)
    ]
    assert lengths == sorted(set(lengths), reverse=True)


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_sampling_keeps_to_the_vocabulary_of_its_model(kind: str) -> None:
    """Whatever way a line is cut, it is cut into pieces that are text, and all are reached."""
    tokenizer = learn(CORPUS, kind=kind, vocab_size=330, joint=True)
    ids = [token for line in sampled(tokenizer, SRC * 3, 0.2) for token in line]
    pieces = tokenizer.src_pieces(sorted(set(ids)))
    assert not [piece for piece in pieces if piece.startswith("<")]
    unsampled = {token for line in tokenizer.encode_src(SRC) for token in line}
    assert unsampled < set(ids)
