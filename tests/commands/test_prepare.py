"""nmt-prepare as a command."""

import os
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
