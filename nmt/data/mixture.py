"""Several training corpora with weights: which pairs of each corpus an epoch reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor

import numpy as np
from numpy.typing import NDArray

from nmt.files import slices

_SALT = 0x6D6978  # keeps these random numbers apart from those that shuffle an epoch


@dataclass(frozen=True)
class Share:
    """One corpus of a mixture. weight: how many times an epoch reads each pair, on average."""

    pairs: int
    weight: float

    def bounds(self, epoch: int) -> tuple[int, int]:
        """The places at which an epoch begins and ends in the corpus read over and over.

        The decimal number counts that people wrote, not the nearest binary one: ten epochs of
        weight 0.1 are the corpus once.
        """
        an_epoch = Fraction(str(self.weight)) * self.pairs
        return floor(epoch * an_epoch), floor((epoch + 1) * an_epoch)

    def read(self, epoch: int) -> int:
        """How many pairs an epoch reads."""
        start, end = self.bounds(epoch)
        return end - start


@dataclass(frozen=True)
class Mixture:
    """Corpora that lie one behind the other, so that the pairs of all are numbered from 0.

    An epoch reads whole copies of a corpus, and a part of it where the weight is no whole number.
    Parts are cut, epoch by epoch, from one random order of the corpus that repeats without end. So
    no part holds a pair twice, and after any number of epochs no pair of a corpus was read more
    than once more than another: with a weight of 0.5, any two epochs in a row read each pair once.
    """

    shares: tuple[Share, ...]

    def size(self, epoch: int) -> int:
        """How many pairs an epoch reads. It differs between epochs by the rounding of parts."""
        return sum(share.read(epoch) for share in self.shares)

    def fill(self, rows: NDArray[np.int64], *, seed: int, epoch: int) -> None:
        """Writes the numbers of the pairs of an epoch to ``rows``, which holds ``size(epoch)``.

        Corpus by corpus; (seed, epoch) alone decides them. While it runs, memory holds the random
        order of the largest corpus.
        """
        at = first = 0
        for number, share in enumerate(self.shares):
            count = share.read(epoch)
            while count >= share.pairs > 0:
                for part in slices(share.pairs):
                    numbers = np.arange(first + part.start, first + part.stop)
                    rows[at + part.start : at + part.stop] = numbers
                at, count = at + share.pairs, count - share.pairs
            if count:
                random = np.random.default_rng([seed, number, _SALT])
                order = random.permutation(share.pairs)
                start = share.bounds(epoch)[0] % share.pairs
                head = order[start : start + count]
                rows[at : at + len(head)] = head
                rows[at + len(head) : at + count] = order[: count - len(head)]
                rows[at : at + count] += first
                at += count
            first += share.pairs


@dataclass(kw_only=True)
class CorpusCounts:
    """What became of the pairs of one of several corpora.

    name: the option that names it. text: what is read. total: pairs read. dropped: rule -> pairs.
    drawn: moved to validation and test sets. an_epoch: pairs that an epoch reads.
    """

    name: str
    text: str
    weight: float
    tag: str | None
    total: int
    dropped: dict[str, int]
    drawn: int
    kept: int
    an_epoch: int


def table(corpora: Sequence[CorpusCounts]) -> list[str]:
    """A line for each corpus, under a heading. Rules that drop nothing have no column."""
    if not corpora:
        return []
    rules = [rule for rule in corpora[0].dropped if any(one.dropped[rule] for one in corpora)]
    drawn = ["drawn"] if any(one.drawn for one in corpora) else []
    rows = [["corpus", "text", "read", *rules, *drawn, "kept", "weight", "pairs an epoch", "tag"]]
    for one in corpora:
        counts = [one.total, *(one.dropped[rule] for rule in rules), *([one.drawn] * len(drawn))]
        numbers = [f"{count:,}" for count in [*counts, one.kept]]
        last = [f"{one.weight:g}", f"{one.an_epoch:,}", one.tag or ""]
        rows.append([one.name, one.text, *numbers, *last])
    if not any(one.tag for one in corpora):
        rows = [row[:-1] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    words = [rows[0].index(name) for name in ("corpus", "text", "tag") if name in rows[0]]
    return [
        "  ".join(
            cell.ljust(width) if place in words else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
