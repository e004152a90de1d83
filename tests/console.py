"""The installed commands, and options to run them with."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

needs_dev_full = pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="no device on this system that is always full"
)

TSV = [
    "data=tsv",
    "data.src_lang=en",
    "data.tgt_lang=fr",
    "data.train=pairs.tsv",
    "data.valid=8",
    "data.tests.small=12",
]
"""A corpus as ``write_tsv`` writes it, all parts of it drawn."""

SHORT = [
    "tokenizer.vocab_size=290",
    "trainer.max_steps=6",
    "trainer.validate_every=3",
    "trainer.batch_tokens=200",
    "trainer.tensorboard=false",
    "trainer.average=0",  # one made early would serve until a later checkpoint is better
    "data/augment=none",
    "search=greedy",
    "search.max_length=0.5",  # models that have learnt nothing never end by themselves
    "search.extra_length=2",
    "device=cpu",
]


def run_command(
    name: str, *arguments: str, at: Path, text: str = "", scripts: Path | None = None
) -> subprocess.CompletedProcess[bytes]:
    """A console script of this environment, or of those in ``scripts``, at its end."""
    return subprocess.run(
        [(scripts or Path(sys.executable).parent) / f"nmt-{name}", *arguments],
        cwd=at,
        input=text.encode(),
        capture_output=True,
        env={**os.environ, "PYTHONUTF8": "0", "LC_ALL": "C"},
        check=False,
    )


def nmt_command(
    name: str, *arguments: str, at: Path, text: str = "", scripts: Path | None = None
) -> tuple[str, str]:
    """stdout and stderr of a console script that succeeds."""
    done = run_command(name, *arguments, at=at, text=text, scripts=scripts)
    out, err = done.stdout.decode(), done.stderr.decode()
    assert done.returncode == 0, err
    return out, err
