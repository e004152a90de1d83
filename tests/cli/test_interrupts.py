"""SIGINT and SIGTERM end every command soon, whatever it is doing. Each is a process of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.word_by_word import WORDS
from tests.console import SHORT
from tests.runs import untrained_run

if sys.platform == "win32":
    pytest.skip("no such signals on this system", allow_module_level=True)

SIDES = ("src", "tgt")
SOON = 10.0  # seconds; 2 on a machine that is not busy. None of these would end within minutes
LONG = " ".join(["cat"] * 30_000) + "\n"
STUCK = """
import hashlib
from nmt.cli.interrupts import interruptible
from nmt.disk_cache import DiskCache, delete_scratch

with interruptible(delete_scratch), DiskCache("cache").scratch() as scratch:
    (scratch / "half").write_text("an entry")
    print("begun", flush=True)
    hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)  # a call into C that lasts an hour
"""


def started(*command: str, at: Path) -> subprocess.Popen[bytes]:
    """A process that Ctrl-C reaches, also where pytest itself runs in the background."""

    def obey() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    return subprocess.Popen(
        [Path(sys.executable).parent / command[0], *command[1:]],
        cwd=at,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        preexec_fn=obey,
    )


def ended(process: subprocess.Popen[bytes], number: int, begun: Callable[[], bool]) -> str:
    """stderr of a process that gets a signal once its work has begun, and ends soon after."""
    while not begun():
        assert process.poll() is None, process.stderr and process.stderr.read()
        time.sleep(0.01)
    time.sleep(0.3)
    process.send_signal(number)
    start = time.monotonic()
    _, err = process.communicate()
    assert process.returncode == 128 + number, err
    assert time.monotonic() - start < SOON
    assert b"Traceback" not in err
    return err.decode()


@pytest.mark.parametrize(
    ("name", "number"), [("translate", signal.SIGTERM), ("score", signal.SIGINT)]
)
def test_a_line_of_any_length_is_left(tmp_path: Path, name: str, number: int) -> None:
    untrained_run(tmp_path / "run")
    for file in ("in", "same"):
        (tmp_path / file).write_text(LONG)
    options = {
        "translate": ["input=in", "sentences=line", "search=greedy"],
        "score": ["source=in", "target=same"],
    }[name]
    output = tmp_path / "out"
    process = started(f"nmt-{name}", "run=run", "device=cpu", "output=out", *options, at=tmp_path)
    err = ended(process, number, output.exists)
    assert output.read_bytes() == b""
    said = "out holds whole lines; resume=auto goes on after them\n"
    assert err == (said if name == "translate" else "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_call_into_c_is_left_and_leaves_nothing(tmp_path: Path, number: int) -> None:
    process = started("python", "-c", STUCK, at=tmp_path)
    assert process.stdout is not None and process.stdout.readline() == b"begun\n"
    ended(process, number, lambda: True)
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_validation_is_left_and_the_step_before_it_is_saved(tmp_path: Path) -> None:
    for side, words in {"src": WORDS.keys(), "tgt": WORDS.values()}.items():
        lines = [" ".join(words)] * 3 + list(words)
        (tmp_path / f"train.{side}").write_text("".join(f"{line}\n" for line in lines))
        (tmp_path / f"valid.{side}").write_text(f"{' '.join(list(words) * 20)}\n")
    text = [f"data.{part}.{side}={part}.{side}" for part in ("train", "valid") for side in SIDES]
    small = ["model=lstm", "model.embed_size=8", "model.hidden_size=8", *SHORT]
    endless = ["search.max_length=10000", "trainer.log_every=3", "tokenizer.vocab_size=290"]
    options = ["data=files", *text, *small, *endless, "data.cache=cache", "run=run"]
    metrics = tmp_path / "run/metrics.jsonl"
    process = started("nmt-train", *options, at=tmp_path)
    err = ended(process, signal.SIGTERM, lambda: metrics.exists() and bool(metrics.read_text()))
    assert "SIGTERM: saved; go on with resume=auto run=run" in err
    manifest = json.loads((tmp_path / "run/manifest.json").read_text())
    assert (manifest["checkpoint"], manifest["serving"]) == ("checkpoints/3-stopped", None)


def test_what_nohup_started_outlives_its_terminal(tmp_path: Path) -> None:
    script = (
        "import os, signal\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup leaves it\n"
        "from nmt.cli.interrupts import interruptible\n"
        "from nmt.training.signals import StopRequest\n"
        "with interruptible(lambda: None), StopRequest() as stop:\n"
        "    signal.raise_signal(signal.SIGHUP)\n"
        "    print(stop.received)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "None\n"), done.stderr


SERVES = """
import signal, time
from pathlib import Path
from nmt.cli.interrupts import PATIENCE, Terminated, interruptible, left_to_the_caller

with interruptible(lambda: None):
    try:
        with left_to_the_caller():
            Path("begun").touch()
            time.sleep(60)
    except Terminated:
        pass
    with left_to_the_caller():
        time.sleep(PATIENCE + 0.5)
        print("finished")
"""


def test_a_caller_may_take_longer_than_others_to_end(tmp_path: Path) -> None:
    python = subprocess.Popen(
        [sys.executable, "-c", SERVES], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    while not (tmp_path / "begun").exists():
        assert python.poll() is None
        time.sleep(0.01)
    time.sleep(0.3)
    python.send_signal(signal.SIGTERM)
    assert python.communicate()[0] == "finished\n"
    assert python.returncode == 0
