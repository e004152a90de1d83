"""Charts as SVG that stands in an HTML page and takes its colours from the page's style."""

import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from nmt.report.plots import look_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, FAINT, GRID = "#010203", "#040506", "#070809"
"""Stand for colours that differ between a light and a dark page."""
_VARIABLES = {INK: "var(--ink)", FAINT: "var(--faint)", GRID: "var(--grid)"}
_STYLE = {
    "font.size": 11,
    "font.family": "sans-serif",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": GRID,
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "svg.fonttype": "none",
}


@dataclass(frozen=True)
class Curve:
    """One line of a chart: its points in order, None where there is no value."""

    x: Sequence[float]
    y: Sequence[float | None]


def svg(draw: Callable[["Axes"], None], *, title: str, height: float = 3.3) -> str:
    """The chart that ``draw`` draws, as an ``<svg>`` element that is as wide as its place.

    title: what a screen reader says. height: in inches, of a width of 5.4.
    """
    import matplotlib.style
    from matplotlib.figure import Figure

    hashed = {"svg.hashsalt": title}  # ids inside differ from those of the page's other charts
    with matplotlib.style.context(["default", _STYLE | hashed]):
        figure = Figure(figsize=(5.4, height), layout="constrained")
        figure.patch.set_alpha(0)
        axes = figure.add_subplot()
        axes.patch.set_alpha(0)
        draw(axes)
        written = io.StringIO()
        figure.savefig(written, format="svg", metadata={"Date": None})
    text = written.getvalue()
    tag, _, content = text[text.index("<svg") :].partition(">")
    tag = re.sub(r' (?:width|height)="[^"]*"', "", tag)
    content = re.sub(r"<metadata>.*?</metadata>\s*", "", content, flags=re.DOTALL)
    for colour, variable in _VARIABLES.items():
        content = content.replace(colour, variable)
    name = escape(title)
    return f'{tag} role="img" aria-label="{name}"><title>{name}</title>{content}'.strip()


def line_chart(
    curves: Mapping[str, Curve], *, title: str, x_label: str, y_label: str, markers: bool = True
) -> str:
    """A line for each label, as ``svg``. Colour, marker and dashes tell the lines apart."""

    def draw(axes: "Axes") -> None:
        for index, (label, curve) in enumerate(curves.items()):
            known = [(x, y) for x, y in zip(curve.x, curve.y, strict=True) if y is not None]
            axes.plot(
                [x for x, _ in known],
                [y for _, y in known],
                look_of(index).dashes,
                marker=look_of(index).marker if markers else "",
                color=look_of(index).colour,
                markersize=4.5,
                label=label,
            )
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        legend(axes)

    return svg(draw, title=title)


def legend(axes: "Axes") -> None:
    """The names of the lines, above the chart and below each other, as they may be long."""
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2)
