import time
from dataclasses import replace

import numpy as np
import pytest
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.metrics.ter import TER
from sacrebleu.significance import PairedTest as TheirTest

from nmt.evaluation.bootstrap import Bootstrap
from nmt.evaluation.buckets import Bucket
from nmt.evaluation.paired_tests import TESTS, PairedTest, compare_pair, holm
from nmt.evaluation.scorer import Scorer, Statistics
from nmt.evaluation.sentence_table import SentenceTable, count_sentences
from tests.evaluation.corpora import corpus

NAMES = ["bleu", "chrf", "chrf++", "ter"]
SCORER = Scorer(metrics=NAMES)
METRICS = SCORER.metrics
THEIRS = {"bleu": BLEU(), "chrf": CHRF(), "chrf++": CHRF(word_order=2), "ter": TER()}
REFERENCES = corpus(seed=1, n=80)[1]
WORSE = corpus(seed=1, n=80)[0]
BETTER = [
    ref if k % 3 == 0 else hyp for k, (hyp, ref) in enumerate(zip(WORSE, REFERENCES, strict=True))
]


def table(hypotheses: list[str], documents: list[str] | None = None) -> SentenceTable:
    return count_sentences(
        SCORER,
        sources=None,
        references=[REFERENCES],
        hypotheses=hypotheses,
        documents=documents,
    )


@pytest.mark.parametrize("test", TESTS)
def test_p_values_are_those_of_sacrebleu(monkeypatch: pytest.MonkeyPatch, test: str) -> None:
    monkeypatch.setenv("SACREBLEU_SEED", "7")
    kind = {"bootstrap": "bs", "randomization": "ar"}[test]
    others = zip(BETTER, corpus(seed=2, n=80)[1], strict=True)
    like = [strange if k % 4 == 0 else hyp for k, (hyp, strange) in enumerate(others)]
    systems = [("first", WORSE), ("second", BETTER), ("third", like)]
    _, found = TheirTest(systems, THEIRS, [REFERENCES], kind, n_samples=300)()
    bootstrap = Bootstrap(samples=300, seed=7)
    base, *others = ((name, [table(lines)]) for name, lines in systems)
    p_values = set()
    for place, other in enumerate(others, start=1):
        ours = compare_pair(base, other, [], METRICS, bootstrap, test)
        for test_of_ours, theirs in zip(ours.overall.values(), [*found.values()][1:], strict=True):
            assert test_of_ours is not None
            assert test_of_ours.p_value == pytest.approx(theirs[place].p_value, abs=1e-12)
            difference = theirs[place].score - theirs[0].score
            assert test_of_ours.difference == pytest.approx(difference)
            p_values.add(test_of_ours.p_value)
    assert len(p_values) > 2


def test_the_interval_and_the_wins_are_those_of_resampled_differences() -> None:
    bootstrap = Bootstrap(samples=200, seed=3)
    first, second = table(WORSE), table(BETTER)
    found = compare_pair(("a", [first]), ("b", [second]), [], METRICS, bootstrap, "bootstrap")
    drawn = np.random.default_rng(3).integers(80, size=(200, 80))
    for name, metric in METRICS.items():
        scores = [
            metric.of_sums(one.statistics[name][drawn].sum(axis=1)) for one in (first, second)
        ]
        differences = np.sort(scores[1] - scores[0])
        test = found.overall[name]
        assert test is not None
        assert test.interval == pytest.approx((differences[5], differences[-6]))
        better = (differences < 0) if name == "ter" else (differences > 0)
        assert test.win_rate == pytest.approx(better.mean(), abs=0.01)
        assert test.win_rate > 0.9


@pytest.mark.parametrize("test", TESTS)
def test_a_system_beside_itself_has_no_difference(test: str) -> None:
    one = table(WORSE)
    found = compare_pair(("a", [one]), ("b", [one]), [], METRICS, Bootstrap(samples=20), test)
    for each in found.overall.values():
        assert each is not None
        assert (each.difference, each.interval, each.win_rate) == (0, (0, 0), 0.5)
        assert each.p_value == 1


def test_a_handful_of_sentences_proves_nothing() -> None:
    bootstrap = Bootstrap(samples=999)
    pair = (("a", [table(WORSE)]), ("b", [table(REFERENCES)]))
    unlike = [k for k in range(80) if WORSE[k] != REFERENCES[k]]
    for n, least in {2: 2 / 4, 4: 2 / 16}.items():
        parts = [(Bucket(0, None), np.array(unlike[:n]))]
        (found,) = compare_pair(*pair, parts, METRICS, bootstrap).buckets["chrf"]
        assert found is not None  # all coins alike: as likely as it is, and no likelier
        assert found.p_value == pytest.approx(least, abs=0.08)


