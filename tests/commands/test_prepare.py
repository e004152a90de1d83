"""nmt-prepare as a command."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nmt.commands.prepare import main as prepare
from tests.launching import Outcome

Command = Callable[..., Outcome]
OPTIONS = ["data=tsv", "data.train=pairs.tsv", "data.valid=2", "tokenizer.vocab_size=278"]
OPTIONS += ["data.src_lang=en", "data.tgt_lang=fr", "data.cache=kept"]


@pytest.fixture
def pairs(command: Command, tmp_path: Path) -> Path:
    """A corpus in the directory that the command runs in."""
    del command  # it makes tmp_path the working directory
    lines = ["a b c", "b c", "c a b", "a", "b b a", "c c", "a c b a", "b a c"]
    rows = [f"{line}\t{line.upper()}\n" for line in lines]
    (tmp_path / "pairs.tsv").write_text("".join(["en\tfr\n", *rows, "a\n"]))
    return tmp_path


def test_it_reports_and_says_where(command: Command, pairs: Path) -> None:
    outcome = command("prepare", *OPTIONS, work=prepare)
    assert outcome.code == 0, outcome.err
    assert "9 training pairs read" in outcome.out
    assert "1 dropped: not_text" in outcome.out
    assert "2 drawn: valid" in outcome.out
    assert "6 kept" in outcome.out
    assert "vocabulary of 278 pieces" in outcome.out
    assert outcome.out.splitlines()[-1].endswith(" s in kept")
    assert "pairs.tsv:10" in outcome.err
    kinds = sorted(path.name.partition("-")[0] for path in (pairs / "kept").iterdir())
    assert kinds == ["ids", "text", "tokenizer"]


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("data.train=nowhere.tsv", "no such file: nowhere.tsv"),
        ("data.valid=50", "data.valid=50: as many pairs cannot be drawn out of the 8"),
        ("tokenizer.vocab_size=9", "tokenizer.vocab_size=9 is too small"),
        ("tokenizer.vocab_size=0", "tokenizer.vocab_size must be a whole number of at least 1"),
        ("tokenizer.max_pairs=0", "tokenizer.max_pairs must be a whole number of at least 1"),
        ("tokenizer.sampling=2", "tokenizer.sampling must be a number"),
        ("threads=0", "threads must be a whole number of at least 1"),
        ("init_from=nowhere", "nowhere: there is no such run directory"),
        ("data.cache=pairs.tsv", "cannot write the prepared corpus to pairs.tsv"),
        ("trainer.max_steps=3", "trainer"),
    ],
)
def test_a_mistake_is_said_in_one_message(
    command: Command, pairs: Path, argument: str, message: str
) -> None:
    outcome = command("prepare", *OPTIONS, argument, work=prepare)
    assert outcome.code == 2
    assert "error: " in outcome.err and message in outcome.err
    assert not list(pairs.glob("kept/tmp-*"))


def test_ctrl_c_leaves_nothing_half(tmp_path: Path) -> None:
    line = "a sentence of some words, number {n}\tune phrase de quelques mots, numéro {n}\n"
    with open(tmp_path / "pairs.tsv", "w", encoding="utf-8") as file:
        file.writelines(line.format(n=n) for n in range(400_000))
    options = ["data=tsv", "data.train=pairs.tsv", "data.columns=[en,fr]", "data.valid=2"]
    languages = ["data.src_lang=en", "data.tgt_lang=fr", "data.cache=kept"]
    process = subprocess.Popen(
        [Path(sys.executable).parent / "nmt-prepare", *options, *languages],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        text=True,
    )
    while not list(tmp_path.glob("kept/tmp-*/text/scratch/rows")):
        assert process.poll() is None, process.stderr and process.stderr.read()
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert list((tmp_path / "kept").iterdir()) == []


def test_the_cache_is_listed_and_cleared(command: Command, pairs: Path) -> None:
    assert command("prepare", *OPTIONS, work=prepare).code == 0
    listed = command("prepare", "data.cache=kept", "cache=list", work=prepare)
    *rows, total = listed.out.splitlines()
    names = sorted(row.split()[-1] for row in rows)
    assert names == sorted(path.name for path in (pairs / "kept").iterdir())
    assert total.endswith("MB  in kept")
    cleared = command("prepare", "data.cache=kept", "cache=clear", work=prepare)
    assert cleared.out.endswith(" MB freed in kept\n") and not list((pairs / "kept").iterdir())
    found = command("prepare", "cache=all", work=prepare)
    assert (found.code, found.err) == (2, "error: cache must be one of list, clear, got 'all'\n")


def test_a_disk_that_is_too_small_is_said_before_the_work(
    command: Command, pairs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nmt.data.build_corpus._LOOKED_AT", 4)
    usage = shutil.disk_usage(pairs)
    monkeypatch.setattr("shutil.disk_usage", lambda place: usage._replace(free=100))
    found = command("prepare", *OPTIONS, work=prepare)
    assert found.code == 2 and "0.0 MB are free: make room" in found.err
    assert not list((pairs / "kept").iterdir())
    monkeypatch.setattr("shutil.disk_usage", lambda place: usage._replace(free=10**9))
    assert "1.0 GB are free" in command("prepare", *OPTIONS, work=prepare).err
