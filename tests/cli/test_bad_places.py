"""Places that cannot be read or written, disks that are full, readers and users that go away: in
the commands that train, prepare, evaluate and compare."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from nmt.commands.compare import main as compare
from nmt.commands.evaluate import main as evaluate
from nmt.commands.prepare import main as prepare
from nmt.commands.train import train
from nmt.run_directory import RunDirectory
from scripts.word_by_word import write_tsv
from tests.console import SHORT, TSV, needs_dev_full, nmt_command
from tests.launching import Outcome
from tests.runs import untrained_run

Command = Callable[..., Outcome]
WORK = {"train": train, "prepare": prepare, "evaluate": evaluate, "compare": compare}
SMALL = ["model=lstm", "model.embed_size=8", "model.hidden_size=8", *SHORT]
SCORED = ["hypotheses=hyp", "references=ref", "sources=src", "bootstrap.samples=5"]
COMPARED = ["runs=scores", "evaluation=src"]
"""Options with which each command has something to do in ``place``."""
OPTIONS = {
    "train": [*TSV, *SMALL, "run=new"],
    "prepare": [*TSV, "tokenizer.vocab_size=290"],
    "evaluate": [*SCORED, "output=again"],
    "compare": COMPARED,
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a corpus and scores."""
    directory = tmp_path_factory.mktemp("made")
    write_tsv(directory / "pairs.tsv")
    for name in ("hyp", "ref", "src"):
        (directory / name).write_text("the cat sat\na dog ran\n")
    nmt_command("evaluate", *SCORED, "output=scores", at=directory)
    return directory


@pytest.fixture
def place(command: Command, made: Path, tmp_path: Path) -> Path:
    """A copy of it, which the command runs in."""
    del command  # it makes tmp_path the working directory
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return tmp_path


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


@pytest.mark.parametrize(
    ("name", "option", "message"),
    [
        ("train", "run=ref", "ref is in use: name another directory by run="),
        ("train", "run=ref/x", "ref/x is no directory that can be written (Not a directory): name"),
        ("train", f"run={os.devnull}/x/y", f"{os.devnull}/x/y is no directory that can be written"),
        ("train", "init_from=scores", "scores is not a run directory"),
        ("prepare", "data.train=scores", "scores is a directory: name a file in it"),
        ("prepare", "data.cache=ref/x", "cannot write the prepared corpus to ref/x"),
        ("evaluate", "hypotheses=scores", "scores is a directory: name a file in it"),
        ("evaluate", "output=ref", "ref is no directory that can be written (File exists): name"),
        ("evaluate", "output=ref/x", "another by output="),
        (
            "compare",
            f"output={os.devnull}/x",
            f"{os.devnull}/x is no directory that can be written",
        ),
        ("compare", "runs=[scores,new]", "new: there is no such run, result or file"),
    ],
)
def test_a_place_of_the_wrong_kind_is_named_before_work(
    command: Command, place: Path, name: str, option: str, message: str
) -> None:
    before = names(place)
    outcome = command(name, *OPTIONS[name], option, work=WORK[name])
    assert outcome.code == 2
    assert message in outcome.err.splitlines()[-1]
    assert "training pairs read" not in outcome.err
    assert (names(place), outcome.out) == (before, "")


