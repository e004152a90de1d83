"""What nmt-serve says before it serves; tests/server has the rest."""

import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from nmt.commands import serve
from tests.launching import Outcome
from tests.runs import untrained_run

Command = Callable[..., Outcome]


@pytest.fixture
def said(command: Command, tmp_path: Path) -> Callable[..., str]:
    """What the command says of a mistake."""
    untrained_run(tmp_path / "run")

    def outcome(*options: str) -> str:
        done = command("serve", "run=run", "port=0", "device=cpu", *options, work=serve.main)
        assert (done.code, done.out) == (2, "")
        assert done.err.count("\n") == 1
        return done.err

    return outcome


def test_without_its_packages(said: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    line = said()
    assert line.startswith("error: nmt-serve needs uvicorn: ")
    assert "pip install '.[serve]'" in line


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("limits.characters=0", "limits.characters must be a whole number of at least 1, got 0"),
        ("limits.seconds=-1.0", "limits.seconds must be a number above 0, got -1.0"),
        ("keys=none.txt", "none.txt: No such file"),
        ("cors=[example.org]", "cors must be a list of origins"),
        ("threads=0", "threads must be"),
        ("port=-1", "port must be"),
        ("port=70000", "port must be"),
        ("run=[run,./run]", "are both called run"),
        ("run=nowhere", "nowhere: there is no such run directory"),
    ],
)
def test_mistakes(said: Callable[..., str], option: str, message: str) -> None:
    assert message in said(option)


def test_a_port_that_is_taken(said: Callable[..., str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert said(f"port={port}") == f"error: 127.0.0.1:{port}: Address already in use\n"
