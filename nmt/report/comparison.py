"""Compares systems on one test set: a table and a plot of BLEU by length."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from nmt.evaluation.evaluation import Evaluation, Row
from nmt.evaluation.recipe import differences
from nmt.report.plots import plot_bleu_by_length
from nmt.report.tables import (
    Table,
    described,
    duration,
    heading,
    notes,
    number,
    score_cell,
    text_settings,
)

_MAY_DIFFER = ("system", "test_set.name", "search.", "text.normalization", "text.source_prefix")
"""What belongs to a system, and the name of the same sentences."""
_MAY_BE_UNKNOWN = ("test_set.sha256_src", "text.", "signatures.")
"""What runs must share where both have it: the sources, which not all scores need; what was done
with the text, which is known of our own runs; and the metrics, of which some were not asked for."""


@dataclass(frozen=True, kw_only=True)
class ComparedRun:
    """A column of the comparison.

    label: its heading. parameters: their number in the model. This and training_seconds are None
    for a system that is not one of our runs.
    """

    label: str
    evaluation: Evaluation
    parameters: int | None = None
    training_seconds: float | None = None


def short_labels(names: Sequence[str]) -> list[str]:
    """Removes the parts between dashes that all names share, if the rest still differs:
    ["demo-lstm-s1", "demo-transformer-s1"] -> ["lstm", "transformer"]."""
    parts = [name.split("-") for name in names]
    shared = set.intersection(*(set(of_one) for of_one in parts))
    short = ["-".join(part for part in of_one if part not in shared) for of_one in parts]
    return short if all(short) and len(set(short)) == len(names) else list(names)


def check_comparable(runs: Sequence[ComparedRun]) -> None:
    """Raises ValueError if runs were scored on different sentences or in different ways, or their
    text was treated in different ways, naming what differs, or if two have the same label."""
    if not runs:
        raise ValueError("there is no run to compare: say runs=[DIR,DIR,...]")
    for first, run in combinations(runs, 2):
        there, here = _held_equal(run), _held_equal(first)
        if differing := differences(_shared(there, here), _shared(here, there)):
            raise ValueError(
                f"{run.label} cannot be compared with {first.label}: {'; '.join(differing)} "
                f"(there: {run.label}, here: {first.label}); evaluate both in the same way"
            )
    for label, times in Counter(run.label for run in runs).items():
        if times > 1:
            raise ValueError(f"two of the runs are called {label}: name each once")


def comparison_table(runs: Sequence[ComparedRun]) -> Table:
    """BLEU by length and of all sentences, then the other scores of all sentences that all runs
    have, then the costs of each system. Raises what ``check_comparable`` raises."""
    check_comparable(runs)
    evaluations = [run.evaluation for run in runs]
    first = evaluations[0]
    overall = [e.overall for e in evaluations]
    by_length = zip(*(e.buckets for e in evaluations), strict=True)
    speeds = [e.test_set.n / e.seconds if e.seconds else None for e in evaluations]
    others = [name for name in first.signatures if name != "bleu"]
    others = [name for name in others if all(name in e.signatures for e in evaluations)]
    compared = {name: first.signatures[name] for name in ("bleu", *others)}
    facts = {  # a cell for each run; below the ratios there is none
        **{heading(m): [score_cell(row.score(m), row) for row in overall] for m in others},
        "cut off": [number(row.hit_limit, ",") for row in overall],
        "parameters": [number(run.parameters, ",") for run in runs],
        "training": [duration(run.training_seconds) for run in runs],
        "sentences/s": [number(speed, ".1f") for speed in speeds],
    }
    searches = {run.label: _search(run.evaluation.search) for run in runs}
    texts = {run.label: text_settings(run.evaluation.text) for run in runs}
    return Table(
        title=described(first),
        header=[first.unit, "n", *(cell for run in runs for cell in (run.label, "ratio"))],
        sections=[
            [_scores(rows[0].label, rows) for rows in by_length],
            [_scores("all", overall)],
            [
                [name, "", *(c for cell in cells for c in (cell, ""))]
                for name, cells in facts.items()
            ],
        ],
        notes=[
            *notes(replace(first, signatures=compared)),
            *_of_each("search", searches),
            *_of_each("text", texts),
        ],
    )


def write_comparison(runs: Sequence[ComparedRun], directory: Path) -> list[Path]:
    """Writes the table in Markdown and the plot as PNG and SVG, each whole or not at all, and
    returns their paths. Raises what ``check_comparable`` raises, before it writes anything."""
    table = comparison_table(runs)
    names = ["comparison.md", "bleu_by_length.png", "bleu_by_length.svg"]
    directory.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=directory) as scratch:
        page, *plots = (Path(scratch) / name for name in names)
        plot_bleu_by_length({run.label: run.evaluation for run in runs}, plots)
        image = f"![{table.title}]({plots[0].name})"
        page.write_text(f"{table.markdown()}\n{image}\n", encoding="utf-8")
        for path in (page, *plots):
            path.replace(directory / path.name)
    return [directory / name for name in names]


def _held_equal(run: ComparedRun) -> dict[str, Any]:
    """The settings that all runs must share, and the number of sentences in each bucket. Equal
    settings can give different buckets where two tokenizers count different subwords."""
    settings = run.evaluation.settings()
    equal = {k: v for k, v in settings.items() if not k.startswith(_MAY_DIFFER)}
    return equal | {f"n in bucket {row.label}": row.n for row in run.evaluation.buckets}


def _shared(settings: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    """The settings without those that the other run need not have and does not know."""
    return {
        name: value
        for name, value in settings.items()
        if others.get(name) is not None or not name.startswith(_MAY_BE_UNKNOWN)
        if value is not None or not name.startswith(_MAY_BE_UNKNOWN)
    }


def _scores(name: str, rows: Sequence[Row]) -> list[str]:
    cells = [name, f"{rows[0].n:,}"]
    for row in rows:
        cells += [score_cell(row.score("bleu"), row), number(row.length_ratio, ".2f")]
    return cells


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