def test_the_randomization_finds_chance_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    first, second = (table(lines).statistics["bleu"] for lines in (WORSE, BETTER))
    bleu = {"bleu": METRICS["bleu"]}

    def p_value(trial: int) -> float:
        coins = rng.integers(2, size=80, dtype=bool)[:, None]
        sides = [np.where(coins, first, second), np.where(coins, second, first)]
        tables = [
            SentenceTable(statistics=Statistics({"bleu": counts}), numbers={}) for counts in sides
        ]
        bootstrap = Bootstrap(samples=99, seed=trial)
        pair = compare_pair(("a", [tables[0]]), ("b", [tables[1]]), [], bleu, bootstrap)
        found = pair.overall["bleu"]
        assert found is not None
        return found.p_value

    found = np.array([p_value(trial) for trial in range(200)])
    assert 0.02 < (found <= 0.1).mean() < 0.18  # within four standard deviations of 0.1
    assert 0.36 < (found <= 0.5).mean() < 0.64


def test_buckets_are_tested_and_corrected_and_empty_ones_are_not() -> None:
    parts = [
        (Bucket(0, 1), np.arange(0, 40)),
        (Bucket(1, 2), np.arange(40, 80)),
        (Bucket(2, 3), np.arange(0)),
        (Bucket(3, None), np.arange(1)),
    ]
    pair = compare_pair(
        ("a", [table(WORSE)]), ("b", [table(BETTER)]), parts, METRICS, Bootstrap(samples=100)
    )
    first, second, empty, single = pair.buckets["bleu"]
    assert empty is None and single is None
    assert first is not None and second is not None
    low, high = sorted([first, second], key=lambda test: test.p_value)
    assert low.corrected == pytest.approx(2 * low.p_value)
    assert high.corrected == pytest.approx(max(high.p_value, 2 * low.p_value))
    alone = compare_pair(
        ("a", [table(WORSE).select(np.arange(40))]),
        ("b", [table(BETTER).select(np.arange(40))]),
        [],
        METRICS,
        Bootstrap(samples=100),
    )
    assert alone.overall["bleu"] == replace(first, corrected=first.p_value)


def test_holm_by_hand() -> None:
    def test(p_value: float) -> PairedTest:
        return PairedTest(
            difference=1, interval=(0, 2), win_rate=1, p_value=p_value, corrected=p_value
        )

    found = holm([test(0.01), test(0.04), None, test(0.03), test(0.6)])
    corrected = [None if one is None else round(one.corrected, 6) for one in found]
    assert corrected == [0.04, 0.09, None, 0.09, 0.6]
    assert [one and one.p_value for one in found] == [0.01, 0.04, None, 0.03, 0.6]


@pytest.mark.parametrize("test", TESTS)
def test_documents_are_drawn_whole(test: str) -> None:
    ids = [f"d{k // 10}" for k in range(80)]
    of_documents = [table(lines, ids) for lines in (WORSE, BETTER)]
    summed = [
        SentenceTable(
            statistics=Statistics({n: one.by_document(one.statistics[n]) for n in NAMES}),
            numbers={},
        )
        for one in of_documents
    ]
    assert len(summed[0]) == 8
    bootstrap = Bootstrap(samples=100)
    found, expected = (
        compare_pair(("a", [one[0]]), ("b", [one[1]]), [], METRICS, bootstrap, test)
        for one in (of_documents, summed)
    )
    assert found.overall == expected.overall


def test_seeds_widen_the_interval_and_the_mean_is_tested() -> None:
    seeds = [table(corpus(seed=1, n=80)[0]), table(BETTER)]
    bootstrap = Bootstrap(samples=300)
    for test in TESTS:
        both = compare_pair(("a", [table(WORSE)]), ("b", seeds), [], METRICS, bootstrap, test)
        alone = [
            compare_pair(("a", [table(WORSE)]), ("b", [one]), [], METRICS, bootstrap, test)
            for one in seeds
        ]
        found, one, other = (pair.overall["bleu"] for pair in (both, *alone))
        assert found is not None and one is not None and other is not None
        assert found.difference == pytest.approx((one.difference + other.difference) / 2)
        assert found.interval[0] <= one.interval[0] and found.interval[1] > other.difference
        assert found.p_value <= 1


def test_a_thousand_resamples_of_three_thousand_sentences_are_quick() -> None:
    rng = np.random.default_rng(0)
    rows = rng.integers(80, size=3000)
    sides = [(name, [table(lines).select(rows)]) for name, lines in (("a", WORSE), ("b", BETTER))]
    parts = [(Bucket(k, k + 1), np.arange(k, 3000, 7)) for k in range(7)]
    for test in TESTS:
        started = time.process_time()
        compare_pair(*sides, parts, METRICS, Bootstrap(samples=1000), test)
        assert time.process_time() - started < 2


def test_the_kind_of_test_is_named() -> None:
    one = table(WORSE)
    with pytest.raises(ValueError, match=r"test must be one of .*got 'anova'"):
        compare_pair(("a", [one]), ("b", [one]), [], METRICS, Bootstrap(), "anova")
