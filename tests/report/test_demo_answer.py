"""What ``make demo`` prints last."""

import json
import shutil
from pathlib import Path

import nmt
from scripts.demo_answer import alignment, examples

FROZEN = Path(__file__).parents[1] / "frozen_run" / "format_1"


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
