"""Training on changed pairs: the same after an interruption, and not to be changed on the way."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from omegaconf import DictConfig

from nmt.commands.train import train
from nmt.run_directory import RunDirectory

Compose = Callable[..., DictConfig]

MANY = ["data.augment.copies=0.5", "data.augment.lower=0.3"]


@pytest.fixture
def options(tiny: list[str]) -> list[str]:
    ours = ("tokenizer.vocab_size", "data/augment")
    others = [option for option in tiny if not option.startswith(ours)]
    return [*others, "tokenizer.vocab_size=300", "schedule.warmup_steps=1"]


def weights(run: str) -> bytes:
    serving: Path = RunDirectory.open(run).serving()
    return serving.read_bytes()


def metrics(run: str) -> str:
    return (Path(run) / "metrics.jsonl").read_text()


@pytest.mark.parametrize("sampling", [0.0, 0.2])
def test_resuming_gives_what_an_uninterrupted_run_gives(
    composed: Compose, options: list[str], sampling: float
) -> None:
    plain = [*options, f"tokenizer.sampling={sampling}"]
    options = [*plain, *MANY]
    train(composed("train", *options, "trainer.max_steps=12", "run=whole"))
    train(composed("train", *options, "trainer.max_steps=6", "run=parts"))
    train(composed("train", *options, "trainer.max_steps=12", "run=parts", "resume=must"))
    assert weights("parts") == weights("whole")
    assert metrics("parts") == metrics("whole")
    train(composed("train", *plain, "trainer.max_steps=12", "run=plain", "data/augment=none"))
    assert weights("plain") != weights("whole")


@pytest.mark.parametrize(
    ("before", "after"), [("default", "none"), ("none", "default"), ("default", "default")]
)
def test_a_resumed_run_keeps_its_shares(
    composed: Compose, options: list[str], before: str, after: str
) -> None:
    options.append("run=run")
    train(composed("train", *options, f"data/augment={before}"))
    more = [f"data/augment={after}", "trainer.max_steps=9", "resume=must"]
    if before == after:
        train(composed("train", *options, *more))
        assert RunDirectory.open("run").manifest()["training"]["steps"] == 9
        more = [*more, "data.augment.copies=0.5"]
    with pytest.raises(ValueError, match=r"run has data\.augment\.copies=.*cannot change it"):
        train(composed("train", *options, *more))


def test_a_run_from_before_goes_on_without_changes(
    composed: Compose, options: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    options = [*options, "data/augment=none"]
    train(composed("train", *options, "run=old"))
    train(composed("train", *options, "run=same"))
    run = RunDirectory.open("old")
    config = yaml.safe_load(yaml.safe_dump(run.config()))
    del config["data"]["augment"]
    with run.locked():
        run.write_config(config)
        run.commit()
    more = ["trainer.max_steps=12", "resume=must"]
    train(composed("train", *options, *more, "run=same"))
    train(composed("train", *options, *more, "run=old", "data/augment=default"))
    assert weights("old") == weights("same")
    assert RunDirectory.open("old").config()["data"]["augment"]["copies"] == 0.0


def test_a_bad_share_is_refused_by_its_path(composed: Compose, options: list[str]) -> None:
    with pytest.raises(ValueError, match=r"data\.augment\.copies must be at most 1, got 2"):
        train(composed("train", *options, "run=run", "data.augment.copies=2"))
    assert not Path("run").exists()


def test_the_shares_do_not_touch_the_cleaned_text(
    composed: Compose, options: list[str], tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    options.append(f"data.cache={cache}")
    train(composed("train", *options, "run=one"))
    entries = sorted(path.name for path in cache.iterdir())
    train(composed("train", *options, "run=two", "data/augment=none"))
    assert sorted(path.name for path in cache.iterdir()) == entries


def test_the_demo_is_trained_on_text_as_it_is(composed: Compose) -> None:
    for experiment in ("demo", "demo_full"):
        data = composed("train", f"experiment={experiment}").data
        assert set(data.augment.values()) == {0.0}
    robust = composed("train", "experiment=demo_robust")
    full = composed("train", "experiment=demo_full")
    assert robust.data.augment == composed("train").data.augment
    assert robust.trainer == full.trainer
    assert robust.tokenizer.placeholders == 8
