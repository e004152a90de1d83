"""Sentences by length: which side is measured, in what, and where the buckets are cut."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from nmt.checks import one_of, positive_int

SIDES = ("source", "reference")
UNITS = ("words", "subwords", "characters")

SubwordLengths = Callable[[Sequence[str]], Sequence[int]]
"""The number of subwords of each line, as the run's tokenizer cuts it."""


@dataclass(frozen=True)
class Bucket:
    """Lengths from ``low`` up to but not including ``high``; None: no upper bound."""

    low: int
    high: int | None

    @property
    def label(self) -> str:
        """Such as "10-19" (both ends included) or "60+"."""
        return f"{self.low}+" if self.high is None else f"{self.low}-{self.high - 1}"

    def __contains__(self, length: int) -> bool:
        return self.low <= length and (self.high is None or length < self.high)


def buckets(edges: Sequence[int]) -> list[Bucket]:
    """The buckets between 0, the edges, and no upper bound: one more than there are edges.

    ValueError unless the edges are whole numbers of at least 1, each above the one before.
    """
    for edge in edges:
        positive_int("each of edges", edge)
    if not edges or any(low >= high for low, high in pairwise(edges)):
        raise ValueError(f"edges must rise, such as [10,20,30], got {list(edges)}")
    return [Bucket(low, high) for low, high in zip([0, *edges], [*edges, None], strict=True)]


def lengths(
    lines: Sequence[str], unit: str, subword_lengths: SubwordLengths | None = None
) -> list[int]:
    """The length of each line: words between blanks, Unicode characters, or subwords.

    ValueError for an unknown unit, or for subwords where ``subword_lengths`` is None.
    """
    one_of("unit", unit, UNITS)
    if unit == "words":
        return [len(line.split()) for line in lines]
    if unit == "characters":
        return [len(line) for line in lines]
    if subword_lengths is None:
        raise ValueError("unit=subwords needs a run's tokenizer: say unit=words or unit=characters")
    return list(subword_lengths(lines))


def members(line_lengths: Sequence[int], bucket: Bucket) -> list[int]:
    """Indices of the lines whose length the bucket holds, in order."""
    return [index for index, length in enumerate(line_lengths) if length in bucket]