def test_what_cannot_be_written_is_told_before_translating(
    command: Command, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunDirectory(untrained_run(place / "run"))
    (run.path / "evaluation").write_text("in the way")
    monkeypatch.delattr("nmt.commands.evaluate._translate")
    outcome = command(
        "evaluate", "run=run", "source=src", "reference=ref", "device=cpu", work=evaluate
    )
    assert outcome.code == 2
    assert outcome.err.endswith("(Not a directory): name another by output=\n")


ODD_NAME = "it's (1) a=b, [c] ~d"


def test_names_with_signs_work_as_the_messages_say(command: Command, place: Path) -> None:
    """From training to comparing, each path typed as the error of the plain one advises."""
    odd = place / ODD_NAME
    odd.mkdir()
    (place / "pairs.tsv").rename(odd / "pairs.tsv")

    def advised(name: str, option: str, path: str) -> str:
        refused = command(name, f"{option}={path}")
        assert refused.code == 2
        (argument,) = shlex.split(refused.err.strip().rpartition("needs quotes: ")[2])
        return argument

    text = advised("train", "data.train", f"{ODD_NAME}/pairs.tsv")
    made = advised("train", "run", f"{ODD_NAME}/run")
    outcome = command("train", *TSV, *SMALL, text, made, work=train)
    assert outcome.code == 0, outcome.err
    quick = ["test=small", "search=greedy", "device=cpu", "bootstrap.samples=5"]
    outcome = command("evaluate", made, *quick, work=evaluate)
    assert outcome.code == 0, outcome.err
    runs = made.replace("run=", "runs=", 1)
    outcome = command("compare", runs, "evaluation=small", work=compare)
    assert outcome.code == 0, outcome.err
    assert names(odd) == ["comparison-small", "pairs.tsv", "run"]
    assert names(odd / "comparison-small")[-1] == "comparison.md"


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Writing beyond fails for want of room, much as on a full disk."""
    resource = pytest.importorskip("resource", reason="no limits of files on this system")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_ends_training_and_what_was_saved_goes_on(
    command: Command, place: Path
) -> None:
    """Weights, then a checkpoint, find no room; with room the run ends as one never stopped."""
    options = [*TSV, *SMALL, "trainer.log_every=1"]
    assert command("train", *options, "run=whole", work=train).code == 0
    sizes = [path.stat().st_size for path in (place / "whole").glob("model-*")]
    sizes += [path.stat().st_size for path in (place / "whole/checkpoints/3").iterdir()]
    for size in sizes:
        with files_of_at_most(size - 1000):
            outcome = command("train", *options, "run=parts", "resume=auto", work=train)
        assert outcome.code == 2
        assert outcome.err.splitlines()[-1].startswith("error: parts: the disk has no room for it")
        assert "resume=auto" in outcome.err.splitlines()[-1]
    assert command("train", *options, "run=parts", "resume=auto", work=train).code == 0
    metrics = [(place / name / "metrics.jsonl").read_text() for name in ("whole", "parts")]
    assert metrics[0] == metrics[1]


def test_a_disk_without_room_for_checkpoints_is_told_before_training(
    command: Command, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = [*OPTIONS["train"], "data.cache=kept"]
    assert command("prepare", *TSV, SHORT[0], "data.cache=kept", work=prepare).code == 0
    usage = shutil.disk_usage(place)
    monkeypatch.setattr("shutil.disk_usage", lambda place: usage._replace(free=1000))
    outcome = command("train", *given, work=train)
    assert outcome.code == 2
    said = outcome.err.splitlines()[-1]
    assert said.startswith("error: checkpoints and weights in new: about 0.3 MB, 0.0 MB are free")
    assert said.endswith("make room, or name another directory by run=")
    assert "new" not in names(place)


@pytest.mark.parametrize(
    ("name", "directory", "said"),
    [
        ("compare", "comparison-src", "comparison-src: File too large"),
        ("evaluate", "again", "again/sentences.parquet: File too large"),
    ],
)
def test_a_full_disk_leaves_the_old_result_and_is_named(
    command: Command, place: Path, name: str, directory: str, said: str
) -> None:
    assert command(name, *OPTIONS[name], work=WORK[name]).code == 0
    before = {path: path.read_bytes() for path in (place / directory).iterdir()}
    with files_of_at_most(1000):
        outcome = command(name, *OPTIONS[name], work=WORK[name])
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.splitlines()[-1] == f"error: {said}"
    assert {path: path.read_bytes() for path in (place / directory).iterdir()} == before


@pytest.mark.parametrize("name", ["evaluation.json.tmp", "sentences.parquet"])
def test_a_result_of_a_stranger_leads_nowhere(command: Command, place: Path, name: str) -> None:
    """A link in it to one of the user's files: that file is left alone, before any work."""
    shutil.copytree(place / "scores", place / "theirs")
    (place / "theirs" / name).unlink(missing_ok=True)
    (place / "theirs" / name).symlink_to(place / "ref")
    outcome = command("evaluate", *SCORED, "output=theirs", "overwrite=true", work=evaluate)
    assert (place / "ref").read_text() == "the cat sat\na dog ran\n"
    if name == "sentences.parquet":
        assert (
            outcome.err == f"error: theirs/{name} is a link: name what it leads to, or delete it\n"
        )
    else:
        assert outcome.code == 0


@pytest.mark.parametrize(
    ("name", "interrupted"),
    [
        ("train", "nmt.data.corpus.Tokenizer.train"),
        ("train", "nmt.commands.train.total_steps"),
        ("evaluate", "nmt.evaluation.from_table.resampled_sums"),
        ("compare", "nmt.report.comparison.plot_scores"),
    ],
)
def test_ctrl_c_leaves_nothing_half(
    command: Command,
    place: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    interrupted: str,
) -> None:
    monkeypatch.setenv("NMT_CACHE", str(tmp_path_factory.mktemp("cache")))  # nothing is prepared

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(interrupted, interrupt)
    before = {path for path in place.rglob("*") if path.is_file()}
    outcome = command(name, *OPTIONS[name], work=WORK[name])
    assert (outcome.code, outcome.out) == (130, "")
    assert "Traceback" not in outcome.err and "error" not in outcome.err
    assert {path for path in place.rglob("*") if path.is_file()} == before


def started(name: str, *options: str, at: Path, **streams: Any) -> subprocess.Popen[bytes]:
    command = [str(Path(sys.executable).parent / f"nmt-{name}"), *options]
    env = {**os.environ, "HYDRA_FULL_ERROR": "0"}  # commands run in this process have set it
    return subprocess.Popen(command, cwd=at, env=env, stderr=subprocess.PIPE, **streams)


@pytest.mark.skipif(os.name == "nt", reason="its shell closes no streams")
def test_a_stream_that_the_caller_has_closed_is_missed_by_nobody(place: Path) -> None:
    """Python has None in its place then. All of them run at once."""
    script = shlex.quote(str(Path(sys.executable).parent / "nmt-evaluate"))
    given = f"exec {script} {' '.join(SCORED)} output="
    streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    left = [
        subprocess.Popen(f"{given}{number} {closed}", shell=True, cwd=place, **streams)
        for number, closed in enumerate(["<&-", ">&-", "2>&-"])
    ]
    for number, process in enumerate(left):
        out, err = process.communicate()
        assert process.returncode == 0, err
        assert ("all " in out, "wrote" in err) == (number != 1, number != 2)
        files = ["evaluation.json", "hypotheses.txt", "sentences.parquet"]
        assert names(place / str(number)) == files


@needs_dev_full
def test_full_disks_and_readers_that_go_away(place: Path) -> None:
    """What is printed is lost then; what is written is not. All of them run at once."""
    jobs = {name: OPTIONS[name] for name in ("prepare", "evaluate", "compare")}
    with open("/dev/full", "wb") as full:
        process = started("compare", *COMPARED, at=place, stdout=full.fileno())
    read, write = os.pipe()
    os.close(read)
    left = [started(name, *jobs[name], at=place, stdout=write) for name in jobs]
    os.close(write)
    _, err = process.communicate()
    assert (process.returncode, err.count(b"\n")) == (2, 1)
    assert err.endswith(b"No space left on device\n")
    for process in left:
        _, err = process.communicate()
        assert process.returncode == 141
        assert b"error" not in err and b"Traceback" not in err
    assert names(place / "again") == ["evaluation.json", "hypotheses.txt", "sentences.parquet"]
    assert len(names(place / "comparison-src")) == 3


def test_ctrl_c_while_evaluating_leaves_the_run_as_it_was(place: Path) -> None:
    untrained_run(place / "run")
    for name, word in (("long", "cat"), ("of_it", "chat")):
        (place / name).write_text(f"{word} " * 10_000 + "\n")
    options = ["run=run", "source=long", "reference=of_it", "device=cpu"]
    process = started("evaluate", *options, at=place)
    assert process.stderr is not None
    assert b"sources are longer than any" in process.stderr.readline()
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert (process.returncode, err) == (130, b"")
    assert "evaluation" not in names(place / "run")
