"""The time of day may jump: nothing that counts hangs on it."""

import ast
import json
import re
import time
from itertools import count
from pathlib import Path

import pytest

from nmt.training.signals import StopRequest
from tests.training.test_trainer import SETTINGS, make_trainer, train

PACKAGE = Path(__file__).parents[1] / "nmt"
ASKING = {
    "directory_lock.py": "says since when a run is held",
    "disk_cache.py": "where a disk has no locks, judges after seven days that a program is dead",
    "commands/prepare.py": "lists the day of each entry",
}
"""Who asks what time it is, and why."""

CLOCKS = {"time", "time_ns", "now", "utcnow", "today", "localtime", "gmtime", "fromtimestamp"}


def asks(node: ast.AST) -> bool:
    """Whether this calls time.time(), datetime.now() or the like."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return False
    of = ast.unparse(node.func.value)
    return node.func.attr in CLOCKS and of in ("time", "datetime", "date", "datetime.datetime")


def test_only_these_ask_what_time_it_is() -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}
    likely = {path: text for path, text in texts.items() if re.search(r"\b(time|date\w*)\.", text)}
    found = [path for path, text in likely.items() if any(map(asks, ast.walk(ast.parse(text))))]
    assert {path.relative_to(PACKAGE).as_posix() for path in found} == set(ASKING)


def test_a_clock_that_jumps_changes_nothing_in_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(tmp_path / "whole", SETTINGS)
    calls = count()
    day = 86400.0
    monkeypatch.setattr(time, "time", lambda: 1e9 + (-1) ** next(calls) * 1000 * day)
    train(tmp_path / "jumping", SETTINGS, stop_at=5)
    resumed = make_trainer(tmp_path / "jumping", SETTINGS)
    resumed.restore()
    assert resumed.train(StopRequest())
    metrics = [(tmp_path / name / "metrics.jsonl").read_text() for name in ("whole", "jumping")]
    assert metrics[0] == metrics[1]
    timing = (tmp_path / "jumping/timing.jsonl").read_text().splitlines()
    seconds = [json.loads(line)["seconds"] for line in timing]
    assert seconds == sorted(seconds) and 0 <= seconds[0] <= seconds[-1] < 600
