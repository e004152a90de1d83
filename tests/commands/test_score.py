import json
import logging
import math
import re
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import DictConfig

from nmt.commands import score as scoring
from nmt.commands.score import aligned, perplexity
from nmt.commands.score import main as score
from nmt.data.text_files import Lines
from nmt.tokenizer import BOS, EOS
from nmt.translator import PairScore, Translator
from tests.runs import untrained_run

Compose = Callable[..., DictConfig]
SOURCES = ["the cat sat", "", "a dog", "", "home", "the cat sat"]
TARGETS = ["le chat dort", "", "", "un chien", "\u00e9", "rentre"]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    for name, lines in {"src": SOURCES, "tgt": TARGETS}.items():
        (tmp_path / name).write_text("".join(f"{line}\n" for line in lines))
    return untrained_run(tmp_path / "run")


def rows_of(path: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def by_hand(translator: Translator, source: str, target: str) -> tuple[float, int]:
    """Token by token, as a person would add it up."""
    src = [*translator.tokenizer.encode_src([source])[0], EOS]
    tgt = [*translator.tokenizer.encode_tgt([target])[0], EOS]
    total = 0.0
    for place, token in enumerate(tgt):
        encoded = translator.model.encode(torch.tensor([src]))
        features = translator.model.decode(torch.tensor([[BOS, *tgt[:place]]]), encoded)
        logits = translator.model.project(features)[0, -1]
        total += math.log(torch.softmax(logits.double(), dim=-1)[token])
    return total, len(tgt)


def test_each_pair_and_all_have_the_sum_of_their_tokens(
    composed: Compose, run: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    options = [f"run={run}", "source=src", "target=tgt", "device=cpu"]
    score(composed("score", *options, "output=out"))
    translator = Translator.load(run, device="cpu")
    found = [line.split("\t") for line in Path("out").read_text().split("\n")[:-1]]
    assert found[1] == ["0.000000", "0", "nan"]
    total, tokens = 0.0, 0
    with torch.inference_mode():
        for place in (0, 2, 3, 4, 5):
            log_prob, count = by_hand(translator, SOURCES[place], TARGETS[place])
            assert float(found[place][0]) == pytest.approx(log_prob, abs=1e-4)
            assert found[place][1] == str(count)
            assert float(found[place][2]) == pytest.approx(math.exp(-log_prob / count), rel=1e-4)
            total, tokens = total + log_prob, tokens + count
    said = re.findall(r"-?\d+\.?\d*", caplog.records[-1].getMessage())
    wanted = [6, tokens, total, math.exp(-total / tokens)]
    assert [float(number) for number in said] == pytest.approx(wanted, rel=1e-4)
    score(composed("score", *options, "output=rows", "format=jsonl"))
    rows = rows_of("rows")
    assert [row["id"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert [(row["src"], row["tgt"]) for row in rows] == list(zip(SOURCES, TARGETS, strict=True))
    assert [f"{row['log_prob']:.6f}" for row in rows] == [cells[0] for cells in found]
    assert rows[1]["perplexity"] is None


def test_several_runs_score_as_one(composed: Compose, run: Path, tmp_path: Path) -> None:
    other = untrained_run(tmp_path / "other", seed=2)
    options = ["source=src", "target=tgt", "device=cpu", "format=jsonl"]
    probabilities = []
    for output, runs in {"1": run, "2": other, "both": f"[{run},{other}]"}.items():
        score(composed("score", f"run={runs}", f"output={output}", *options))
        rows = rows_of(output)
        probabilities.append(rows[2]["log_prob"])  # of one token, the end
    one, two, both = map(math.exp, probabilities)
    assert both == pytest.approx((one + two) / 2, rel=1e-4)
    assert one != pytest.approx(two, rel=1e-2)


class Lengths:
    """Stands in for a translator."""

    def score_pairs(self, pairs: Sequence[tuple[str, str]]) -> list[PairScore]:
        return [PairScore(-float(len(src)), len(tgt)) for src, tgt in pairs]


@pytest.fixture
def lengths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "load_translator", lambda config: Lengths())


@pytest.mark.usefixtures("lengths", "run")
def test_standard_output_holds_a_line_a_pair(composed: Compose, capfdbinary: Any) -> None:
    score(composed("score", "run=x", "source=src", "target=tgt"))
    assert capfdbinary.readouterr().out.count(b"\n") == len(SOURCES)


@pytest.mark.usefixtures("lengths")
@pytest.mark.parametrize("longer", ["src", "tgt"])
def test_a_missing_line_is_said(composed: Compose, tmp_path: Path, longer: str) -> None:
    shorter = {"src": "tgt", "tgt": "src"}[longer]
    (tmp_path / longer).write_text("a\nb\n\n")
    (tmp_path / shorter).write_text("c\nd\n")
    with pytest.raises(ValueError, match=f"{shorter} has 2 lines, but {longer} has more"):
        score(composed("score", "run=x", "source=src", "target=tgt", "output=out"))
    assert Path("out").read_text() == "-1.000000\t1\t2.718282\n" * 2


@pytest.mark.parametrize("output", ["src", "tgt"])
@pytest.mark.usefixtures("lengths", "run")
def test_what_is_read_is_not_written(composed: Compose, output: str) -> None:
    before = Path(output).read_bytes()
    with pytest.raises(ValueError, match=f"{output} would be read and written at once"):
        score(composed("score", "run=x", "source=src", "target=tgt", f"output={output}"))
    assert Path(output).read_bytes() == before


class Trickle(BytesIO):
    def read1(self, size: int | None = -1, /) -> bytes:
        return super().read1(3)


def test_lines_stay_in_step_however_they_come() -> None:
    numbers = range(40)
    src = Lines(BytesIO("".join(f"s{n}\n" for n in numbers).encode()), "src")
    tgt = Lines(Trickle("".join(f"target {n}\n" for n in numbers).encode()), "tgt")
    pairs = [pair for chunk in aligned(src, tgt) for pair in chunk]
    assert pairs == [(f"s{n}", f"target {n}") for n in numbers]


def test_perplexity_has_no_bounds() -> None:
    assert perplexity(-math.log(8) * 3, 3) == pytest.approx(8)
    assert math.isnan(perplexity(0.0, 0))
    assert perplexity(-1e6, 1) == math.inf == perplexity(-math.inf, 1)
