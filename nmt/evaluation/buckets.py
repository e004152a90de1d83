"""Sentence lengths, in words, subwords or characters, and the buckets that they fall into."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from nmt.checks import one_of, positive_int

SIDES = ("source", "reference")
UNITS = ("words", "subwords", "characters")

SubwordLengths = Callable[[Sequence[str]], Sequence[int]]
"""Lines -> the number of subwords of each, by the run's tokenizer."""


@dataclass(frozen=True)
class Bucket:
    """The lengths with low <= length < high (None: no upper bound)."""

    low: int
    high: int | None

    @property
    def label(self) -> str:
        """A name such as "10-19", which includes both ends, or "60+"."""
        return f"{self.low}+" if self.high is None else f"{self.low}-{self.high - 1}"

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
    return [Bucket(low, high) for low, high in zip([0, *edges], [*edges, None], strict=True)]


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


def members(line_lengths: Sequence[int], bucket: Bucket) -> list[int]:
    """Indices of the lines whose length is in the bucket, in order."""
    return [index for index, length in enumerate(line_lengths) if length in bucket]
