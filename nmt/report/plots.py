"""Plots. The same numbers always give the same bytes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nmt.evaluation.evaluation import Evaluation
from nmt.evaluation.metrics import METRICS
from nmt.report.tables import column, cut_described, heading

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's colours, which colour-blind readers can tell apart. Markers differ in print too.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES = ("-", "--", ":")
DODGE = 0.09  # distance between two systems in a bucket, whose width is 1


@dataclass(frozen=True)
class Look:
    """How a system looks in every chart."""

    colour: str
    marker: str
    dashes: str


def look_of(index: int) -> Look:
    """The look of the system of this place in the comparison."""
    return Look(
        COLOURS[index % len(COLOURS)],
        MARKERS[index % len(MARKERS)],
        DASHES[index // len(COLOURS) % len(DASHES)],
    )


_STYLE = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#555555",
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "svg.hashsalt": "nmt",
    "text.parse_math": False,
}


def plot_scores(
    evaluations: Mapping[str, Evaluation], paths: Sequence[Path], score: str = "bleu"
) -> None:
    """Draws a score by bucket with its intervals, one line for each system, into each of ``paths``.

    evaluations: by label, all with the same buckets. A path's suffix sets its format. A bucket with
    too few sentences has a hollow marker, one without sentences has none. score: a metric's name.
    """
    # Imported here because this takes longer than most commands.
    import matplotlib.style
    from matplotlib.figure import Figure

    with matplotlib.style.context(["default", _STYLE]):
        figure = Figure(figsize=(8, 5), layout="constrained")
        axes = figure.add_subplot()
        draw_scores(axes, evaluations, score)
        first = next(iter(evaluations.values()))
        by = f"{first.side} length" if first.by == "length" else column(first)
        figure.legend(
            loc="outside upper left",
            ncols=3,
            frameon=False,
            title=f"{heading(score)} by {by} on {first.test_set.name}",
            title_fontproperties={"weight": "bold", "size": 12},
            alignment="left",
        )
        drawn = "documents" if first.documents else "sentences"
        if any(e.overall.score(score).spread is not None for e in evaluations.values()):
            drawn += " and seeds"
        figure.supxlabel(
            f"bars: {first.bootstrap.level:.0%} bootstrap interval, {drawn} drawn; in brackets: "
            f"{heading(score)} of all sentences; hollow: too few to say much\n"
            f"{heading(score)}: {first.signatures[score]}",
            fontsize=7,
            color="#777777",
        )
        for path in paths:
            changing = "Date" if path.suffix == ".svg" else "Software"
            figure.savefig(path, dpi=160, metadata={changing: None})


def draw_scores(axes: "Axes", evaluations: Mapping[str, Evaluation], score: str) -> None:
    """Draws what ``plot_scores`` tells of, but for its headings and notes."""
    step, middle = min(DODGE, 0.7 / len(evaluations)), (len(evaluations) - 1) / 2
    for index, (label, evaluation) in enumerate(evaluations.items()):
        _draw(axes, label, evaluation, score, index, step * (index - middle))
    first = next(iter(evaluations.values()))
    axes.set_xlabel(cut_described(first))
    ticks = [f"{row.label}\nn = {row.n:,}" for row in first.buckets]
    axes.set_xticks(range(len(ticks)), ticks)
    axes.set_xlim(-0.5, len(ticks) - 0.5)
    axes.set_ylabel(heading(score))
    if score in METRICS:  # those of nmt start at 0
        axes.set_ylim(bottom=0)


def _draw(
    axes: "Axes", label: str, evaluation: Evaluation, score: str, index: int, shift: float
) -> None:
    look = look_of(index)
    colour, marker, dashes = look.colour, look.marker, look.dashes
    rows = evaluation.buckets
    scores = [row.score(score) for row in rows]
    values = [math.nan if one.value is None else one.value for one in scores]
    bounds = [one.interval or (math.nan, math.nan) for one in scores]
    at = [place + shift for place in range(len(rows))]
    # Each bar has its own middle, as a score may lie outside its interval.
    middles = [(low + high) / 2 for low, high in bounds]
    halves = [(high - low) / 2 for low, high in bounds]
    axes.errorbar(at, middles, halves, fmt="none", ecolor=colour, elinewidth=1.3, capsize=3)
    axes.plot(at, values, dashes, color=colour, linewidth=1.8)
    for place, value, row in zip(at, values, rows, strict=True):
        fill = "white" if row.too_few else colour
        axes.plot(place, value, marker, color=colour, markerfacecolor=fill, markersize=5.5)
    overall = evaluation.overall.score(score).value
    name = label if overall is None else f"{label} ({overall:.1f})"
    axes.plot([], [], dashes, color=colour, marker=marker, markersize=5.5, label=name)
