"""Commands run in this process: the fixture ``command``."""

import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from omegaconf import DictConfig

from nmt.cli.app import launch

Work = Callable[[DictConfig], None]


@dataclass(frozen=True)
class Outcome:
    """What a command left: its exit code, its two streams, the configs that it came to work on."""

    code: int
    out: str
    err: str
    configs: list[DictConfig]


@pytest.fixture(autouse=True)
def _logging_restored() -> Iterator[None]:
    """Hydra sets up logging for a whole process, this one being pytest's."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Outcome]:
    """Runs a command in this process and an empty directory, up to its work, or ``work``."""
    monkeypatch.chdir(tmp_path)

    def run(name: str, *arguments: str, work: Work | None = None, several: bool = False) -> Outcome:
        configs: list[DictConfig] = []

        def recorded(cfg: DictConfig) -> None:
            configs.append(cfg)
            if work:
                work(cfg)

        monkeypatch.setattr(sys, "argv", [f"nmt-{name}", *arguments])
        monkeypatch.setenv("HYDRA_FULL_ERROR", "0")
        code: object = 0
        try:
            launch(name, f"What nmt-{name} does.", recorded, several=several)
        except SystemExit as exit_:
            code = exit_.code
        captured = capsys.readouterr()
        assert isinstance(code, int)
        return Outcome(code, captured.out, captured.err, configs)

    return run
