"""The commands in several processes: what they share, what one does alone, what is refused."""

import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from omegaconf import DictConfig

from nmt import commands
from nmt.commands import evaluate as evaluating
from nmt.commands import translate as translating
from nmt.commands.resuming import is_resumed
from nmt.commands.train import train
from nmt.data import text_files
from nmt.run_directory import RunDirectory
from nmt.training.checkpoint import read_checkpoint
from nmt.translator import Translator
from tests.launching import Outcome
from tests.ranks import in_ranks, loopback, needs_ranks
from tests.runs import untrained_run

Compose = Callable[..., DictConfig]

LINES = [f"the cat {number} sat" + " on the mat" * (number % 3) for number in range(14)]


@needs_ranks
def test_training_is_prepared_once_and_goes_on_in_one_process(
    composed: Compose, tiny: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    options = [
        *tiny,
        "run=run",
        "data.cache=cache",
        "data/augment=default",
        "tokenizer.sampling=0.1",
    ]
    assert in_ranks(lambda rank: train(composed("train", *options))) == [0, 0]
    manifest = RunDirectory.open("run").manifest()
    assert (manifest["training"]["processes"], manifest["training"]["steps"]) == (2, 6)
    assert not list(Path("cache").glob("tmp-*"))
    assert not Path("run/lock").exists()
    caplog.set_level(logging.WARNING)
    train(composed("train", *options, "resume=auto", "trainer.max_steps=7"))
    assert "1 processes go on where 2 stopped" in caplog.text
    assert RunDirectory.open("run").manifest()["training"]["steps"] == 7


@needs_ranks
def test_a_mistake_is_said_once(
    composed: Compose, tiny: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    Path("run").mkdir()
    Path("run/mine").touch()
    assert in_ranks(lambda rank: train(composed("train", *tiny, "run=run"))) == [1, 2]
    assert capfd.readouterr().err.count("run is in use") == 1
    assert [path.name for path in Path("run").iterdir()] == ["mine"]


@needs_ranks
def test_translating_shares_chunks_and_keeps_the_order(
    composed: Compose, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The same text as of one process, whatever is left of the last round; so goes resume=auto."""
    monkeypatch.setattr(text_files, "READ_BYTES", 90)
    untrained_run(Path("run"))
    Path("in").write_text("".join(f"{line}\n" for line in LINES), encoding="utf-8")
    options = ["run=run", "input=in", "format=jsonl", "search.max_length=0.5", "device=cpu"]

    def translate(output: str, *more: str) -> None:
        translating.main(composed("translate", *options, f"output={output}", *more))

    translate("one")
    assert in_ranks(lambda rank: translate("two")) == [0, 0]
    assert Path("two").read_bytes() == Path("one").read_bytes()
    rows = [json.loads(line) for line in Path("one").read_text().splitlines()]
    assert [row["src"] for row in rows] == LINES
    begun = Path("one").read_bytes()
    Path("two").write_bytes(begun[: len(begun) // 2])
    assert in_ranks(lambda rank: translate("two", "resume=auto")) == [0, 0]
    assert Path("two").read_bytes() == begun
    capfd.readouterr()
    Path("in").write_bytes(Path("in").read_bytes() + b"bad \xff\n")
    assert in_ranks(lambda rank: translate("two")) == [1, 1]
    assert Path("two").read_bytes() == begun  # all lines before the bad one
    assert "in:15: not valid UTF-8" in capfd.readouterr().err


@needs_ranks
def test_several_processes_share_no_standard_input(
    composed: Compose, capfd: pytest.CaptureFixture[str]
) -> None:
    untrained_run(Path("run"))
    assert in_ranks(lambda rank: translating.main(composed("translate", "run=run"))) == [1, 1]
    assert "say input=FILE and output=FILE" in capfd.readouterr().err


@needs_ranks
def test_evaluating_shares_the_translating(
    composed: Compose, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Translator, "lines_at_once", 3)
    untrained_run(Path("run"))
    for name in ("src", "ref"):
        Path(name).write_text("".join(f"{line}\n" for line in LINES), encoding="utf-8")
    options = ["source=src", "reference=ref", "search.max_length=0.5", "bootstrap.samples=10"]

    def evaluate(output: str) -> None:
        given = [*options, "run=run", f"output={output}", "device=cpu"]
        evaluating.main(composed("evaluate", *given))

    evaluate("one")
    printed = capfd.readouterr().out
    assert in_ranks(lambda rank: evaluate("two")) == [0, 0]
    assert capfd.readouterr().out == printed
    assert result("two") == result("one")
    files = ["hypotheses=one/hypotheses.txt", "references=ref", "sources=src", "output=three"]
    scoring = composed("evaluate", *files, "bootstrap.samples=10")
    assert in_ranks(lambda rank: evaluating.main(scoring)) == [0, 0]
    assert capfd.readouterr().out.count("(14 sentences)") == 1


def result(directory: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(directory, "evaluation.json").read_text())
    return {name: value for name, value in found.items() if "second" not in name}


@pytest.mark.parametrize("rank", [0, 1])
@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("train", ["-m", "seed=1,2"], "-m and jobs= are for trainings that know nothing"),
        ("train", ["jobs=2"], "-m and jobs= are for trainings that know nothing"),
        ("prepare", [], "nmt-prepare is the work of one process: call it without torchrun"),
        ("compare", ["runs=[a]"], "nmt-compare is the work of one process"),
        ("score", ["run=a"], "nmt-score is the work of one process"),
    ],
)
def test_what_torchrun_cannot_start_is_refused_in_one_line(
    command: Callable[..., Outcome],
    monkeypatch: pytest.MonkeyPatch,
    rank: int,
    name: str,
    given: list[str],
    said: str,
) -> None:
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "test")
    monkeypatch.setenv("RANK", str(rank))
    monkeypatch.setenv("WORLD_SIZE", "2")
    found = command(name, *given, several=name in commands._SEVERAL)
    assert (found.code, found.out, found.configs) == (2, "", [])
    if rank:
        assert found.err == ""
    else:
        assert found.err.startswith(f"error: {said}") and found.err.count("\n") == 1


@needs_ranks
@pytest.mark.slow  # starts three pairs of processes, one after the other
def test_torchrun_goes_on_after_a_death_and_says_the_cause_of_the_last(
    composed: Compose, tiny: list[str]
) -> None:
    """With torchrun itself: SIGKILL to one of its processes ends both. Once it starts them again,
    then it ends. What they leave is what two come to that nobody killed."""
    options = [*tiny, "data.cache=cache", "trainer.checkpoint_every=2", "trainer.log_every=2"]
    endless = [
        "run=run",
        "resume=auto",
        "trainer.max_steps=100000",
        "trainer.validate_every=100000",
    ]
    script = Path(sys.executable).parent / "nmt-train"
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--no-python"]
    torchrun += ["--nproc-per-node=2", "--max-restarts=1", "--monitor-interval=0.1"]
    started = subprocess.Popen(
        [*torchrun, script, *options, *endless],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "GLOO_SOCKET_IFNAME": loopback()},
    )
    killed, steps = 0, 0
    for _ in range(2):
        while steps_done() <= steps or (holder := holding()) == killed:
            assert started.poll() is None, started.communicate()[1]
            time.sleep(0.05)
        killed, steps = holder, steps_done()
        os.kill(killed, signal.SIGKILL)
    since = time.monotonic()
    said = started.communicate()[1]
    assert started.returncode != 0 and time.monotonic() - since < 60
    assert "error: rank 1: another of the processes has ended" in said
    assert re.search(r"Root Cause.*rank +: 0.*Signal 9 \(SIGKILL\)", said, re.DOTALL)
    run = RunDirectory("run")
    steps = steps_done()
    assert read_checkpoint(run, run.manifest()["checkpoint"])["train_state"]["step"] == steps
    assert is_resumed(run, "auto")  # the dead process holds nothing
    ends = [f"trainer.max_steps={steps + 2}", f"trainer.validate_every={steps + 2}"]
    for directory, resume in (("run", "must"), ("whole", "never")):
        config = composed("train", *options, *ends, f"run={directory}", f"resume={resume}")
        assert in_ranks(lambda rank, config=config: train(config)) == [0, 0]
    for name in (run.manifest()["serving"], "metrics.jsonl"):
        assert Path("run", name).read_bytes() == Path("whole", name).read_bytes()


def holding() -> int:
    """The process that trains in the directory, or the one that did so last."""
    return int(re.search(r"process (\d+)", Path("run/lock").read_text())[1])


def steps_done() -> int:
    if not Path("run/manifest.json").exists():
        return 0
    training: dict[str, int] = RunDirectory.open("run").manifest().get("training", {})
    return training.get("steps", 0)
