"""Several systems side by side on one test set: a table and a plot of BLEU by length."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from nmt.evaluation.evaluation import Evaluation, Row, differences
from nmt.report.plots import plot_bleu_by_length
from nmt.report.tables import (
    ABSENT,
    Table,
    count,
    described,
    duration,
    notes,
    ratio,
    score_cell,
)

_MAY_DIFFER = ("system", "test_set.name", "search.")


@dataclass(frozen=True, kw_only=True)
class ComparedRun:
    """A column of the comparison.

    label: its heading. parameters: of the model. training_seconds: None where unknown, as are the
    parameters of a system that is not ours.
    """

    label: str
    evaluation: Evaluation
    parameters: int | None = None
    training_seconds: float | None = None


def short_labels(names: Sequence[str]) -> list[str]:
    """The names without the parts between dashes that all share, if what is left tells them apart.

    ["demo-lstm-s1", "demo-transformer-s1"] -> ["lstm", "transformer"].
    """
    parts = [name.split("-") for name in names]
    shared = set.intersection(*(set(of_one) for of_one in parts))
    short = ["-".join(part for part in of_one if part not in shared) for of_one in parts]
    return short if all(short) and len(set(short)) == len(names) else list(names)


def check_comparable(runs: Sequence[ComparedRun]) -> None:
    """ValueError naming the run and the settings if runs were scored on different sentences or in
    different ways, or if two have the same label."""
    if not runs:
        raise ValueError("there is no run to compare: say runs=[DIR,DIR,...]")
    first, *others = runs
    for run in others:
        if differing := differences(_held_equal(run), _held_equal(first)):
            raise ValueError(
                f"{run.label} cannot be compared with {first.label}: {'; '.join(differing)} "
                f"(there: {run.label}, here: {first.label}); evaluate both in the same way"
            )
    labels = [run.label for run in runs]
    for label in labels:
        if labels.count(label) > 1:
            raise ValueError(f"two of the runs are called {label}: name each once")


def comparison_table(runs: Sequence[ComparedRun]) -> Table:
    """A row a bucket, then all sentences, then what each system costs; ValueError as from
    ``check_comparable``."""
    check_comparable(runs)
    evaluations = [run.evaluation for run in runs]
    first = evaluations[0]
    overall = [e.overall for e in evaluations]
    by_length = list(zip(*(e.buckets for e in evaluations), strict=True))
    return Table(
        title=described(first),
        header=[first.unit, "n", *(cell for run in runs for cell in (run.label, "ratio"))],
        sections=[
            [_scores(rows[0].label, rows) for rows in by_length],
            [_scores("all", overall)],
            [
                _facts("chrF", [score_cell(r.chrf, r.chrf_ci, r) for r in overall]),
                _facts("cut off", [count(row.hit_limit) for row in overall]),
                _facts("parameters", [count(run.parameters) for run in runs]),
                _facts("training", [duration(run.training_seconds) for run in runs]),
                _facts("sentences/s", [_speed(e) for e in evaluations]),
            ],
        ],
        notes=[*notes(first), *_searches(runs)],
    )


def write_comparison(runs: Sequence[ComparedRun], directory: Path) -> list[Path]:
    """Write the table in Markdown and the plot as PNG and SVG, each whole or not at all, and return
    their paths.

    ValueError as from ``check_comparable``, before anything is written.
    """
    table = comparison_table(runs)
    names = ["comparison.md", "bleu_by_length.png", "bleu_by_length.svg"]
    directory.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=directory) as scratch:
        page, *plots = (Path(scratch) / name for name in names)
        plot_bleu_by_length({run.label: run.evaluation for run in runs}, plots)
        page.write_text(
            f"{table.markdown()}\n![{table.title}]({plots[0].name})\n", encoding="utf-8"
        )
        for path in (page, *plots):
            path.replace(directory / path.name)
    return [directory / name for name in names]


def _held_equal(run: ComparedRun) -> dict[str, Any]:
    """What two evaluations must agree in, the sentences in each bucket among it: equal settings
    still cut other buckets where two tokenizers count other subwords."""
    settings = run.evaluation.settings()
    equal = {k: v for k, v in settings.items() if not k.startswith(_MAY_DIFFER)}
    return equal | {f"n in bucket {row.label}": row.n for row in run.evaluation.buckets}


def _scores(name: str, rows: Sequence[Row]) -> list[str]:
    cells = [
        cell
        for row in rows
        for cell in (score_cell(row.bleu, row.bleu_ci, row), ratio(row.length_ratio))
    ]
    return [name, count(rows[0].n), *cells]


def _facts(name: str, facts: Sequence[str]) -> list[str]:
    return [name, "", *(cell for fact in facts for cell in (fact, ""))]


def _speed(evaluation: Evaluation) -> str:
    return f"{evaluation.test_set.n / evaluation.seconds:.1f}" if evaluation.seconds else ABSENT


def _searches(runs: Sequence[ComparedRun]) -> list[str]:
    """Once if all were translated by the same search, else each."""
    said = {run.label: _search(run.evaluation.search) for run in runs}
    if len(set(said.values())) == 1:
        return [f"search: {said[runs[0].label]}"]
    return [f"search of {label}: {search}" for label, search in said.items()]


def _search(settings: Mapping[str, Any]) -> str:
    """Such as "BeamSearch beam_size=5 length_penalty=1.0"."""
    options = [f"{name}={value}" for name, value in settings.items() if name != "_target_"]
    kind = str(settings.get("_target_", "")).rpartition(".")[2]
    return " ".join([*([kind] if kind else []), *options]) or "unknown"
