"""What attention does in a pair, in figures: coverage, entropy, agreement with what matters.

Dims: W target words, V source words.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nmt.evaluation.alignment_error import Counts
from nmt.evaluation.buckets import buckets

OVER, UNDER = 2.0, 0.2
"""A source word is attended to too much, or hardly, where all target words together give it more or
less than this."""


@dataclass(frozen=True, kw_only=True)
class PairFigures:
    """The figures of a pair; None where a side has no words, or where it was not asked for.

    id: number of the line. over, under: share of the source words that are attended to more than
    2 times, less than 0.2 times. entropy: of a target word's attention over source words and the
    end, in bits, the mean over target words. agreement: share of the target words whose most
    attended source word is the one without which they are least likely; tau: Kendall's rank
    correlation (tau-b) of both, the mean over target words. chance: 1 / V, the agreement of chance.
    links: of the alignment, compared with those of people.
    """

    id: int
    src_words: int
    tgt_words: int
    over: float | None = None
    under: float | None = None
    entropy: float | None = None
    agreement: float | None = None
    chance: float | None = None
    tau: float | None = None
    links: Counts | None = None

    def row(self) -> dict[str, Any]:
        """For JSON: what is known, rounded."""
        row = vars(self) | {"links": None if self.links is None else self.links._asdict()}
        known = {name: value for name, value in row.items() if value is not None}
        return {n: round(v, 4) if isinstance(v, float) else v for n, v in known.items()}


def attention_figures(weights: NDArray[np.float64]) -> dict[str, float]:
    """over, under and entropy. weights: (W, V + 1), the last column the end of the source."""
    if weights.shape[0] == 0 or weights.shape[1] < 2:
        return {}
    coverage = weights[:, :-1].sum(axis=0)
    given = weights / weights.sum(axis=1, keepdims=True).clip(min=1e-12)
    bits = -(given * np.log2(given, where=given > 0, out=np.zeros_like(given))).sum(axis=1)
    return {
        "over": float((coverage > OVER).mean()),
        "under": float((coverage < UNDER).mean()),
        "entropy": float(bits.mean()),
    }


def agreement_figures(
    weights: NDArray[np.float64], importance: NDArray[np.float64]
) -> dict[str, float]:
    """agreement, chance and tau of (W, V) weights with the log-probability that each target word
    loses without each source word (Jain and Wallace 2019, "Attention is not explanation")."""
    if weights.shape[0] == 0 or weights.shape[1] < 2:
        return {}
    same = weights.argmax(axis=1) == importance.argmax(axis=1)
    ranks = [kendall_tau(row, other) for row, other in zip(weights, importance, strict=True)]
    return {
        "agreement": float(same.mean()),
        "chance": 1 / weights.shape[1],
        "tau": fmean(ranks),
    }


def kendall_tau(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Kendall's tau-b of two rows of numbers; 0 where all of a row are equal."""
    upper = np.triu_indices(len(one), k=1)
    ours, theirs = (np.sign(row[:, None] - row[None, :])[upper] for row in (one, other))
    pairs = float(np.abs(ours).sum() * np.abs(theirs).sum())
    return float((ours * theirs).sum()) / pairs**0.5 if pairs else 0.0


def mean(figures: Sequence[PairFigures], name: str) -> float | None:
    """The mean of a figure over the pairs that have it; None if none has."""
    values = [value for one in figures if (value := getattr(one, name)) is not None]
    return fmean(values) if values else None


def by_length(
    figures: Sequence[PairFigures], edges: Sequence[int]
) -> list[tuple[str, list[PairFigures]]]:
    """The pairs in each bucket of source words, empty buckets too. Pairs of which a side is blank
    are in none."""
    said = [one for one in figures if one.src_words and one.tgt_words]
    return [(each.label, [one for one in said if one.src_words in each]) for each in buckets(edges)]
