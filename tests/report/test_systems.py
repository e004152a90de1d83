"""Seeds that become one system, sentences that are divided anew, and the tests of both."""

from dataclasses import replace
from statistics import mean, stdev
from typing import Any

import numpy as np
import pytest

from nmt.evaluation.bootstrap import Bootstrap
from nmt.evaluation.from_table import evaluate_translations
from nmt.evaluation.recipe import Scoring
from nmt.report.comparison import Comparison, compare_runs, comparison_tables
from nmt.report.systems import ComparedRun, View
from tests.evaluation.corpora import corpus

REFERENCES = corpus(seed=1, n=90)[1]
SOURCES = [" ".join(["A word."] * (1 + k % 3)) for k in range(90)]
LABELS = [("news", "book")[k % 5 == 0] for k in range(90)]
SCORING = Scoring(metrics=["bleu", "chrf"], edges=(3, 5), bootstrap=Bootstrap(samples=60))


def run(label: str, seed: int | None = None, worse: int = 3, **changes: Any) -> ComparedRun:
    """A system whose translations lack a word of every so many lines."""
    hypotheses = [
        " ".join(line.split()[1:]) if (k + (seed or 0)) % worse == 0 else line
        for k, line in enumerate(REFERENCES)
    ]
    given: dict[str, Any] = {
        "system": label,
        "test_set": "set",
        "sources": SOURCES,
        "references": [REFERENCES],
        "hypotheses": hypotheses,
        "scoring": SCORING,
        "language": "en",
        **changes,
    }
    evaluation, table = evaluate_translations(**given)
    options = {} if seed is None else {"model": label.split("-")[0], "seed": seed}
    return ComparedRun(
        label=label,
        evaluation=evaluation,
        tables=(table,),
        parameters=9,
        training_seconds=60.0 * (seed or 1),
        options=options,
    )


def text(comparison: Comparison) -> str:
    return "\n".join(table.text() for table in comparison_tables(comparison))


SEEDS = [run("lstm-s1", 1), run("lstm-s2", 2), run("gru-s1", 1, 9), run("lstm-s3", 3)]


def test_seeds_of_one_config_are_one_system_in_the_place_of_the_first() -> None:
    comparison = compare_runs(SEEDS)
    lstm, gru = comparison.runs
    assert (lstm.label, lstm.seeds, gru.label, gru.seeds) == ("lstm", (1, 2, 3), "gru-s1", ())
    assert lstm.training_seconds == 120
    assert (lstm.parameters, len(lstm.tables)) == (9, 3)
    alone = [run.evaluation for run in SEEDS if run.label.startswith("lstm")]
    for row, rows in zip(
        (lstm.evaluation.overall, *lstm.evaluation.buckets),
        zip(*((one.overall, *one.buckets) for one in alone), strict=True),
        strict=True,
    ):
        values = [one.score("bleu").value for one in rows]
        known = [value for value in values if value is not None]
        score = row.score("bleu")
        assert (score.value, score.spread) == pytest.approx((mean(known), stdev(known)))
        assert score.interval is not None and score.value is not None
        assert score.interval[0] < score.value < score.interval[1]
        assert row.repeats == pytest.approx(mean(one.repeats or 0 for one in rows))
    shown = text(comparison)
    assert "lstm: mean of the seeds 1, 2, 3, ± their standard deviation" in shown
    assert f"±{lstm.evaluation.overall.score('bleu').spread:.1f} [" in shown


def test_systems_of_one_name_are_called_by_their_first_runs() -> None:
    other = [
        replace(run(f"lstm-s{k}", k), options={"model": "lstm", "lr": 1, "seed": k}) for k in (4, 5)
    ]
    labels = [one.label for one in compare_runs([*SEEDS[:2], *other]).runs]
    assert labels == ["s1", "s4"]


def test_the_interval_is_over_seeds_and_sentences() -> None:
    def width(*runs: ComparedRun) -> float:
        (system,) = compare_runs(runs).runs
        interval = system.evaluation.overall.score("bleu").interval
        assert interval is not None
        return interval[1] - interval[0]

    like = [run("x-s1", 1), replace(run("x-s1", 1), label="x-s2")]
    like[1] = replace(like[1], options={**like[0].options, "seed": 2})
    unlike = [run("x-s1", 1, worse=2), run("x-s2", 2, worse=9)]
    assert width(*like) == pytest.approx(width(like[0]))  # seeds that agree add nothing
    assert width(*unlike) > 1.5 * max(width(one) for one in unlike)


@pytest.mark.parametrize(
    "other",
    [
        run("lstm-s1b", 1),  # the same seed: another training
        run("lstm-s2", 2, search={"beam_size": 2}),
        replace(run("lstm-s2", 2), options={"model": "gru", "seed": 2}),
        replace(run("lstm-s2", 2), options={}),
        replace(run("lstm-s2", 2), options={"model": "lstm", "seed": [2]}),
    ],
)
def test_what_differs_in_more_or_less_than_the_seed_is_a_system_of_its_own(
    other: ComparedRun,
) -> None:
    assert len(compare_runs([SEEDS[0], other]).runs) == 2


def test_results_without_tables_have_means_and_no_intervals_and_no_tests() -> None:
    old = [replace(one, tables=()) for one in SEEDS]
    comparison = compare_runs(old)
    score = comparison.runs[0].evaluation.overall.score("bleu")
    assert score.value is not None and score.spread is not None and score.interval is None
    assert comparison.pairs == ()
    assert "no tests: lstm-s1, lstm-s2, gru-s1, lstm-s3: made before" in text(comparison)
    with pytest.raises(ValueError, match=r"lstm-s1 was made before .* run nmt-evaluate again"):
        compare_runs(old, view=View(by="sentences"))


