"""Alignment error rate, precision and recall against links that people made.

A link is (source word, target word), both counted from 0.
"""

import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nmt.checks import one_of
from nmt.data.text_files import read_lines
from nmt.evaluation.bootstrap import Bootstrap, percentile_interval, resampled_sums

Link = tuple[int, int]

ORDERS = ("source-target", "target-source")
_LINK = re.compile(r"(\d{1,9})([-p])(\d{1,9})", re.ASCII)


@dataclass(frozen=True)
class GoldLinks:
    """Links of a pair that an alignment should have, and those that it may have, which include
    these."""

    sure: frozenset[Link]
    possible: frozenset[Link]


def read_gold(
    path: str, sizes: Sequence[tuple[int, int]], *, base: int = 0, order: str = ORDERS[0]
) -> list[GoldLinks]:
    """Reads a line of links for each pair: ``i-j`` is sure, ``ipj`` possible.

    sizes: words of the source and of the target of each pair. base: the number of the first word, 0
    or 1. order: which side ``i`` counts.

    Raises ValueError, naming file, line and value, for what is no link, for a word that the pair
    does not have, and for another number of lines than pairs.
    """
    one_of("gold_base", base, (0, 1))
    one_of("gold_order", order, ORDERS)
    lines = read_lines(path)
    if len(lines) != len(sizes):
        raise ValueError(
            f"{path} has {len(lines):,} lines for {len(sizes):,} pairs: it needs one for each, a "
            f"blank one where nothing is linked"
        )
    found = []
    for number, (line, words) in enumerate(zip(lines, sizes, strict=True), start=1):
        sure, possible = set(), set()
        for text in line.split():
            try:
                link, is_sure = _link(text, words, base, order)
            except ValueError as error:
                raise ValueError(f"{path}:{number}: {error}") from None
            possible.add(link)
            if is_sure:
                sure.add(link)
        found.append(GoldLinks(frozenset(sure), frozenset(possible)))
    return found


def _link(text: str, words: tuple[int, int], base: int, order: str) -> tuple[Link, bool]:
    match = _LINK.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no link: 3-4 links two words for sure, 3p4 possibly")
    first, second = int(match[1]) - base, int(match[3]) - base
    link = (first, second) if order == ORDERS[0] else (second, first)
    for side, place, count in zip(("source", "target"), link, words, strict=True):
        if not 0 <= place < count:
            raise ValueError(
                f"{text!r} links word {place + base} of the {side}, whose words are {base} to "
                f"{count - 1 + base}: is gold_base={base} right, and gold_order={order}?"
            )
    return link, match[2] == "-"


class Counts(NamedTuple):
    """Of a pair: links of an alignment, sure links and links of both kinds that it should have, and
    how many of these it has."""

    links: int
    sure: int
    possible: int
    right: int
    sure_found: int


def counts(links: Collection[Link], gold: GoldLinks) -> Counts:
    """Compares an alignment with that of people."""
    found, right = set(links), gold.possible.intersection(links)
    return Counts(
        len(found), len(gold.sure), len(gold.possible), len(right), len(right & gold.sure)
    )


@dataclass(frozen=True)
class AlignmentScore:
    """Och and Ney (2003), "A systematic comparison of various statistical alignment models". All in
    percent; None where there is nothing to divide by. interval: of the error rate."""

    error_rate: float | None
    precision: float | None
    recall: float | None
    interval: tuple[float, float] | None


def alignment_score(
    statistics: Sequence[Counts], bootstrap: Bootstrap | None = None
) -> AlignmentScore:
    """The score of all pairs from the ``counts`` of each, with its bootstrap interval."""
    rows = np.array(statistics, dtype=np.float64).reshape(-1, len(Counts._fields))
    sums = rows.sum(axis=0)
    found, sure, _, right, sure_found = sums
    interval = None
    if bootstrap is not None and len(rows):
        drawn = _error_rates(resampled_sums(rows, bootstrap))
        drawn = drawn[~np.isnan(drawn)]  # of a few pairs, a sample may draw only some without links
        if len(drawn):
            interval = percentile_interval(drawn, bootstrap.level)
    rates = float(_error_rates(sums[None])[0]), _share(right, found), _share(sure_found, sure)
    error_rate, precision, recall = (None if math.isnan(rate) else rate for rate in rates)
    return AlignmentScore(error_rate, precision, recall, interval)


def _error_rates(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, counts) -> (N,), NaN where there are no links."""
    found, sure, _, right, sure_found = sums.T
    total = np.where(found + sure > 0, found + sure, np.nan)
    rates: NDArray[np.float64] = 100 * (1 - (right + sure_found) / total)
    return rates


def _share(part: float, whole: float) -> float:
    return float(100 * part / whole) if whole else math.nan
