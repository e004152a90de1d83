"""nmt-translate and nmt-score as processes: what only the operating system can do to them."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pytest

from nmt import Translator
from nmt.commands.translate import main as translate
from tests.console import needs_dev_full
from tests.launching import Outcome
from tests.runs import untrained_run

LINE = "the cat sat\n"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return untrained_run(tmp_path_factory.mktemp("filters") / "run")


def started(name: str, *options: str, at: Path, **streams: Any) -> subprocess.Popen[bytes]:
    command = [str(Path(sys.executable).parent / f"nmt-{name}"), "device=cpu", *options]
    given = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=at, **(given | streams))


def stream(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe


@needs_dev_full
def test_a_full_disk_is_said(run: Path, tmp_path: Path) -> None:
    for name in ("in", "of_it"):
        (tmp_path / name).write_text(LINE)
    options = [f"run={run}", "source=in", "target=of_it"]
    with open("/dev/full", "wb") as full:
        process = started("score", *options, at=tmp_path, stdout=full)
        _, err = process.communicate()
    assert err.decode() == "error: standard output: No space left on device\n"
    assert process.returncode == 2


def test_a_reader_that_goes_away_ends_the_filter(run: Path, tmp_path: Path) -> None:
    process = started("translate", f"run={run}", "search=greedy", at=tmp_path)
    stream(process.stdin).write(LINE.encode())
    stream(process.stdin).flush()
    assert stream(process.stdout).readline().endswith(b"\n")
    stream(process.stdout).close()
    stream(process.stdin).write(LINE.encode())
    stream(process.stdin).close()
    assert process.wait() == 141
    assert stream(process.stderr).read() == b""


def test_interrupted_and_gone_on_with_equals_uninterrupted(
    run: Path, command: Callable[..., Outcome], tmp_path: Path
) -> None:
    lines = ["the cat sat", "", "a dog ran", "home", "the dog"]
    (tmp_path / "in").write_text("".join(f"{line}\n" for line in lines))
    options = [f"run={run}", "output=out"]
    process = started("translate", *options, at=tmp_path)
    stream(process.stdin).write(b"the cat sat\n\na dog ran\nho")
    stream(process.stdin).flush()
    output = tmp_path / "out"
    while not (output.exists() and output.read_bytes().count(b"\n") == 3):
        assert process.poll() is None, stream(process.stderr).read()
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.wait() == 130
    err = stream(process.stderr).read().decode()
    assert err == "out holds whole lines; resume=auto goes on after them\n"
    with output.open("ab") as file:
        file.write("half a li\u00e9".encode()[:-1])  # as a power cut may leave it
    again = command("translate", "device=cpu", *options, "input=in", "resume=auto", work=translate)
    assert again.code == 0, again.err
    found = Translator.load(run, device="cpu").translate(lines)
    assert output.read_bytes().decode() == "".join(f"{one.text}\n" for one in found)
    assert "out has 3 lines; going on after them\n" in again.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]
