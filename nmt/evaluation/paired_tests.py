"""Whether one system is better than another on the same sentences, or by chance only.

Dims: N sentences (or documents), K counts for each, R resamples or trials.

Both tests give sacreBLEU's p-values from the same seed, but for ties: a trial of the randomization
with just the real difference counts among those that reach it. Without these, two systems with the
same output, or any two sentences, would differ by more than chance. Several seeds of one config are
one system, whose score is the mean of theirs: the bootstrap draws seeds besides sentences, the
randomization exchanges the outputs of the seeds that there are.

The randomization is the one to trust. Where two systems differ by chance only, 5 % of its p-values
are below 0.05, as they should be, but 13 % of the bootstrap's (1,000 pairs of 150 sentences each):
its p-value is the share of resamples in which the size of the difference exceeds its own mean by
the real difference, and that mean is not 0 either.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nmt.checks import one_of
from nmt.evaluation.bootstrap import Bootstrap, drawn_mean, percentile_interval, resampled_sums
from nmt.evaluation.buckets import Bucket, Ints
from nmt.evaluation.metrics import Counts, Metric
from nmt.evaluation.sentence_table import SentenceTable

TESTS = ("randomization", "bootstrap")
"""Approximate randomization (Riezler and Maxwell, 2005) and paired bootstrap (Koehn, 2004)."""

Scores = NDArray[np.float64]

_CELLS_AT_ONCE = 4_000_000
_ROUNDING = 1e-9  # of scores


@dataclass(frozen=True, kw_only=True)
class PairedTest:
    """The second of two systems beside the first, by one metric on some sentences.

    difference: its score minus the first one's. interval: of that, by the bootstrap over sentences
    and seeds. win_rate: share of the resamples in which the second is better, ties counted half.
    p_value: of the test. corrected: the same after Holm's correction over the buckets.
    """

    difference: float
    interval: tuple[float, float]
    win_rate: float
    p_value: float
    corrected: float


@dataclass(frozen=True, kw_only=True)
class ComparedPair:
    """Two systems, by their labels, and the tests between them: for each metric that of all
    sentences and that of each bucket, in order; None where there is nothing to draw from."""

    first: str
    second: str
    overall: Mapping[str, PairedTest | None]
    buckets: Mapping[str, tuple[PairedTest | None, ...]]


def compare_pair(
    first: tuple[str, Sequence[SentenceTable]],
    second: tuple[str, Sequence[SentenceTable]],
    parts: Sequence[tuple[Bucket, Ints]],
    metrics: Mapping[str, Metric],
    bootstrap: Bootstrap,
    test: str = TESTS[0],
) -> ComparedPair:
    """Tests the second system against the first, each a label and the tables of its seeds, overall
    and in every bucket. Documents are drawn and exchanged whole, where there are any.

    metrics: by name; each table has their counts. test: one of ``TESTS``.
    """
    one_of("test", test, TESTS)
    everything: Ints = np.arange(len(first[1][0]))
    sides = first[1], second[1]
    found = [
        _tests(sides, sentences, metrics, bootstrap, test)
        for sentences in [everything, *(sentences for _, sentences in parts)]
    ]
    return ComparedPair(
        first=first[0],
        second=second[0],
        overall={name: found[0][name] for name in metrics},
        buckets={name: holm([each[name] for each in found[1:]]) for name in metrics},
    )


def holm(tests: Sequence[PairedTest | None]) -> tuple[PairedTest | None, ...]:
    """The tests with p-values corrected for their number (Holm, 1979): the k-th smallest of m
    counts m - k + 1 times, and none is below a smaller one's."""
    known = [index for index, test in enumerate(tests) if test is not None]
    found, least = list(tests), 0.0
    ordered = sorted(known, key=lambda index: _p_value(tests[index]))
    for rank, index in enumerate(ordered):
        if (test := tests[index]) is not None:
            least = max(least, min(1.0, test.p_value * (len(known) - rank)))
            found[index] = replace(test, corrected=least)
    return tuple(found)


def _p_value(test: PairedTest | None) -> float:
    return math.inf if test is None else test.p_value


