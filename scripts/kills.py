"""Kills trainings at random moments and compares what they come to with one that was left alone.

  python -m scripts.kills --kills 200
  python -m scripts.kills --kills 10 --models lstm --seed 3
  python -m scripts.kills --kills 30 --ahead    another process encodes every next epoch

Processes of nmt-train get SIGINT, SIGTERM or SIGKILL, or a disk without room: at any moment, while
they begin, while a file is written, and while the average of the checkpoints is validated. The
same command, with resume=auto, goes on until the run has ended; then its weights, its last
checkpoint and its metrics.jsonl must be the same, bit for bit, as those of a run that nobody
stopped. Trained with accumulation, dropout, BPE-dropout, augmentation, a plateau schedule, patience
and an average.
"""

import argparse
import gc
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from contextlib import redirect_stderr, suppress
from dataclasses import dataclass, field, replace
from io import FileIO, TextIOWrapper
from pathlib import Path

import torch

from nmt.commands import launch_train
from nmt.data import ahead
from nmt.files import sha256_file
from nmt.run_directory import RunDirectory
from nmt.training.checkpoint import read_checkpoint
from scripts.word_by_word import write_tsv

MODELS = ("lstm", "lstm_bahdanau", "transformer")
MOMENTS = ("any", "beginning", "writing", "average", "full disk")
SIGNALS = [signal.SIGINT, signal.SIGTERM, *[s for s in signal.Signals if s.name == "SIGKILL"]]
MOST_SECONDS = 120.0  # of one process

OPTIONS = (
    *("data=tsv", "data.src_lang=en", "data.tgt_lang=fr", "data.train=pairs.tsv", "data.valid=8"),
    *("tokenizer.vocab_size=290", "tokenizer.sampling=0.1", "schedule=plateau"),
    *("schedule.warmup_steps=2", "schedule.patience=1", "optimizer.lr=0.01", "model.dropout=0.3"),
    *("trainer.max_epochs=null", "trainer.patience=4", "trainer.average=3"),
    *("trainer.validate_every=6", "trainer.checkpoint_every=4", "trainer.keep_checkpoints=3"),
    *("trainer.select_by=loss", "trainer.batch_tokens=150", "trainer.accumulate=2"),
    *("trainer.log_every=3", "trainer.tensorboard=false", "trainer.threads=1"),
    *("search.max_length=0.5", "search.extra_length=2", "device=cpu", "resume=auto"),
)
SIZES = {
    "lstm": ("model.embed_size=16", "model.hidden_size=16"),
    "lstm_bahdanau": (
        *("model.embed_size=16", "model.hidden_size=16"),
        "model.attention.attention_size=8",
    ),
    "transformer": (
        *("model.hidden_size=16", "model.ff_size=16", "model.num_heads=2"),
        "model.num_layers=1",
    ),
}


@dataclass(frozen=True)
class Job:
    """What is trained. seconds: that it takes if nobody stops it."""

    model: str
    steps: int
    seconds: float = 0.0

    def arguments(self) -> list[str]:
        """Of nmt-train."""
        sizes = [*SIZES[self.model], f"model={self.model}"]
        return [*OPTIONS, *sizes, f"trainer.max_steps={self.steps}"]


@dataclass
class Figures:
    """What became of the trainings of one model."""

    runs: int = 0
    resumes: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)


