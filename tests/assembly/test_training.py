"""What nmt-train makes of its options, within one process."""

import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from omegaconf import DictConfig

from nmt.assembly.training import train

Compose = Callable[..., DictConfig]

LINES = {
    "train": ["a b c", "b c", "c a b", "a", "b b a", "c c", "a c b a", "b a c"],
    "valid": ["c b a", "b a"],
}


@pytest.fixture
def options(composed: Compose, tmp_path: Path) -> list[str]:
    """Of a training that takes a moment; the target is the source in capitals."""
    del composed  # it makes tmp_path the working directory
    options = ["data=files", "run=runs/x", "tokenizer.vocab_size=270", "device=cpu"]
    for part, lines in LINES.items():
        for side, text in {"src": lines, "tgt": [line.upper() for line in lines]}.items():
            (tmp_path / f"{part}.{side}").write_text("".join(f"{line}\n" for line in text))
            options.append(f"data.{part}.{side}={part}.{side}")
    sizes = ["model.embed_size=8", "model.hidden_size=8", "model.attention.attention_size=8"]
    short = ["trainer.max_steps=4", "trainer.validate_every=2", "trainer.tensorboard=false"]
    return [*options, *sizes, *short]


def steps(run: str = "runs/x") -> list[int]:
    return [json.loads(line)["step"] for line in Path(run, "metrics.jsonl").open()]


def test_a_directory_in_use_is_refused(composed: Compose, options: list[str]) -> None:
    train(composed("train", *options))
    before = Path("runs/x/manifest.json").read_bytes()
    with pytest.raises(FileExistsError, match=r"runs/x already holds a run.*resume=auto"):
        train(composed("train", *options))
    assert Path("runs/x/manifest.json").read_bytes() == before


def test_resuming_goes_on_to_a_later_end(
    composed: Compose, options: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    train(composed("train", *options))
    train(composed("train", *options, "trainer.max_steps=8", "resume=auto"))
    assert steps()[-1] == 8
    assert "trainer.max_steps was 4, from here on it is 8" in caplog.text


@pytest.mark.parametrize(
    "change", ["model.hidden_size=16", "tokenizer.sampling=0.2", "seed=2", "trainer.batch_tokens=9"]
)
def test_resuming_refuses_what_would_be_another_run(
    composed: Compose, options: list[str], change: str
) -> None:
    train(composed("train", *options))
    name = change.partition("=")[0]
    with pytest.raises(ValueError, match=rf"runs/x has {name}=.*cannot change it"):
        train(composed("train", *options, change, "resume=auto"))


def test_resuming_refuses_other_text(composed: Compose, options: list[str]) -> None:
    train(composed("train", *options))
    with open("train.src", "a") as src, open("train.tgt", "a") as tgt:
        src.write("c c c\n")
        tgt.write("C C C\n")
    with pytest.raises(ValueError, match="trained on other text"):
        train(composed("train", *options, "resume=auto"))


def test_must_resume_needs_a_run(composed: Compose, options: list[str]) -> None:
    with pytest.raises(FileNotFoundError, match="runs/x: there is no such run"):
        train(composed("train", *options, "resume=must"))


def test_a_mistake_leaves_no_directory(composed: Compose, options: list[str]) -> None:
    for mistake in ("data.train.src=none.txt", "model.hidden_size=-3", "tokenizer.vocab_size=9999"):
        with pytest.raises((ValueError, OSError)):
            train(composed("train", *options, mistake))
        assert not Path("runs").exists()


def test_a_seed_decides_everything(composed: Compose, options: list[str]) -> None:
    options = [*options, "tokenizer.sampling=0.3"]
    metrics = {}
    for run, seed in {"a": 1, "b": 1, "c": 2}.items():
        train(composed("train", *options, f"run=runs/{run}", f"seed={seed}"))
        metrics[run] = Path(f"runs/{run}/metrics.jsonl").read_text()
    assert metrics["a"] == metrics["b"] != metrics["c"]


def test_cleaning_is_said_and_kept(
    composed: Compose, options: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with open("train.src", "a") as src, open("train.tgt", "a") as tgt:
        src.write("a b c\n\nb a\n")
        tgt.write("A B C\nC\nB A\n")
    train(composed("train", *options))
    assert "11 training pairs read" in caplog.text and "8 kept" in caplog.text
    dropped = json.loads(Path("runs/x/manifest.json").read_text())["cleaning"]["dropped"]
    assert {rule: n for rule, n in dropped.items() if n} == {
        "empty": 1,
        "duplicate": 1,
        "held_out": 1,
    }
