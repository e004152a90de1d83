"""What ``make demo`` prints last."""

import json
import shutil
from pathlib import Path

import nmt
from nmt.evaluation.evaluation import Evaluation
from nmt.report.comparison import compare_runs
from scripts.demo_answer import alignment, answer, beyond_chance, examples
from tests.report.evaluations import ROW, evaluation
from tests.report.test_systems import run

FROZEN = Path(__file__).parents[1] / "frozen_run" / "format_1"


def with_bleu(*values: float) -> Evaluation:
    plain = evaluation()
    rows = [
        ROW | {"label": f"{10 * place}-", "low": place, "high": place + 1, "bleu": bleu}
        for place, bleu in enumerate(values)
    ]
    return plain.from_dict(plain.as_dict() | {"buckets": rows})


def test_the_answer_says_who_is_best_where_and_what_each_keeps() -> None:
    lines = list(answer({"one": with_bleu(50, 40, 10, 20), "other": with_bleu(60, 30, 20, 30)}))
    assert lines[1:] == [
        "  Best by BLEU: other at 0- words, one at 10- words, other at 20- to 30- words.",
        "  one: 50.0 BLEU in sentences of 0- words, 20.0 at 30-, so it keeps 40%.",
        "  other: 60.0 BLEU in sentences of 0- words, 30.0 at 30-, so it keeps 50%.",
    ]
    assert list(answer({"x": evaluation()}))[-1].endswith("0.0 at 20+, so it keeps 0%.")


def test_examples_and_an_alignment_come_from_the_runs(tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(FROZEN, run)
    manifest = json.loads((run / "manifest.json").read_text())
    for side in ("src", "tgt"):
        (run / f"tests/small.{side}").rename(run / f"tests/test.{side}")
        manifest["files"][f"tests/test.{side}"] = manifest["files"].pop(f"tests/small.{side}")
    (run / "manifest.json").write_text(json.dumps(manifest))
    quick = ["search=greedy", "device=cpu", "bootstrap.samples=5", "metrics=[bleu]"]
    nmt.evaluate(f"run={run}", "test=test", *quick)
    shown = "\n".join(examples([run], ["small"]))
    sources = (run / "tests/test.src").read_text().splitlines()
    place = next(n for n, line in enumerate(sources) if len(line.split()) < 10)
    source = sources[place]
    translation = (run / "evaluation/test/hypotheses.txt").read_text().splitlines()[place]
    assert f"source     {source}\n" in shown and f"small      {translation}\n" in shown
    first, *words = alignment([run])
    assert first.startswith("I love you. -> ") and first.endswith("(run)")
    assert all(" <- " in word for word in words) and words


def test_it_says_where_differences_are_more_than_chance() -> None:
    runs = [run("a", worse=2), run("b", worse=30), run("c", worse=30)]
    lines = list(beyond_chance(compare_runs(runs)))
    assert lines[0] == "  b and a differ by more than chance (p < 0.05) at 0-2 to 5+ words."
    assert lines[1] == "  c and b differ by more than chance (p < 0.05) at no length."
