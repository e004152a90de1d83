"""Jobs of a sweep that run at the same time, each in a process of its own."""

import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from omegaconf import DictConfig

from nmt.commands.train import train
from scripts.word_by_word import write_tsv
from tests.console import SHORT, TSV
from tests.launching import Outcome

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")

Command = Callable[..., Outcome]
SOON = 120.0  # seconds; a few on a machine that is not busy


def wait_for(path: Path) -> None:
    start = time.monotonic()
    while not path.exists():
        assert time.monotonic() - start < SOON
        time.sleep(0.01)


def test_jobs_run_at_the_same_time_and_say_who_they_are(command: Command, tmp_path: Path) -> None:
    def work(cfg: DictConfig) -> None:
        (tmp_path / f"begun-{cfg.seed}").touch()
        for seed in (1, 2):  # each waits for the other
            wait_for(tmp_path / f"begun-{seed}")
        logging.getLogger("nmt").info("seed %d\nfinds %d", cfg.seed, os.getpid())
        print("result of", cfg.seed)

    outcome = command("train", "-m", "device=cpu", "seed=1,2", "jobs=2", work=work)
    assert outcome.code == 0
    assert sorted(outcome.out.splitlines()) == ["result of 1", "result of 2"]
    said = sorted(line for line in outcome.err.splitlines() if line.startswith("seed="))
    assert [line.rpartition(" ")[0] for line in said] == [
        *("seed=1: finds", "seed=1: seed", "seed=2: finds", "seed=2: seed")
    ]
    processes = {line.rpartition(" ")[2] for line in said if "finds" in line}
    assert len(processes | {str(os.getpid())}) == 3


def test_no_more_than_asked_for_run(command: Command, tmp_path: Path) -> None:
    def work(cfg: DictConfig) -> None:
        here = tmp_path / f"runs-{cfg.seed}"
        here.touch()
        time.sleep(0.05)
        assert len(list(tmp_path.glob("runs-*"))) <= 2
        here.unlink()

    assert command("train", "-m", "seed=range(4)", "jobs=2", work=work).code == 0


@pytest.mark.parametrize(
    ("error", "code", "last"),
    [
        (ValueError("no such file"), 2, "seed=1: error: no such file"),
        (RuntimeError("broken"), 1, "seed=1: RuntimeError: broken"),
        (SystemExit(143), 2, None),
    ],
)
def test_the_others_go_on_after_one_has_failed(
    command: Command, tmp_path: Path, error: BaseException, code: int, last: str | None
) -> None:
    def work(cfg: DictConfig) -> None:
        if cfg.seed == 1:
            raise error
        (tmp_path / f"done-{cfg.seed}").touch()

    outcome = command("train", "-m", "seed=1,2", "jobs=2", work=work)
    assert outcome.code == code
    assert [path.name for path in tmp_path.iterdir()] == ["done-2"]
    lines = outcome.err.splitlines()
    assert lines[-1] == "error: 1 of the jobs failed: seed=1"
    said = [line for line in lines if line.startswith("seed=")]
    assert said[-1:] == ([last] if last else [])


def test_a_job_has_its_share_of_the_processors(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: range(7), raising=False)

    def work(cfg: DictConfig) -> None:
        print(os.environ["OMP_NUM_THREADS"])

    assert command("train", "-m", "seed=1,2", "jobs=2", work=work).out.split() == ["3", "3"]
    assert "OMP_NUM_THREADS" not in os.environ


def test_a_number_of_jobs_is_asked_for(command: Command) -> None:
    assert "jobs must be a whole number of at least 1, got 0" in command("train", "jobs=0").err
    assert command("train", "jobs=3").code == 0  # one job needs no other


def test_what_cannot_be_forked_is_said(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "fork")
    outcome = command("train", "-m", "seed=1,2", "jobs=2")
    assert (outcome.code, outcome.configs) == (2, [])
    assert "jobs must be 1" in outcome.err


def test_progress_is_shown_on_a_terminal(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    from tqdm import tqdm

    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)

    def work(cfg: DictConfig) -> None:
        with tqdm(total=4, desc="outer") as outer, tqdm(total=2, desc="inner") as inner:
            outer.update(3)
            inner.update(1)
            outer.refresh()
            tqdm.write(f"a line of {cfg.seed}", file=sys.stderr)

    shown = command("train", "-m", "seed=1,2", "jobs=2", work=work).err
    for seed in (1, 2):
        assert f"seed={seed}: outer:  75%" in shown
        assert f"seed={seed}: inner:  50%" in shown
        assert f"seed={seed}: a line of {seed}\n" in shown


def test_a_signal_reaches_every_job(command: Command, tmp_path: Path) -> None:
    write_tsv(tmp_path / "pairs.tsv")
    endless = ["trainer.max_steps=1000000", "trainer.log_every=3", "run=s${seed}"]
    options = [*TSV, *SHORT, *endless, "model=lstm", "model.embed_size=16", "model.hidden_size=16"]
    runs = [tmp_path / f"s{seed}" for seed in (1, 2)]

    def terminate() -> None:
        for run in runs:
            wait_for(run / "metrics.jsonl")
        os.kill(os.getppid(), signal.SIGTERM)

    def work(cfg: DictConfig) -> None:
        if cfg.seed == 2:
            threading.Thread(target=terminate).start()
        train(cfg)

    outcome = command("train", "-m", *options, "seed=1,2", "jobs=2", work=work)
    assert outcome.code == 128 + signal.SIGTERM, outcome.err
    for seed, run in enumerate(runs, start=1):
        assert f"seed={seed}: SIGTERM: saved; go on with resume=auto" in outcome.err
        assert json.loads((run / "manifest.json").read_text())["checkpoint"] is not None
