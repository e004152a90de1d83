"""Heat maps of attention. The same numbers always give the same bytes."""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nmt.files import replace_files, replace_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

END = "end of sentence"
FORMATS = (".svg", ".png", ".json")
_MOST_NUMBERS = 15  # words of a side; where there are more, cells are too small for numbers
_LONGEST_WORD = 24

_STYLE = {
    "font.size": 9,
    "axes.edgecolor": "#555555",
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "svg.hashsalt": "nmt",
    "text.parse_math": False,
}


@dataclass(frozen=True, eq=False)
class HeatMap:
    """Attention in one pair. weights: (target words, source words + 1), or with a last row for the
    end that the model wrote; the last column is the end of the source. title: says of what."""

    title: str
    source: Sequence[str]
    target: Sequence[str]
    weights: NDArray[np.float64]

    def __post_init__(self) -> None:
        rows, columns = self.weights.shape
        assert columns == len(self.source) + 1 and rows - len(self.target) in (0, 1)

    def write(self, paths: Sequence[Path]) -> None:
        """Writes a file for each path, which its suffix makes a drawing or, ``.json``, the numbers.
        Raises ValueError for another suffix."""
        check_formats(paths)
        for path in paths:
            if path.suffix == ".json":
                rows = [[round(value, 4) for value in row] for row in self.weights.tolist()]
                values = {"title": self.title, "source": self.source, "target": self.target}
                text = json.dumps(values | {"weights": rows}, ensure_ascii=False, indent=1)
                replace_text(path, text + "\n")
        if drawings := [path for path in paths if path.suffix != ".json"]:
            replace_files(self._drawn(drawings))

    @classmethod
    def read(cls, path: Path) -> "HeatMap":
        """What ``write`` wrote into a ``.json`` file."""
        values = json.loads(path.read_text(encoding="utf-8"))
        weights = np.array(values.pop("weights"), dtype=np.float64)
        return cls(weights=weights, **values)

    def _drawn(self, paths: Sequence[Path]) -> dict[Path, bytes]:
        """The content of each file."""
        # Imported here because this takes longer than most commands.
        import matplotlib.style
        from matplotlib.figure import Figure

        rows, columns = self.weights.shape
        with matplotlib.style.context(["default", _STYLE]):
            size = (2.2 + 0.42 * columns, 1.6 + 0.36 * rows)
            figure = Figure(figsize=size, layout="constrained")
            axes = figure.add_subplot()
            # Not pcolormesh: an image of one pixel a word stays small as an SVG.
            axes.imshow(self.weights, cmap="Blues", vmin=0, vmax=1, aspect="auto")
            ended = rows > len(self.target)
            _name(axes, self.source, [*self.target, *([None] if ended else [])])
            if max(rows, columns) <= _MOST_NUMBERS:
                for (row, column), weight in np.ndenumerate(self.weights):
                    colour = "white" if weight > 0.5 else "#333333"
                    percent = f"{100 * weight:.0f}"
                    axes.text(column, row, percent, ha="center", va="center", color=colour, size=8)
            figure.suptitle(self.title, size=9, x=0.01, ha="left")
            about = "percent of a target word's attention; white 0, dark blue 100"
            figure.supxlabel(about, size=7, color="#777777")
            made = {}
            for path in paths:
                changing = "Date" if path.suffix == ".svg" else "Software"
                drawn = io.BytesIO()
                kind = path.suffix.removeprefix(".")
                figure.savefig(drawn, format=kind, dpi=160, metadata={changing: None})
                made[path] = drawn.getvalue()
            return made


def check_formats(paths: Sequence[Path]) -> None:
    """ValueError for a path whose suffix is none of ``FORMATS``."""
    for path in paths:
        if path.suffix not in FORMATS:
            raise ValueError(f"heat_map={path} ends in none of {', '.join(FORMATS)}")


def _name(axes: "Axes", source: Sequence[str], target: Sequence[str | None]) -> None:
    """Words on both axes, the source's above; the ends in grey italics."""
    axes.xaxis.tick_top()
    columns = [*source, None]
    axes.set_xticks(range(len(columns)), [_shown(word) for word in columns])
    for label in axes.get_xticklabels():
        label.set(rotation=60, ha="left", rotation_mode="anchor")
    axes.set_yticks(range(len(target)), [_shown(word) for word in target])
    for labels, words in ((axes.get_xticklabels(), columns), (axes.get_yticklabels(), target)):
        for label, word in zip(labels, words, strict=True):
            if word is None:
                label.set(style="italic", color="#777777")


def _shown(word: str | None) -> str:
    if word is None:
        return END
    return word if len(word) <= _LONGEST_WORD else word[: _LONGEST_WORD - 1] + "…"
