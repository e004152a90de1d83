import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from nmt.evaluation.evaluation import Score
from nmt.report.plots import plot_scores
from tests.report.evaluations import evaluation

EVALUATIONS = {"lstm": evaluation(), "transformer": evaluation(system="x")}


def test_the_same_numbers_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("first", "second"):
        plot_scores(EVALUATIONS, [tmp_path / f"{name}.png", tmp_path / f"{name}.svg"])
    for suffix in (".png", ".svg"):
        first = (tmp_path / f"first{suffix}").read_bytes()
        assert first == (tmp_path / f"second{suffix}").read_bytes()
    assert (tmp_path / "first.png").read_bytes().startswith(b"\x89PNG")
    svg = (tmp_path / "first.svg").read_text(encoding="utf-8")
    assert "</svg>" in svg
    assert "<dc:date>" not in svg


def test_every_system_and_interval_is_drawn(tmp_path: Path) -> None:
    def drawn(**evaluations: object) -> str:
        plot_scores(evaluations, [tmp_path / "plot.svg"])  # type: ignore[arg-type]  # no Evaluations
        return (tmp_path / "plot.svg").read_text(encoding="utf-8")

    one, two = drawn(a=evaluation()), drawn(a=evaluation(), b=evaluation())
    assert "#d55e00" not in one.lower()
    assert "#d55e00" in two.lower()
    rows = evaluation().buckets
    wider = replace(rows[0], scores={"bleu": Score(31.44, (20.0, 40.0))})
    assert drawn(a=evaluation(buckets=(wider, *rows[1:]))) != one


def test_the_score_and_the_cut_are_chosen(tmp_path: Path) -> None:
    plots = []
    for score, by in (("bleu", "length"), ("chrf", "length"), ("chrf", "label")):
        path = tmp_path / f"{score}-{by}.svg"
        plot_scores({"lstm": evaluation(by=by)}, [path], score)
        plots.append(path.read_bytes())
    assert len({*plots}) == 3


def test_a_score_outside_its_interval_and_systems_without_scores_can_be_drawn(
    tmp_path: Path,
) -> None:
    rows = evaluation().buckets
    outside = replace(rows[0], scores={"bleu": Score(50.0, (29.0, 33.0))})
    nothing = replace(rows[0], scores={"bleu": Score()})
    plot_scores(
        {
            f"system {i}": evaluation(buckets=(row, *rows[1:]))
            for i, row in enumerate([outside, nothing] * 5)
        },
        [tmp_path / "plot.png"],
    )
    assert (tmp_path / "plot.png").stat().st_size > 10_000


def test_matplotlib_is_imported_only_to_draw() -> None:
    program = "import sys, nmt.report.comparison; print('matplotlib' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"
