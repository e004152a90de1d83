"""Bootstrap: how much a corpus score varies with the sentences that were drawn for the test set.

Dims: N sentences, K counts for each, R resamples.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nmt.checks import OptionError, field, non_negative_int, positive_int

MOST_SAMPLES = 100_000  # a result of a stranger would keep the machine busy by more
_CELLS_AT_ONCE = 4_000_000


@dataclass(frozen=True, kw_only=True)
class Bootstrap:
    """Percentile bootstrap over sentences (Koehn, 2004).

    samples: number of resamples. seed: of the draw; the same seed draws the same sentences for
    every system with as many sentences. level: share of the resampled scores in the interval.
    """

    samples: int = 1000
    seed: int = 12345
    level: float = 0.95

    def __post_init__(self) -> None:
        if positive_int("samples", self.samples) > MOST_SAMPLES:
            raise OptionError(
                f"{field('samples')} must be at most {MOST_SAMPLES:,}, got {self.samples:,}"
            )
        non_negative_int("seed", self.seed)
        if not 0 < self.level < 1:
            raise OptionError(f"{field('level')} must lie between 0 and 1, got {self.level!r}")


def resampled_sums(statistics: NDArray[np.float64], bootstrap: Bootstrap) -> NDArray[np.float64]:
    """Draws resamples of the rows and sums their columns: (N, K) whole numbers -> (R, K).

    sacreBLEU draws the same from the same seed. The sums are exact, so they do not depend on the
    machine. Memory does not grow with N x R.
    """
    n = len(statistics)
    rng = np.random.default_rng(bootstrap.seed)
    at_once = max(1, _CELLS_AT_ONCE // n)
    sums = []
    for start in range(0, bootstrap.samples, at_once):
        rows = min(at_once, bootstrap.samples - start)
        drawn = rng.integers(n, size=(rows, n)) + n * np.arange(rows)[:, None]
        times = np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n)
        sums.append(times.astype(np.float64) @ statistics)
    return np.concatenate(sums)


def drawn_mean(
    scores: NDArray[np.float64], bootstrap: Bootstrap, *, system: int = 0
) -> NDArray[np.float64]:
    """The mean over seeds that are drawn anew for each resample: (R, seeds) -> (R,).

    system: another number draws other seeds. Of one seed, these are the scores themselves.
    """
    samples, seeds = scores.shape
    rng = np.random.default_rng([bootstrap.seed, 1 + system])
    drawn = rng.integers(seeds, size=(samples, seeds))
    means: NDArray[np.float64] = np.take_along_axis(scores, drawn, axis=1).mean(axis=1)
    return means


def percentile_interval(scores: NDArray[np.float64], level: float) -> tuple[float, float]:
    """The interval without the lowest and the highest (1 - level) / 2 of the (R,) scores. Its
    bounds are the two scores between which sacreBLEU takes its interval."""
    ordered = np.sort(scores)
    # Rounds first because 1000 * (1 - 0.9) / 2 is just below 50 in floating point.
    left_out = math.floor(round(len(ordered) * (1 - level) / 2, 6))
    return float(ordered[left_out]), float(ordered[len(ordered) - 1 - left_out])
