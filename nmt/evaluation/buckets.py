"""Lengths of sentences, and the buckets that sentences are divided into, by length or otherwise."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nmt.checks import one_of, positive_int

SIDES = ("source", "reference")
UNITS = ("words", "subwords", "characters")
CUTS = ("length", "sentences", "rare", "unseen", "label")
"""By what sentences are divided: the length of a side, the number of sentences in the source, the
percentage of its words that are rare, or do not occur, in training, or a label of each line."""

MOST_BUCKETS = 1000

EDGES = {
    "length": (10, 20, 30, 40, 50, 60),
    "sentences": (2,),
    "rare": (1, 6, 11, 21),
    "unseen": (1, 6, 11),
    "label": (),
}
"""The edges of each cut unless others are given."""

SubwordLengths = Callable[[Sequence[str]], Sequence[int]]
"""Lines -> the number of subwords of each, by the run's tokenizer."""

Ints: TypeAlias = NDArray[Any]


@dataclass(frozen=True)
class Bucket:
    """The numbers with low <= number < high (None: no upper bound). name: of a label's bucket."""

    low: int
    high: int | None
    name: str | None = None

    @property
    def label(self) -> str:
        """A name such as "10-19", which includes both ends, "2" or "60+"; that of the label."""
        if self.name is not None:
            return self.name
        if self.high is None:
            return f"{self.low}+"
        return f"{self.low}" if self.high == self.low + 1 else f"{self.low}-{self.high - 1}"

    def __contains__(self, length: int) -> bool:
        return self.low <= length and (self.high is None or length < self.high)


def buckets(edges: Sequence[int]) -> list[Bucket]:
    """The buckets from 0 to the first edge, between the edges, and from the last edge on.

    Raises ValueError unless the edges are whole numbers of at least 1, in rising order.
    """
    for edge in edges:
        positive_int("each of edges", edge)
    if not edges or any(low >= high for low, high in pairwise(edges)):
        raise ValueError(f"edges must rise, such as [10,20,30], got {list(edges)}")
    if len(edges) >= MOST_BUCKETS:
        raise ValueError(f"edges has {len(edges):,} numbers, where fewer than {MOST_BUCKETS:,} fit")
    return [Bucket(low, high) for low, high in zip([0, *edges], [*edges, None], strict=True)]


def quantile_edges(numbers: Ints, parts: int) -> tuple[int, ...]:
    """Edges between buckets of about as many sentences each; fewer than ``parts`` buckets where
    many sentences have the same number. Raises ValueError where all have."""
    at = [len(numbers) * part // parts for part in range(1, parts)]
    edges = {int(edge) for edge in np.sort(numbers)[at]} - {int(numbers.min())}
    if not edges:
        raise ValueError(
            f"quantiles={parts} finds no edge: nearly all sentences have the same number; say "
            f"edges=[...]"
        )
    return tuple(sorted(edges))


def lengths(
    lines: Sequence[str], unit: str, subword_lengths: SubwordLengths | None = None
) -> list[int]:
    """The length of each line in words (between white space), Unicode characters or subwords.
    Raises ValueError for an unknown unit, and for subwords without ``subword_lengths``."""
    one_of("unit", unit, UNITS)
    if unit == "words":
        return [len(line.split()) for line in lines]
    if unit == "characters":
        return [len(line) for line in lines]
    if subword_lengths is None:
        raise ValueError("unit=subwords needs a run's tokenizer: say unit=words or unit=characters")
    return list(subword_lengths(lines))


def members(numbers: Ints | Sequence[int], bucket: Bucket) -> NDArray[np.intp]:
    """Indices of the lines whose number is in the bucket, in order."""
    at = np.asarray(numbers)
    inside = at >= bucket.low
    if bucket.high is not None:
        inside &= at < bucket.high
    return np.flatnonzero(inside)
