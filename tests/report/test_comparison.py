from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nmt.report.comparison import compare_runs, comparison_tables, write_comparison
from nmt.report.systems import ComparedRun, short_labels
from nmt.report.tables import Table
from tests.report.evaluations import OTHER_BOOTSTRAP, SIGNATURES, evaluation

LSTM = ComparedRun(
    label="lstm", evaluation=evaluation(), parameters=7_412_345, training_seconds=754
)
OTHER_SYSTEM = ComparedRun(
    label="other",
    evaluation=evaluation(system="x", seconds=None, search={"beam_size": 1, "precision": "int8"}),
)


def tables(runs: list[ComparedRun]) -> list[Table]:
    return comparison_tables(compare_runs(runs))


def notes(runs: list[ComparedRun]) -> Sequence[str]:
    return tables(runs)[-1].notes


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_one_table_holds_scores_and_costs_of_each_run() -> None:
    markdown = tables([LSTM, OTHER_SYSTEM])[0].markdown()
    assert "BLEU by source length in words on flickr (1,500 sentences)" in markdown
    rows = {cells(line)[0]: cells(line)[1:] for line in markdown.splitlines() if line[:1] == "|"}
    assert rows["words"] == ["n", "lstm", "ratio", "other", "ratio"]
    assert rows["0-9"] == ["1,500", *["31.4 [29.9, 33.0]", "0.95"] * 2]
    assert rows["10-19"] == ["7", *["5.0\\* [29.9, 33.0]", "0.95"] * 2]
    assert rows["20+"] == ["0", *["-", "-"] * 2]
    assert rows["all"] == rows["0-9"]
    assert rows["chrF"] == ["", *["55.5 [54.0, 57.0]", ""] * 2]
    assert rows["chrF++"] == ["", *["53.2 [52.0, 54.5]", ""] * 2]
    assert rows["TER"] == ["", *["48.0 [45.0, 101.5]", ""] * 2]
    assert rows["cut off"] == ["", "3", "", "3", ""]
    assert rows["parameters"] == ["", "7,412,345", "", "-", ""]
    assert rows["training"] == ["", "12 min 34 s", "", "-", ""]
    assert rows["sentences/s"] == ["", "100.0", "", "-", ""]


def test_search_is_said_once_if_all_used_the_same() -> None:
    same = notes([LSTM, replace(OTHER_SYSTEM, evaluation=evaluation())])
    assert "search: BeamSearch beam_size=5 precision=fp32" in same
    differing = notes([LSTM, OTHER_SYSTEM])
    assert "search of lstm: BeamSearch beam_size=5 precision=fp32" in differing
    assert "search of other: beam_size=1 precision=int8" in differing


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        (
            {"test_set": replace(evaluation().test_set, sha256_src="ef")},
            "test_set.sha256_src is ef there and ab here",
        ),
        ({"test_set": replace(evaluation().test_set, sha256_ref="ef")}, "test_set.sha256_ref"),
        ({"side": "reference"}, "side is reference there and source here"),
        ({"unit": "subwords"}, "unit"),
        ({"edges": (10, 30)}, r"edges is \[10, 30\] there"),
        ({"signatures": {"bleu": "tok:none", "chrf": "nrefs:1|nc:6"}}, "signatures.bleu"),
        ({"signatures": SIGNATURES | {"ter": "nrefs:2"}}, "signatures.ter is nrefs:2 there"),
        (
            {"test_set": replace(evaluation().test_set, sha256_documents="ef")},
            "test_set.sha256_documents is ef there and None here",
        ),
        ({"text": {"sentences": "auto"}}, "text.sentences is auto there and line here"),
        (
            {"text": {"sentences": "line", "protect.enabled": True, "protect.numbers": "copy"}},
            "text.protect.enabled is True there and False here",
        ),
        ({"bootstrap": OTHER_BOOTSTRAP}, "bootstrap.samples is 10 there and 1000 here"),
        (
            {"buckets": (replace(evaluation().buckets[0], n=1499), *evaluation().buckets[1:])},
            "n in bucket 0-9 is 1499 there",
        ),
    ],
)
def test_runs_scored_differently_are_refused_by_name(changes: dict[str, Any], named: str) -> None:
    other = ComparedRun(label="other", evaluation=evaluation(**changes))
    with pytest.raises(ValueError, match=f"other cannot be compared with lstm: .*{named}"):
        compare_runs([LSTM, other])


def test_the_name_of_a_test_set_does_not_matter() -> None:
    renamed = evaluation(test_set=replace(evaluation().test_set, name="2016"))
    compare_runs([LSTM, ComparedRun(label="other", evaluation=renamed)])


def test_what_belongs_to_a_system_may_differ() -> None:
    other = evaluation(
        text={"sentences": "line", "normalization": "none", "source_prefix": "<2fr>"}
    )
    said = notes([LSTM, ComparedRun(label="other", evaluation=other)])
    assert "text of lstm: sentences=line normalization=standard.v1" in said
    assert "text of other: sentences=line normalization=none source_prefix=<2fr>" in said


def test_what_is_unknown_of_other_systems_is_no_difference() -> None:
    no_sources = replace(evaluation().test_set, sha256_src=None)
    other = evaluation(text={}, test_set=no_sources)
    cut = evaluation(text={"sentences": "auto"})
    compared = [LSTM, ComparedRun(label="other", evaluation=other)]
    assert "text of other: unknown" in notes(compared)
    between = [compared[1], LSTM, ComparedRun(label="cut", evaluation=cut)]
    with pytest.raises(ValueError, match=r"cut cannot be compared with lstm: text\.sentences"):
        compare_runs(between)


def test_metrics_that_not_all_have_are_left_out() -> None:
    few = {name: SIGNATURES[name] for name in ("bleu", "chrf")}
    old = ComparedRun(label="old", evaluation=evaluation(signatures=few))
    for runs in ([LSTM, old], [old, LSTM]):
        markdown = "\n".join(table.markdown() for table in tables(runs))
        assert "chrF: nrefs" in markdown
        assert "chrF++" not in markdown and "TER" not in markdown


def test_labels_tell_the_runs_apart() -> None:
    with pytest.raises(ValueError, match="called lstm"):
        compare_runs([LSTM, LSTM])
    with pytest.raises(ValueError, match="no run"):
        compare_runs([])


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (["demo-lstm-s1", "demo-transformer-s1"], ["lstm", "transformer"]),
        (["demo-lstm-s1", "demo-lstm-s2"], ["s1", "s2"]),
        (["demo-lstm-s1", "demo-lstm-s1-large"], ["demo-lstm-s1", "demo-lstm-s1-large"]),
        (["demo-lstm-s1"], ["demo-lstm-s1"]),
        (["a-a", "a-a"], ["a-a", "a-a"]),
    ],
)
def test_short_labels_keep_what_differs(names: list[str], short: list[str]) -> None:
    assert short_labels(names) == short


def test_table_and_plots_are_written_and_belong_together(tmp_path: Path) -> None:
    comparison = compare_runs([LSTM, OTHER_SYSTEM])
    paths = write_comparison(comparison, tmp_path / "new" / "directory")
    assert [path.name for path in paths] == [
        "comparison.md",
        "bleu_by_length.png",
        "bleu_by_length.svg",
    ]
    page = paths[0].read_text(encoding="utf-8")
    assert page.startswith(comparison_tables(comparison)[0].markdown())
    assert "](bleu_by_length.png)" in page
