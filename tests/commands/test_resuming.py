"""How a run begins, and what becomes of options that change when it is resumed."""

import logging
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from omegaconf import DictConfig

from nmt.cli.config_files import shipped_configs
from nmt.commands.train import train
from nmt.run_directory import RunDirectory
from tests.commands.conftest import TINY

Compose = Callable[..., DictConfig]

SIZES = {
    "lstm": ["embed_size=8", "hidden_size=8"],
    "lstm_bahdanau": ["embed_size=8", "hidden_size=8", "attention.attention_size=8"],
    "lstm_reversed": ["embed_size=8", "hidden_size=8"],
    "transformer": ["hidden_size=8", "num_heads=2", "ff_size=8", "num_layers=1"],
}

CHOICES = {
    group: sorted(
        path.stem
        for path in (shipped_configs() / group).glob("*.yaml")
        if not path.stem.startswith("_")
    )
    for group in ("optimizer", "schedule", "search", "tokenizer", "trainer", "model", "data")
}
BEGUN = [
    (group, old)
    for group in ("optimizer", "schedule", "search", "tokenizer", "trainer", "model")
    for old in CHOICES[group]
]
CARRIED_OUT = {"optimizer", "schedule", "search", "trainer"}


@pytest.fixture
def options(short: list[str]) -> list[str]:
    few = ["trainer.max_steps=2", "trainer.validate_every=2", "data.valid=2"]
    return [*short, *few, "schedule.warmup_steps=1", "run=run"]


def state(run: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}


def sized(group: str, choice: str) -> list[str]:
    model = choice if group == "model" else "lstm_bahdanau"
    return [f"model={model}", *(f"model.{size}" for size in SIZES[model])]


@pytest.mark.parametrize(("group", "old"), BEGUN)
def test_every_pair_of_choices_is_carried_out_or_refused(
    composed: Compose, options: list[str], group: str, old: str
) -> None:
    train(composed("train", *options, *sized(group, old), f"{group}={old}"))
    for new in CHOICES[group]:
        shutil.copytree("run", "again")
        before = state(Path("again"))
        given = [*sized(group, new), f"{group}={new}", "run=again", "trainer.max_steps=3"]
        again = composed("train", *options, *given, "resume=must")
        if group in CARRIED_OUT or old == new:
            train(again)
            assert RunDirectory.open("again").manifest()["training"]["steps"] == 3
        else:
            with pytest.raises(ValueError, match=rf"again has {group}\..*cannot change it"):
                train(again)
            assert state(Path("again")) == before
        shutil.rmtree("again")


CHANGED = {
    "optimizer.lr": 0.01,
    "optimizer.betas": "[0.8,0.9]",
    "optimizer.eps": 1e-8,
    "optimizer.weight_decay": 0.1,
    "schedule.warmup_steps": 2,
    "trainer.max_epochs": 4,
    "trainer.max_minutes": 3,
    "trainer.patience": 5,
    "trainer.min_delta": 0.1,
    "trainer.validate_every": 3,
    "trainer.select_by": "loss",
    "trainer.keep_checkpoints": 7,
    "trainer.checkpoint_minutes": 3,
    "trainer.checkpoint_every": 4,
    "trainer.average": 2,
    "trainer.precision": "fp32",
    "loss.label_smoothing": 0.0,
    "loss.word_dropout": 0.1,
    "trainer.clip_norm": 2.0,
    "trainer.log_every": 1,
    "trainer.threads": 1,
    "search.max_length": 1.0,
    "search.extra_length": 3,
    "search.no_repeat_ngram": 3,
}
"""Options of the sections that may change, and another value of each."""


def test_every_option_that_may_change_is_carried_out(
    composed: Compose, options: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    train(composed("train", *options, *TINY))
    given = [f"{name}={value}" for name, value in CHANGED.items()]
    train(composed("train", *options, *TINY, *given, "trainer.max_steps=3", "resume=must"))
    config = RunDirectory.open("run").config()
    for name, value in CHANGED.items():
        section, _, option = name.partition(".")
        assert str(config[section][option]).replace(" ", "") == str(value)
        if name not in ("trainer.precision",):
            assert f"{name} was" in caplog.text
    sections = {name: set(config[name]) for name in ("optimizer", "schedule", "trainer", "search")}
    named = {name.partition(".")[2] for name in CHANGED}
    rest = set().union(*sections.values()) - named
    assert rest == {"_target_", "max_steps", "batch_tokens", "accumulate", "tensorboard"}


@pytest.mark.parametrize(
    "mistake",
    ["search.max_length=-1", "schedule.warmup_steps=-1", "optimizer.lr=0", "seed=-1"],
)
def test_what_is_refused_leaves_nothing_behind(
    composed: Compose, options: list[str], mistake: str
) -> None:
    with pytest.raises(ValueError, match=mistake.partition("=")[0]):
        train(composed("train", *options, *TINY, mistake))
    assert not Path("run").exists()
    train(composed("train", *options, *TINY))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.parametrize(
    "moment", ["add_file", "write_test_set", "write_config", "_replace_manifest"]
)
def test_what_is_killed_while_it_begins_begins_anew(
    composed: Compose, options: list[str], moment: str
) -> None:
    """SIGKILL, in a process of its own, before each of the things that a beginning writes."""
    config = composed("train", *options, *TINY)
    process = os.fork()
    if process == 0:
        setattr(RunDirectory, moment, lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
        train(config)
        os._exit(0)
    _, status = os.waitpid(process, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    assert Path("run/lock").exists() and not Path("run/manifest.json").exists()
    train(composed("train", *options, *TINY, "resume=auto"))
    assert RunDirectory.open("run").serving()
    named = {*RunDirectory.open("run").manifest()["files"], "manifest.json"}
    there = {str(path.relative_to("run")) for path in Path("run").rglob("*") if path.is_file()}
    assert there - named == {"metrics.jsonl"}


def test_a_beginning_that_fails_leaves_nothing(
    composed: Compose, options: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patch:
        patch.setattr(RunDirectory, "_replace_manifest", full)
        with pytest.raises(OSError, match=r"the disk has no room.*resume=auto"):
            train(composed("train", *options, *TINY))
    assert not Path("run").exists()
    train(composed("train", *options, *TINY, "resume=auto"))


def test_two_trainings_do_not_share_a_run(composed: Compose, options: list[str]) -> None:
    train(composed("train", *options, *TINY))
    before = {path: content for path, content in state(Path("run")).items() if path.name != "lock"}
    message = rf"run is held by process {os.getpid()}"
    with RunDirectory("run").locked(), pytest.raises(ValueError, match=message):
        train(composed("train", *options, *TINY, "resume=auto"))
    assert state(Path("run")) == before