class Training:
    """One process of nmt-train in a directory with the corpus."""

    def __init__(self, place: Path, name: str, job: Job, *, most_bytes: int | None = None) -> None:
        """name: of the run, and with .cache of its cache. most_bytes: of a file; more is a full
        disk."""
        self.arguments = [*job.arguments(), f"run={name}"]
        self.place, self.log, self.cache = place, place / f"{name}.log", place / f"{name}.cache"
        self._most_bytes = most_bytes
        self._process: subprocess.Popen[bytes] | None = None
        if hasattr(os, "fork"):
            signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS[:2])
            self.pid = os.fork()
            if not self.pid:
                code = 1
                try:
                    code = self._forked()
                except KeyboardInterrupt:  # before nmt-train takes it
                    code = 128 + signal.SIGINT
                finally:
                    os._exit(code)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS[:2])
        else:
            work = "from nmt.commands import launch_train as t; t()"
            with open(self.log, "ab") as log:
                self._process = subprocess.Popen(
                    [sys.executable, "-c", work, *self.arguments],
                    cwd=place,
                    stderr=log,
                    env={**os.environ, "NMT_CACHE": str(self.cache)},
                )
            self.pid = self._process.pid

    def _forked(self) -> int:
        gc.freeze()  # what the process before left to collect is none of this one's
        log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for stream in (1, 2):
            os.dup2(log, stream)
        sys.stdout = sys.stderr = TextIOWrapper(FileIO(log, "w"), "utf-8", line_buffering=True)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS[:2])
        os.chdir(self.place)
        os.environ |= {"NMT_CACHE": str(self.cache), "HYDRA_FULL_ERROR": "0"}
        if self._most_bytes is not None:
            import resource

            resource.setrlimit(resource.RLIMIT_FSIZE, (self._most_bytes, self._most_bytes))
        sys.argv = ["nmt-train", *self.arguments]
        try:
            launch_train()
        except SystemExit as end:
            return end.code if isinstance(end.code, int) else int(end.code is not None)
        except Exception:
            traceback.print_exc()
            sys.stderr.flush()
            return 1
        return 0

    def ended(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        if self._process is not None:
            return self._process.poll()
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if pid else None

    def wait(self) -> int:
        """The exit code, at the end; one that takes too long is killed."""
        until = time.monotonic() + MOST_SECONDS
        while (code := self.ended()) is None:
            if time.monotonic() > until:
                self.send(SIGNALS[-1])
                until += MOST_SECONDS
            time.sleep(0.002)
        return code

    def send(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)


def killed(place: Path, name: str, job: Job, draw: random.Random, last: int) -> str:
    """Lets a process go on with a run for a while -> how it was ended; "" if it came to the end.

    last: the last step of a run that nobody stops.
    """
    moment = draw.choice(MOMENTS)
    if moment == "full disk":
        most = draw.choice([12_000, 20_000, 60_000, 120_000])
        if not hasattr(os, "fork"):
            return ""
        left = Training(place, name, job, most_bytes=most).wait()
        return "" if left == 0 else f"full disk ({left})" if left != 2 else moment
    number = draw.choice(SIGNALS)
    training = Training(place, name, job)
    began = time.monotonic()
    delay = draw.uniform(0, job.seconds)
    directory = place / name
    if moment == "beginning":
        delay = draw.uniform(0, job.seconds / 4)
    while (code := training.ended()) is None:
        passed = time.monotonic() - began > delay
        if moment == "writing" and passed and any(_being_written(directory)):
            break
        if moment == "average" and _steps(directory) == last:
            time.sleep(draw.uniform(0, job.seconds / 8))
            break
        if passed and moment in ("any", "beginning"):
            break
        time.sleep(0.0005)
    if code is None:
        training.send(number)
        code = training.wait()
    if code == 0:
        return ""
    expected = (-number, 128 + number)
    return f"{moment}, {number.name}" + ("" if code in expected else f" ({code})")


def _being_written(run: Path) -> list[Path]:
    with suppress(OSError):
        return [*run.glob("*.tmp"), *run.glob("checkpoints/*.tmp")]
    return []


def _steps(run: Path) -> int:
    with suppress(OSError, ValueError, KeyError):
        training = RunDirectory(run).manifest()["training"]
        return int(training["steps"])
    return 0


def differences(one: Path, other: Path) -> list[str]:
    """In what two runs differ that may not."""
    found = []
    runs = [RunDirectory.open(path) for path in (one, other)]
    manifests = [run.manifest() for run in runs]
    for name in ("serving", "serving_kind", "checkpoint", "averaged", "validation"):
        if manifests[0][name] != manifests[1][name]:
            found.append(f"{name}: {manifests[0][name]}, {manifests[1][name]}")
    if sha256_file(runs[0].serving()) != sha256_file(runs[1].serving()):
        found.append("weights")
    states = [read_checkpoint(run, run.manifest()["checkpoint"]) for run in runs]
    for part in ("model", "optimizer", "schedule", "random", "pending"):
        if not _equal(states[0][part], states[1][part]):
            found.append(f"{part} of the last checkpoint")
    if (one / "metrics.jsonl").read_bytes() != (other / "metrics.jsonl").read_bytes():
        found.append("metrics.jsonl")
    return found


def _equal(one: object, other: object) -> bool:
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_equal, one, other))
    return one == other


