import time

import numpy as np
import pytest
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.metrics.ter import TER
from sacrebleu.significance import _bootstrap_resample

from nmt.evaluation import bootstrap as significance
from nmt.evaluation.bootstrap import Bootstrap, percentile_interval, resampled_sums
from nmt.evaluation.scorer import Scorer, reference_texts
from tests.evaluation.corpora import corpus

METRICS_OF_SACREBLEU = {
    "bleu": BLEU(),
    "chrf": CHRF(),
    "chrf++": CHRF(word_order=2),
    "ter": TER(),
}


@pytest.mark.parametrize("references", [1, 2])
@pytest.mark.parametrize("name", list(METRICS_OF_SACREBLEU))
def test_resamples_and_interval_are_those_of_sacrebleu(
    monkeypatch: pytest.MonkeyPatch, name: str, references: int
) -> None:
    monkeypatch.setenv("SACREBLEU_SEED", "7")
    hypotheses, first = corpus(seed=1, n=60)
    texts = [first, corpus(seed=2, n=60)[1]][:references]
    scorer, theirs = Scorer(metrics=["bleu", "chrf", "chrf++", "ter"]), METRICS_OF_SACREBLEU[name]
    counts = scorer.count(hypotheses, *texts)[name]
    bootstrap = Bootstrap(samples=400, seed=7)
    ours = scorer.metrics[name].of_sums(resampled_sums(counts, bootstrap))
    _, resampled = _bootstrap_resample(counts.tolist(), theirs, 400)
    # sacreBLEU resamples in float32.
    np.testing.assert_allclose(ours, [score.score for score in resampled], rtol=1e-5)
    low, high = percentile_interval(ours, bootstrap.level)
    score = theirs.corpus_score(hypotheses, reference_texts(texts), n_bootstrap=400)
    assert (high - low) / 2 == pytest.approx(score._ci, rel=1e-4)
    assert low < score.score < high


def test_interval_does_not_depend_on_how_many_are_drawn_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    statistics = np.random.default_rng(0).integers(0, 9, size=(33, 4)).astype(float)
    at_once = resampled_sums(statistics, Bootstrap(samples=50))
    monkeypatch.setattr(significance, "_CELLS_AT_ONCE", 100)
    np.testing.assert_array_equal(resampled_sums(statistics, Bootstrap(samples=50)), at_once)


def test_seed_decides_the_resamples() -> None:
    statistics = np.arange(40.0)[:, None]
    first = resampled_sums(statistics, Bootstrap(seed=1))
    np.testing.assert_array_equal(first, resampled_sums(statistics, Bootstrap(seed=1)))
    assert (first != resampled_sums(statistics, Bootstrap(seed=2))).any()


def test_resamples_are_as_large_as_the_corpus_and_centred_on_it() -> None:
    statistics = np.stack([np.ones(200), np.arange(200.0)], axis=1)
    sums = resampled_sums(statistics, Bootstrap(samples=2000))
    assert (sums[:, 0] == 200).all()
    # The standard error of the mean of 2000 sums is 18.3.
    assert sums[:, 1].mean() == pytest.approx(statistics[:, 1].sum(), abs=75)


def test_percentiles_leave_out_as_many_at_either_end() -> None:
    shuffled = np.random.default_rng(0).permutation(1000).astype(float)
    assert percentile_interval(shuffled, 0.95) == (25, 974)
    assert percentile_interval(shuffled, 0.9) == (50, 949)
    assert percentile_interval(np.array([4.0]), 0.95) == (4, 4)


def test_a_thousand_resamples_of_a_thousand_sentences_take_no_second() -> None:
    statistics = np.ones((1000, 28))
    started = time.process_time()
    resampled_sums(statistics, Bootstrap(samples=1000))
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    ("option", "value"),
    [("samples", 0), ("samples", 2.5), ("seed", -1), ("level", 0), ("level", 1), ("level", 95)],
)
def test_settings_out_of_range_are_named(option: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{option} .*got {value}"):
        Bootstrap(**{option: value})  # type: ignore[arg-type]  # wrong on purpose
