"""Compares systems on one test set: tables of scores, of tests and of failures, and a plot."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from nmt.checks import one_of
from nmt.evaluation.evaluation import Row
from nmt.evaluation.metrics import Metric
from nmt.evaluation.paired_tests import TESTS, ComparedPair, PairedTest, compare_pair
from nmt.files import named
from nmt.report.plots import plot_scores
from nmt.report.systems import (
    ComparedRun,
    View,
    check_comparable,
    grouped,
    known_scorer,
    short_labels,
    viewed,
)
from nmt.report.tables import (
    ABSENT,
    Table,
    column,
    described,
    duration,
    heading,
    notes,
    number,
    score_cell,
    text_settings,
)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Systems that were scored alike, in the order given.

    runs: each a system, with the scores of its buckets in its ``evaluation``. score: the metric
    that is shown by bucket. pairs: each system against the one before it; () without tests.
    test: one of ``TESTS``. untested: the labels of results that are too old to be tested.
    unknown: the names of metrics whose classes are not known here, so that they are not tested.
    """

    runs: tuple[ComparedRun, ...]
    score: str
    pairs: tuple[ComparedPair, ...]
    test: str
    untested: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def compare_runs(
    runs: Sequence[ComparedRun],
    *,
    view: View | None = None,
    score: str = "bleu",
    test: str = TESTS[0],
    own: Mapping[str, Metric] | None = None,
    any_text: bool = False,
) -> Comparison:
    """Compares runs, each of one seed; those that differ in their seed only become one system.

    view: which sentences, and in which buckets. own: metrics besides those of nmt. any_text:
    whether the text may have been treated in different ways, such as cut at sentences. Raises what
    ``check_comparable`` and ``viewed`` raise, and ValueError for an unknown test or score.
    """
    one_of("test", test, TESTS)
    view = view or View()
    check_comparable(runs, cut=not view.changes(), text=not any_text)
    untested = tuple(run.label for run in runs if not run.tables)
    scorer = known_scorer(runs, own or {})
    shown, parts = viewed(runs, view, scorer)
    systems = grouped(shown, parts, scorer)
    labels = short_labels([system.label for system in systems])
    systems = [replace(one, label=label) for one, label in zip(systems, labels, strict=True)]
    check_comparable(systems, text=not any_text)
    one_of("score", score, systems[0].evaluation.signatures)
    pairs = []
    if not untested:
        bootstrap = systems[0].evaluation.bootstrap
        sides = [(system.label, system.tables) for system in systems]
        pairs = [
            compare_pair(first, second, parts, scorer.metrics, bootstrap, test)
            for first, second in pairwise(sides)
        ]
    named = {name for run in runs for name in run.evaluation.signatures}
    return Comparison(
        runs=tuple(systems),
        score=score,
        pairs=tuple(pairs),
        test=test,
        untested=untested,
        unknown=tuple(sorted(named - {*scorer.metrics})) if pairs else (),
    )


def comparison_tables(comparison: Comparison) -> list[Table]:
    """The scores and costs of each system; the tests between neighbours, where there are any; the
    translations that were cut off or repeat themselves."""
    tables = [_scores(comparison), *_tests(comparison), *_failures(comparison)]
    said = _notes(comparison)
    return [*tables[:-1], replace(tables[-1], notes=said)]


def write_comparison(comparison: Comparison, directory: Path) -> list[Path]:
    """Writes the tables in Markdown and the plot as PNG and SVG, each whole or not at all, and
    returns their paths."""
    tables = comparison_tables(comparison)
    stem = f"{comparison.score}_by_{comparison.runs[0].evaluation.by}"
    names = ["comparison.md", f"{stem}.png", f"{stem}.svg"]
    directory.mkdir(parents=True, exist_ok=True)
    with named(directory), TemporaryDirectory(dir=directory) as scratch:
        page, *plots = (Path(scratch) / name for name in names)
        evaluations = {run.label: run.evaluation for run in comparison.runs}
        plot_scores(evaluations, plots, comparison.score)
        text = "\n".join(table.markdown() for table in tables)
        page.write_text(f"{text}\n![{tables[0].title}]({plots[0].name})\n", encoding="utf-8")
        for path in (page, *plots):
            path.replace(directory / path.name)
    return [directory / name for name in names]


def _scores(comparison: Comparison) -> Table:
    runs, shown = comparison.runs, comparison.score
    evaluations = [run.evaluation for run in runs]
    first = evaluations[0]
    overall = [e.overall for e in evaluations]
    by_bucket = zip(*(e.buckets for e in evaluations), strict=True)
    speeds = [e.test_set.n / e.seconds if e.seconds else None for e in evaluations]
    facts = {  # a cell for each run; below the ratios there is none
        **{heading(m): [score_cell(r.score(m), r) for r in overall] for m in _others(comparison)},
        "cut off": [number(row.hit_limit, ",") for row in overall],
        "parameters": [number(run.parameters, ",") for run in runs],
        "training": [duration(run.training_seconds) for run in runs],
        "sentences/s": [number(speed, ".1f") for speed in speeds],
    }

    def cells(name: str, rows: Sequence[Row]) -> list[str]:
        pairs = [(score_cell(r.score(shown), r), number(r.length_ratio, ".2f")) for r in rows]
        return [name, f"{rows[0].n:,}", *(cell for pair in pairs for cell in pair)]

    return Table(
        title=described(first, heading(shown)),
        header=[column(first), "n", *(cell for run in runs for cell in (run.label, "ratio"))],
        sections=[
            [cells(rows[0].label, rows) for rows in by_bucket],
            [cells("all", overall)],
            [
                [name, "", *(c for cell in of_all for c in (cell, ""))]
                for name, of_all in facts.items()
            ],
        ],
    )