def warm_up(place: Path) -> None:
    """Trains for a step in this process, so that those that it forks have all modules loaded."""
    write_tsv(place / "pairs.tsv", 150, lengths=4)
    arguments = [*Job("lstm", 1).arguments(), "run=warm"]
    before = Path.cwd(), sys.argv, dict(os.environ)
    try:
        os.chdir(place)
        sys.argv, os.environ["NMT_CACHE"] = ["nmt-train", *arguments], str(place / "warm.cache")
        with open("warm.log", "w", encoding="utf-8") as log, redirect_stderr(log):
            launch_train()
    finally:
        os.chdir(before[0])
        sys.argv = before[1]
        os.environ.clear()
        os.environ.update(before[2])


def measure(place: Path, job: Job, kills: int, seed: int) -> Figures:
    """Trains until so many processes were killed and the run that they belong to has ended."""
    model, figures, draw = job.model, Figures(), random.Random(f"{seed} {job.model}")
    started = time.monotonic()
    if code := Training(place, f"{model}-whole", job).wait():
        raise RuntimeError(
            f"{model}: exit code {code}: {(place / f'{model}-whole.log').read_text()}"
        )
    job = replace(job, seconds=time.monotonic() - started)
    last = _steps(place / f"{model}-whole")
    while figures.kills.total() < kills:
        name = f"{model}-{figures.runs}"
        figures.runs += 1
        in_a_run = draw.randint(1, 12)
        for _ in range(min(in_a_run, kills - figures.kills.total())):
            if not (how := killed(place, name, job, draw, last)):
                break
            figures.kills[how] += 1
            figures.resumes += 1
        if code := Training(place, name, job).wait():
            figures.differences.append(f"{name}: exit code {code}")
        else:
            found = differences(place / f"{model}-whole", place / name)
            figures.differences += [f"{name}: {each}" for each in found]
        if not figures.differences:
            for path in (place / name, place / f"{name}.cache"):
                shutil.rmtree(path, ignore_errors=True)
    return figures


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the figures -> 1 if anything differed or ended in another way than it should."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--ahead", action="store_true", help="however short epochs are")
    parser.add_argument("--keep", type=Path, help="directory for the runs, kept")
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    if given.ahead:
        ahead.WORTH = 0.0  # in the processes forked from this one, too
    place = given.keep or Path(tempfile.mkdtemp())
    place.mkdir(parents=True, exist_ok=True)
    warm_up(place)
    every: list[Figures] = []
    began = time.monotonic()
    for number, model in enumerate(given.models):
        share = given.kills // len(given.models) + (number < given.kills % len(given.models))
        every.append(measure(place, Job(model, given.steps), share, given.seed))
        one = every[-1]
        said = f"{model}: {one.kills.total()} kills, {one.runs} runs, {one.resumes} resumes"
        print(f"{said}, {len(one.differences)} differences", flush=True)
        print("".join(f"  {each}\n" for each in one.differences), end="")
    kills = sum((one.kills for one in every), Counter[str]())
    for how, times in sorted(kills.items()):
        print(f"  {how}: {times}")
    wrong = sum(len(one.differences) for one in every) + sum("(" in how for how in kills)
    print(f"{kills.total()} kills, {wrong} differences, {time.monotonic() - began:.0f} s")
    if not given.keep and not wrong:
        shutil.rmtree(place)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
