"""A metric of one's own: the percentage of translations that equal their reference.

Dims: N sentences, R corpora scored together.
"""

from collections.abc import Sequence

import numpy as np

from nmt.evaluation.bootstrap import Bootstrap, percentile_interval, resampled_sums
from nmt.evaluation.metrics import Counts


def count(hypotheses: Sequence[str], references: Sequence[str]) -> Counts:
    """(N, 2): whether the two are equal, and 1 for the sentence."""
    pairs = zip(hypotheses, references, strict=True)
    return np.array([[hypothesis == reference, 1] for hypothesis, reference in pairs], float)


def of_sums(sums: Counts) -> Counts:
    """Summed counts (R, 2) -> 0-100, (R,)."""
    return 100 * sums[:, 0] / sums[:, 1]


def score(counts: Counts, bootstrap: Bootstrap) -> tuple[float, tuple[float, float]]:
    """The score of these sentences and its interval."""
    sampled = of_sums(resampled_sums(counts, bootstrap))
    return float(of_sums(counts.sum(axis=0)[None])[0]), percentile_interval(
        sampled, bootstrap.level
    )