def _tests(comparison: Comparison) -> Iterator[Table]:
    """The table of the tests, if there are any."""
    if not comparison.pairs or comparison.score not in comparison.pairs[0].overall:
        return
    pairs, shown, first = comparison.pairs, comparison.score, comparison.runs[0].evaluation
    headings = [cell for pair in pairs for cell in (pair.second, "p", "wins")]

    def cells(name: str, n: str, tests: Sequence[PairedTest | None]) -> list[str]:
        return [name, n, *(cell for test in tests for cell in _test_cells(test))]

    rows = [
        cells(row.label, f"{row.n:,}", [pair.buckets[shown][k] for pair in pairs])
        for k, row in enumerate(first.buckets)
    ]
    metrics = {"all": shown} | {
        heading(name): name for name in _others(comparison) if name in pairs[0].overall
    }
    overall = [
        cells(name, f"{first.overall.n:,}" if name == "all" else "", [p.overall[m] for p in pairs])
        for name, m in metrics.items()
    ]
    yield Table(
        title=f"Difference in {heading(shown)} from the system to the left of it",
        header=[column(first), "n", *headings],
        sections=[rows, overall[:1], overall[1:]] if overall[1:] else [rows, overall],
    )


def _test_cells(test: PairedTest | None) -> tuple[str, str, str]:
    if test is None:
        return (ABSENT,) * 3
    low, high = test.interval
    return (
        f"{test.difference:+.1f} [{low:+5.1f}, {high:+5.1f}]",
        f"{test.corrected:.3f}",
        f"{test.win_rate:.0%}",
    )


def _failures(comparison: Comparison) -> Iterator[Table]:
    """The table of how many translations were cut off, and how many repeat themselves, where that
    is known."""
    runs = comparison.runs
    first = runs[0].evaluation
    if all(run.evaluation.overall.repeats is None for run in runs):
        return

    def cells(name: str, rows: Sequence[Row]) -> list[str]:
        shares = [f"{_share(row.hit_limit, row.n)} / {number(row.repeats, '.1%')}" for row in rows]
        return [name, f"{rows[0].n:,}", number(rows[0].reference_repeats, ".1%"), *shares]

    by_bucket = zip(*(run.evaluation.buckets for run in runs), strict=True)
    yield Table(
        title="Share of the translations cut off / share that repeat themselves",
        header=[column(first), "n", "reference", *(run.label for run in runs)],
        sections=[
            [cells(rows[0].label, rows) for rows in by_bucket],
            [cells("all", [run.evaluation.overall for run in runs])],
        ],
    )


def _share(count: float | None, n: int) -> str:
    return ABSENT if count is None or not n else f"{count / n:.1%}"


def _others(comparison: Comparison) -> list[str]:
    """The metrics that all systems have besides the one that is shown by bucket."""
    all_of = [run.evaluation.signatures for run in comparison.runs]
    named = [name for name in all_of[0] if name != comparison.score]
    return [name for name in named if all(name in one for one in all_of)]


def _notes(comparison: Comparison) -> list[str]:
    runs = comparison.runs
    first = runs[0].evaluation
    metrics = (comparison.score, *_others(comparison))
    compared = {name: first.signatures[name] for name in first.signatures if name in metrics}
    searches = {run.label: _search(run.evaluation.search) for run in runs}
    texts = {run.label: text_settings(run.evaluation.text) for run in runs}
    samples = f"{first.bootstrap.samples:,}"
    tests = {
        "bootstrap": f"p: paired bootstrap (Koehn, 2004), {samples} samples",
        "randomization": f"p: approximate randomization (Riezler and Maxwell, 2005), two-sided, "
        f"{samples} trials",
    }
    return [
        *notes(replace(first, signatures=compared)),
        *(
            f"{run.label}: mean of the seeds {', '.join(map(str, run.seeds))}, ± their standard "
            f"deviation; intervals are over seeds and sentences"
            for run in runs
            if run.seeds
        ),
        *(
            ["p is of these seeds: the interval of a difference says how others may differ"]
            if comparison.pairs and any(run.seeds for run in runs)
            else []
        ),
        *(
            [
                tests[comparison.test],
                "p in a bucket is corrected for the number of buckets (Holm)",
                "wins: share of the bootstrap samples in which the system is better",
            ]
            if comparison.pairs
            else []
        ),
        *(
            f"{name} is not tested: say metric= with the config that names its class"
            for name in comparison.unknown
        ),
        *(
            [
                f"no tests: {', '.join(comparison.untested)}: made before results kept numbers of "
                f"each sentence; nmt-evaluate makes them again"
            ]
            if comparison.untested
            else []
        ),
        *(
            [
                "repeats itself: some four tokens in a row occur three times or more; reference: "
                "the share of the references that do"
            ]
            if first.overall.repeats is not None
            else []
        ),
        *_of_each("search", searches),
        *_of_each("text", texts),
    ]


def _of_each(name: str, said: Mapping[str, str]) -> list[str]:
    """A note on each run, given by its label; one note where they are alike."""
    if len({*said.values()}) == 1:
        return [f"{name}: {next(iter(said.values()))}"]
    return [f"{name} of {label}: {one}" for label, one in said.items()]


def _search(settings: Mapping[str, Any]) -> str:
    """Describes a search, such as "BeamSearch beam_size=5 length_penalty=1.0 precision=fp32"."""
    named = {**settings, "precision": settings.get("precision", "fp32")} if settings else {}
    options = [f"{name}={value}" for name, value in named.items() if name != "_target_"]
    kind = str(settings.get("_target_", "")).rpartition(".")[2]
    return " ".join([*([kind] if kind else []), *options]) or "unknown"