def _tests(
    sides: tuple[Sequence[SentenceTable], Sequence[SentenceTable]],
    sentences: Ints,
    metrics: Mapping[str, Metric],
    bootstrap: Bootstrap,
    test: str,
) -> dict[str, PairedTest | None]:
    """The test by each metric on these sentences."""
    counts = [[_counts(table, sentences, metrics) for table in tables] for tables in sides]
    if not len(sentences) or len(counts[0][0]) < 2:
        return dict.fromkeys(metrics)
    widths = [sides[0][0].statistics[name].shape[1] for name in metrics]
    places = np.cumsum([0, *widths])
    each = np.concatenate([of_seed for of_side in counts for of_seed in of_side], axis=1)
    resampled = resampled_sums(each, bootstrap).reshape(bootstrap.samples, -1, sum(widths))
    trials = list(_exchanged(counts, bootstrap)) if test == "randomization" else []
    seeds = len(counts[0])
    found: dict[str, PairedTest | None] = {}
    for place, (name, metric) in enumerate(metrics.items()):
        columns = slice(places[place], places[place + 1])

        def mean(several: Sequence[Counts], metric: Metric = metric, at: slice = columns) -> Scores:
            """The mean score of summed counts (R, K), which may be of several seeds."""
            scores: Scores = np.mean([metric.of_sums(sums[:, at]) for sums in several], axis=0)
            return scores

        totals = [[of_seed.sum(axis=0)[None] for of_seed in of_side] for of_side in counts]
        real = float(mean(totals[1])[0] - mean(totals[0])[0])
        drawn = [
            drawn_mean(_scores(metric, resampled[:, part, columns]), bootstrap, system=number)
            for number, part in enumerate((slice(None, seeds), slice(seeds, None)))
        ]
        differences = drawn[1] - drawn[0]
        if test == "bootstrap":
            sizes = np.abs(differences)
            p_value = _share(sizes - sizes.mean() > abs(real)) if real else 1.0
        else:
            exchanged = mean([b for _, b in trials]) - mean([a for a, _ in trials])
            p_value = _share(np.abs(exchanged) >= abs(real) - _ROUNDING)
        better = -differences if metric.lower_is_better else differences
        found[name] = PairedTest(
            difference=real,
            interval=percentile_interval(differences, bootstrap.level),
            win_rate=float(((better > 0) + 0.5 * (better == 0)).mean()),
            p_value=p_value,
            corrected=p_value,
        )
    return found


def _counts(table: SentenceTable, sentences: Ints, metrics: Mapping[str, Metric]) -> Counts:
    """The counts of all metrics side by side, (N, K) for each sentence or document."""
    inside = table.select(sentences)
    return inside.by_document(np.concatenate([inside.statistics[name] for name in metrics], axis=1))


def _scores(metric: Metric, sums: Counts) -> Scores:
    """(R, seeds, K) -> (R, seeds)."""
    samples, seeds, width = sums.shape
    return metric.of_sums(sums.reshape(-1, width)).reshape(samples, seeds)


def _exchanged(
    counts: Sequence[Sequence[Counts]], bootstrap: Bootstrap
) -> Iterator[tuple[Counts, Counts]]:
    """The summed counts (R, K) of two systems of which each sentence's outputs were exchanged or
    not, by the toss of a coin. Every seed of one meets the seeds of the other as often."""
    firsts, seconds = counts
    coins = np.random.default_rng(bootstrap.seed).integers(
        2, size=(bootstrap.samples, len(firsts[0])), dtype=bool
    )
    at_once = max(1, _CELLS_AT_ONCE // len(firsts[0]))
    parts = [slice(start, start + at_once) for start in range(0, len(coins), at_once)]
    for slot in range(math.lcm(len(firsts), len(seconds))):
        first, second = firsts[slot % len(firsts)], seconds[slot % len(seconds)]
        gain = first - second
        moved = np.concatenate([coins[rows].astype(np.float64) @ gain for rows in parts])
        yield moved + second.sum(axis=0), first.sum(axis=0) - moved


def _share(beyond: NDArray[np.bool_]) -> float:
    """The p-value: the share of trials beyond the real difference, which counts as one of them."""
    return float((beyond.sum() + 1) / (len(beyond) + 1))
