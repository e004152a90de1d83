"""Training on short pairs first: the same after an interruption, and not to be changed on the
way."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from omegaconf import DictConfig

from nmt.commands.train import train
from nmt.run_directory import RunDirectory

Compose = Callable[..., DictConfig]

SHORT_FIRST = ["data.curriculum.epochs=2", "data.curriculum.longest=4"]


@pytest.fixture
def options(tiny: list[str]) -> list[str]:
    return [*tiny, "trainer.batch_tokens=60", "trainer.log_every=1"]


def epochs(run: str) -> list[int]:
    lines = (Path(run) / "metrics.jsonl").read_text().splitlines()
    return [row["epoch"] for row in map(json.loads, lines) if "epoch" in row]


def test_resuming_gives_what_an_uninterrupted_run_gives(
    composed: Compose, options: list[str]
) -> None:
    options = [*options, *SHORT_FIRST]
    train(composed("train", *options, "trainer.max_steps=12", "run=whole"))
    for steps in (3, 12):
        more = [f"trainer.max_steps={steps}", "run=parts", "resume=auto"]
        train(composed("train", *options, *more))
    first, second = (RunDirectory.open(run).serving().read_bytes() for run in ("whole", "parts"))
    assert first == second
    assert epochs("whole") == epochs("parts")
    assert max(epochs("whole")) >= 2


def test_its_epochs_are_counted(composed: Compose, options: list[str]) -> None:
    """The schedule ends where training does."""
    options = [*options, *SHORT_FIRST, "trainer.max_epochs=4", "trainer.max_steps=null"]
    options += ["trainer.validate_every=1000", "schedule=cosine", "schedule.warmup_steps=1"]
    train(composed("train", *options, "run=run"))
    assert max(epochs("run")) == 3
    metrics = Path("run/metrics.jsonl").read_text().splitlines()
    rates = [row["learning_rate"] for row in map(json.loads, metrics) if "learning_rate" in row]
    config = RunDirectory.open("run").config()
    least = config["optimizer"]["lr"] * config["schedule"]["final_ratio"]
    assert rates[-1] == pytest.approx(least)
    assert rates[-2] > rates[-1]


def test_it_stays_as_the_run_began(composed: Compose, options: list[str]) -> None:
    train(composed("train", *options, "run=run"))
    with pytest.raises(ValueError, match=r"run has data\.curriculum\.epochs=0, a resumed run can"):
        train(composed("train", *options, *SHORT_FIRST, "run=run", "resume=must"))
    run = RunDirectory.open("run")
    config = yaml.safe_load(yaml.safe_dump(run.config()))
    del config["data"]["curriculum"]  # as of a run from before
    with run.locked():
        run.write_config(config)
        run.commit()
    more = ["trainer.max_steps=9", "run=run", "resume=must"]
    train(composed("train", *options, *SHORT_FIRST, *more))
    assert run.manifest()["training"]["steps"] == 9


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("longest=1", r"data\.curriculum\.longest must be at least \d, the tokens of the shortest"),
        ("longest=0", r"data\.curriculum\.longest must be a whole number of at least 1"),
        ("epochs=-1", r"data\.curriculum\.epochs must be a whole number of at least 0"),
    ],
)
def test_what_cannot_be_is_refused(
    composed: Compose, options: list[str], option: str, message: str
) -> None:
    more = ["data.curriculum.epochs=1", f"data.curriculum.{option}", "run=run"]
    with pytest.raises(ValueError, match=message):
        train(composed("train", *options, *more))
    assert not Path("run").exists()
