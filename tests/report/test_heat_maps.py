import json
import re
from pathlib import Path

import numpy as np
import pytest

from nmt.report.heat_maps import END, HeatMap

RESULTS = Path(__file__).parents[2] / "data" / "results" / "demo"
WEIGHTS = np.array([[0.7, 0.1, 0.1, 0.1], [0.1, 0.5, 0.3, 0.1], [0.0, 0.0, 0.2, 0.8]])
MAP = HeatMap("run: attention of layer 1", ["I", "love", "$you$."], ["Je", "t'aime."], WEIGHTS)


def texts(path: Path) -> list[str]:
    """What matplotlib writes into an SVG, beside the outlines of the letters."""
    return re.findall(r"<!-- (.*?) -->", path.read_text(encoding="utf-8"))


def test_the_same_numbers_give_the_same_bytes(tmp_path: Path) -> None:
    for suffix in (".svg", ".png", ".json"):
        first, second = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
        MAP.write([first])
        MAP.write([second])
        assert first.read_bytes() == second.read_bytes()
        assert first.stat().st_size < 60_000


def test_words_and_ends_stand_on_both_axes_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "map.svg"
    MAP.write([path])
    percents = [f"{100 * value:.0f}" for value in WEIGHTS.flat]
    about = [text for text in texts(path) if text.startswith("percent of")]
    wanted = [MAP.title, *MAP.source, *MAP.target, END, END, *percents, *about]
    assert sorted(texts(path)) == sorted(wanted)
    HeatMap("next", MAP.source, MAP.target, WEIGHTS[:2]).write([path])
    assert texts(path).count(END) == 1  # only the source's


def test_a_long_sentence_has_no_numbers_in_its_cells(tmp_path: Path) -> None:
    words = [f"w{n}" for n in range(16)]
    path = tmp_path / "map.svg"
    HeatMap("long", words, [*words[:-1], "x" * 60], np.full((16, 17), 1 / 17)).write([path])
    assert "6" not in texts(path)
    assert {*words[:-1], "x" * 23 + "\u2026"} <= set(texts(path))


def test_numbers_are_written_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "map.json"
    MAP.write([path])
    again = HeatMap.read(path)
    assert (again.title, again.source, again.target) == (MAP.title, MAP.source, MAP.target)
    assert again.weights.tolist() == WEIGHTS.tolist()
    assert set(json.loads(path.read_text())) == {"title", "source", "target", "weights"}


def test_other_formats_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"heat_map=.*map\.jpg ends in none of \.svg, \.png"):
        MAP.write([tmp_path / "map.jpg"])


def test_where_the_demo_looks_in_i_love_you() -> None:
    """Of the demo's attention model, whose picture is in README.md; RESULTS.md has the command.
    "t'aime." is love before it is anything else. "Je" needs the subject, and who is loved."""
    shown = HeatMap.read(RESULTS / "i_love_you.json")
    assert (shown.source, shown.target) == (["I", "love", "you."], ["Je", "t'aime."])
    je, aime, end = shown.weights
    assert aime.argmax() == shown.source.index("love")
    assert je[0] + je[2] > 0.75 > 4 * je[1]
    assert end[:2].sum() < 0.1  # at the end it looks at the full stop, and at the end
    assert shown.weights.sum(axis=1) == pytest.approx([1, 1, 1], abs=0.01)
    assert (RESULTS / "i_love_you.svg").is_file()