def test_neighbours_are_tested_by_bucket() -> None:
    comparison = compare_runs([run("a", worse=2), run("b", worse=5), run("c", worse=30)])
    first, second = comparison.pairs
    assert [(p.first, p.second) for p in comparison.pairs] == [("a", "b"), ("b", "c")]
    found = first.buckets["bleu"]
    assert len(found) == 3 and list(first.overall) == ["bleu", "chrf"]
    row = comparison.runs[1].evaluation.buckets[2].score("bleu").value or 0
    before = comparison.runs[0].evaluation.buckets[2].score("bleu").value or 0
    assert found[2] is not None and found[2].difference == pytest.approx(row - before)
    assert second.overall["bleu"] is not None
    scores, tests, failures = comparison_tables(comparison)
    assert tests.header == ["words", "n", "b", "p", "wins", "c", "p", "wins"]
    assert tests.title == "Difference in BLEU from the system to the left of it"
    assert [row[0] for section in tests.sections for row in section] == [
        *("0-2", "3-4", "5+", "all", "chrF")
    ]
    assert failures.header == ["words", "n", "a", "b", "c"]
    assert len(scores.sections) == 3


def test_an_empty_bucket_is_a_dash() -> None:
    comparison = compare_runs([run("a"), run("b")], view=View(edges=(1000,)))
    _, tests, failures = comparison_tables(comparison)
    assert tests.sections[0][1] == ["1000+", "0", "-", "-", "-"]
    assert failures.sections[0][1] == ["1000+", "0", "- / -", "- / -"]


def test_sentences_are_divided_and_chosen_anew_without_text() -> None:
    runs = [run("a"), run("b", worse=5)]
    view = View(by="sentences", only={"label": ["news"]}, labels=LABELS)
    shown = compare_runs(runs, view=view)
    evaluation = shown.runs[1].evaluation
    news = [k for k in range(90) if LABELS[k] == "news"]
    assert [row.label for row in evaluation.buckets] == ["1", "2+"]
    assert evaluation.overall.n == len(news)
    assert evaluation.buckets[0].n == sum(k % 3 == 0 for k in news)
    alone = evaluate_translations(
        system="b",
        test_set="set",
        sources=[SOURCES[k] for k in news],
        references=[[REFERENCES[k] for k in news]],
        hypotheses=[
            " ".join(REFERENCES[k].split()[1:]) if k % 5 == 0 else REFERENCES[k] for k in news
        ],
        scoring=replace(SCORING, by="sentences", edges=(2,)),
        language="en",
    )[0]
    assert evaluation.buckets == alone.buckets and evaluation.overall == alone.overall
    assert shown.pairs[0].overall["bleu"] is not None
    title = comparison_tables(shown)[0].title
    assert (
        title == "BLEU by number of sentences in the source on set (72 sentences, only label=news)"
    )


def test_length_among_lines_of_one_sentence() -> None:
    shown = compare_runs([run("a")], view=View(only={"sentences": 1}, edges=(2, 3)))
    sizes = {row.label: row.n for row in shown.runs[0].evaluation.buckets}
    assert sizes == {"0-1": 0, "2": 30, "3+": 0}
    several = compare_runs([run("a")], view=View(only={"sentences": "2+"}, side="reference"))
    assert several.runs[0].evaluation.overall.n == 60
    assert several.runs[0].evaluation.side == "reference"


@pytest.mark.parametrize(
    ("view", "said"),
    [
        (View(only={"sentences": "many"}), "only.sentences must be a number such as 1, or 2+"),
        (View(only={"sentences": "7"}), "only.sentences=7 leaves no sentence"),
        (View(only={"label": ["x"]}, labels=LABELS), "only.label=x: .* there are book, news"),
        (View(only={"label": ["x"]}), "labels=FILE"),
        (View(by="rare"), "train_text=FILE"),
        (View(by="colour"), "by must be one of"),
        (View(by="label", labels=["x"]), "labels= has 1 lines for 90 sentences"),
    ],
)
def test_views_that_cannot_be_shown_are_named(view: View, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        compare_runs([run("a")], view=view)


def test_results_divided_otherwise_are_compared_in_a_view_of_their_own() -> None:
    other = run("b", scoring=replace(SCORING, by="sentences", edges=(2,)))
    with pytest.raises(ValueError, match="by is sentences there and length here") as raised:
        compare_runs([run("a"), other])
    assert "n in bucket" not in str(raised.value)
    assert len(compare_runs([run("a"), other], view=View(quantiles=2)).runs) == 2


def test_the_score_that_is_shown_and_the_test_are_chosen() -> None:
    runs = [run("a"), run("b", worse=5)]
    by_chrf = compare_runs(runs, score="chrf", test="bootstrap")
    assert comparison_tables(by_chrf)[0].title.startswith("chrF by source length")
    assert "p: paired bootstrap (Koehn, 2004), 60 samples" in text(by_chrf)
    with pytest.raises(ValueError, match="score must be one of bleu, chrf, got 'ter'"):
        compare_runs(runs, score="ter")
    with pytest.raises(ValueError, match="test must be one of"):
        compare_runs(runs, test="t")


def test_documents_are_drawn_in_tests_too() -> None:
    ids = [f"d{k // 9}" for k in range(90)]
    runs = [run("a", documents=ids), run("b", worse=5, documents=ids)]
    plain = compare_runs([run("a"), run("b", worse=5)]).pairs[0].overall["bleu"]
    found = compare_runs(runs).pairs[0].overall["bleu"]
    assert found is not None and plain is not None
    assert found.difference == plain.difference and found.interval != plain.interval
    assert np.isfinite(found.interval).all()
