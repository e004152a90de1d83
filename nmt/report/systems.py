"""The systems of a comparison: runs that were scored alike; seeds of one config are one system."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from statistics import mean
from typing import Any

from nmt.evaluation.buckets import Bucket, Ints
from nmt.evaluation.evaluation import Evaluation
from nmt.evaluation.from_table import evaluation_of, evaluation_of_seeds, selected
from nmt.evaluation.metrics import METRICS, Metric
from nmt.evaluation.recipe import Scoring, differences
from nmt.evaluation.scorer import Scorer
from nmt.evaluation.sentence_table import SentenceTable

_MAY_DIFFER = ("system", "test_set.name", "search.", "text.normalization", "text.source_prefix")
"""What belongs to a system, and the name of the same sentences."""
_MAY_BE_UNKNOWN = ("test_set.sha256_src", "text.", "signatures.")
"""What runs must share where both have it: the sources, which not all scores need; what was done
with the text, which is known of our own runs; and the metrics, of which some were not asked for."""


@dataclass(frozen=True, kw_only=True)
class ComparedRun:
    """A column of the comparison: a run, or several that differ in their seed only.

    label: its heading. evaluation: of several seeds, the means. tables: of each seed what is known
    of its sentences; () where a result was made before such tables. seeds: () where unknown.
    parameters: their number in the model. This and training_seconds are None for a system that is
    not one of our runs. options: of its training, by dotted name; {} where unknown. place: the
    directory of the run, or of its first seed, or a file of translations.
    """

    label: str
    evaluation: Evaluation
    tables: tuple[SentenceTable, ...] = ()
    seeds: tuple[int, ...] = ()
    parameters: int | None = None
    training_seconds: float | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    place: Path | None = None


@dataclass(frozen=True, kw_only=True)
class View:
    """Which sentences a comparison shows, and how it divides them.

    Each is None, or {}, for what the results themselves say. by, side, edges, quantiles: see
    ``Scoring``. only: see ``selected``. labels: of each sentence.
    """

    by: str | None = None
    side: str | None = None
    edges: Sequence[int] | None = None
    quantiles: int | None = None
    only: Mapping[str, Any] = field(default_factory=dict)
    labels: Sequence[str] | None = None

    def named(self) -> list[str]:
        """What it shows other than the results themselves, each a word such as "by_rare"."""
        given: dict[str, Any] = {"by": self.by, "side": self.side, "quantiles": self.quantiles}
        given |= {"edges": self.edges, **self.only}
        return [
            "_".join([name, *map(str, value if isinstance(value, list) else [value])])
            for name, value in given.items()
            if value is not None
        ]

    def changes(self) -> bool:
        """Whether it shows anything but the results as they are."""
        given = (self.by, self.side, self.edges, self.quantiles)
        return bool(self.only) or any(one is not None for one in given)


def short_labels(names: Sequence[str]) -> list[str]:
    """Removes the parts between dashes that all names share, if the rest still differs:
    ["demo-lstm-s1", "demo-transformer-s1"] -> ["lstm", "transformer"]."""
    parts = [name.split("-") for name in names]
    shared = set.intersection(*(set(of_one) for of_one in parts))
    short = ["-".join(part for part in of_one if part not in shared) for of_one in parts]
    return short if all(short) and len(set(short)) == len(names) else list(names)


def check_comparable(runs: Sequence[ComparedRun], *, cut: bool = True, text: bool = True) -> None:
    """Raises ValueError if runs were scored on different sentences or in different ways, or their
    text was treated in different ways, naming what differs, or if two have the same label.

    cut: whether their sentences must be divided alike. text: whether it must be treated alike.
    """
    may_differ = list(_MAY_DIFFER)
    may_differ += [] if cut else ["by", "side", "edges", "quantiles"]
    may_differ += [] if text else ["text."]
    if not runs:
        raise ValueError("there is no run to compare: say runs=[DIR,DIR,...]")
    for first, run in combinations(runs, 2):
        there, here = _held_equal(run, may_differ), _held_equal(first, may_differ)
        differing = differences(_shared(there, here), _shared(here, there))
        if not differing and cut:  # two tokenizers may count different subwords
            differing = differences(_sizes(run), _sizes(first))
        if differing:
            raise ValueError(
                f"{run.label} cannot be compared with {first.label}: {'; '.join(differing)} "
                f"(there: {run.label}, here: {first.label}); evaluate both in the same way"
            )
    for label, times in Counter(run.label for run in runs).items():
        if times > 1:
            raise ValueError(f"two of the runs are called {label}: name each once")


def known_scorer(runs: Sequence[ComparedRun], own: Mapping[str, Metric]) -> Scorer:
    """Scores the counts in the tables of all runs, by the metrics that all have and that are known
    here. own: metrics besides those of nmt."""
    shared = set.intersection(*(set(run.evaluation.signatures) for run in runs))
    return Scorer(
        metrics=[name for name in runs[0].evaluation.signatures if name in shared & {*METRICS}],
        own={name: metric for name, metric in own.items() if name in shared},
    )


def viewed(
    runs: Sequence[ComparedRun], view: View, scorer: Scorer
) -> tuple[list[ComparedRun], list[tuple[Bucket, Ints]]]:
    """The runs with the scores of a view, and its buckets with the sentences of each; no buckets if
    a run has no table. Raises ValueError if the view needs the tables and a run has none."""
    for run in runs:
        if not run.tables and (view.changes() or view.labels is not None):
            raise ValueError(
                f"the result of {run.label} was made before results kept numbers of each sentence: "
                f"run nmt-evaluate again to divide or choose its sentences"
            )
    if not all(run.tables for run in runs):
        return list(runs), []
    if view.labels is not None:
        runs = [_labelled(run, view.labels) for run in runs]
    first = runs[0].evaluation
    cut: dict[str, Any] = {
        name: getattr(first, name) for name in ("by", "side", "edges", "quantiles")
    }
    if view.changes():
        by = view.by or first.by
        kept = by == first.by and view.edges is None and view.quantiles is None
        scoring = Scoring(
            by=by,
            side=view.side or first.side,
            edges=(first.edges or None) if kept and by != "label" else view.edges,
            quantiles=first.quantiles if kept else view.quantiles,
        )
        cut = {name: getattr(scoring, name) for name in cut}
        only = dict(view.only)
        chosen = selected(runs[0].tables[0], only)
        runs = [
            replace(run, tables=tuple(table.select(chosen) for table in run.tables)) for run in runs
        ]
    parts = runs[0].tables[0].divided(**cut)
    if view.changes():
        seen = []
        for run in runs:
            recipe = replace(run.evaluation, **cut, only=only)
            made = evaluation_of(recipe, run.tables[0], parts, scorer)
            rows = {name: getattr(made, name) for name in ("overall", "buckets", "documents")}
            known = {name: recipe.signatures[name] for name in scorer.metrics}
            seen.append(replace(run, evaluation=replace(recipe, **rows, signatures=known)))
        runs = seen
    return list(runs), parts


def grouped(
    runs: Sequence[ComparedRun], parts: Sequence[tuple[Bucket, Ints]], scorer: Scorer
) -> list[ComparedRun]:
    """Puts seeds of one config together, in the place of the first of them."""
    groups: dict[str, list[ComparedRun]] = {}
    for run in runs:
        groups.setdefault(_config(run) or f"label {run.label}", []).append(run)
    found: list[ComparedRun] = []
    names = Counter(_shared_name([run.label for run in several]) for several in groups.values())
    for several in groups.values():
        seeds = [run.options.get("seed", 0) for run in several]
        if len(several) == 1 or len(set(seeds)) < len(seeds):
            found += several
            continue
        tables = tuple(table for run in several for table in run.tables)
        tables = tables if len(tables) == len(several) else ()
        label = _shared_name([run.label for run in several])
        times = [run.training_seconds for run in several if run.training_seconds is not None]
        made = evaluation_of_seeds([run.evaluation for run in several], tables, parts, scorer)
        found.append(
            replace(
                several[0],
                label=label if names[label] == 1 else several[0].label,
                evaluation=made,
                tables=tables,
                seeds=tuple(map(int, seeds)),
                training_seconds=mean(times) if len(times) == len(several) else None,
            )
        )
    return found


def _config(run: ComparedRun) -> str:
    """What the seeds of one config share; "" where it is not known."""
    if type(run.options.get("seed")) is not int:
        return ""
    options = {name: value for name, value in run.options.items() if name != "seed"}
    settings = run.evaluation.settings().items()
    made = {name: value for name, value in settings if name.startswith(("search.", "text."))}
    return json.dumps([options, made], sort_keys=True, default=str)


def _shared_name(labels: Sequence[str]) -> str:
    """The parts between dashes that all labels have: ["lstm-s1", "lstm-s2"] -> "lstm"."""
    first, *others = (label.split("-") for label in labels)
    return "-".join(part for part in first if all(part in other for other in others)) or labels[0]


def _labelled(run: ComparedRun, labels: Sequence[str]) -> ComparedRun:
    n = len(run.tables[0])
    if len(labels) != n:
        raise ValueError(f"labels= has {len(labels):,} lines for {n:,} sentences")
    tables = [replace(one, names={**one.names, "label": tuple(labels)}) for one in run.tables]
    return replace(run, tables=tuple(tables))


def _held_equal(run: ComparedRun, may_differ: Sequence[str]) -> dict[str, Any]:
    """The settings that all runs must share."""
    settings = run.evaluation.settings().items()
    return {name: value for name, value in settings if not name.startswith(tuple(may_differ))}


def _sizes(run: ComparedRun) -> dict[str, Any]:
    return {f"n in bucket {row.label}": row.n for row in run.evaluation.buckets}


def _shared(settings: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    """The settings without those that the other run need not have and does not know."""
    return {
        name: value
        for name, value in settings.items()
        if others.get(name) is not None or not name.startswith(_MAY_BE_UNKNOWN)
        if value is not None or not name.startswith(_MAY_BE_UNKNOWN)
    }
