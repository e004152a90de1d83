"""Trainings that are killed at random moments come to what one comes to that was left alone."""

from dataclasses import replace
from pathlib import Path

import pytest

from scripts.kills import MODELS, differences, main
from tests.launching import _logging_restored
from tests.training.test_trainer import SETTINGS, train

__all__ = ["_logging_restored"]


def test_killed_and_resumed_equals_uninterrupted(capfd: pytest.CaptureFixture[str]) -> None:
    code = main(["--kills", "10", "--steps", "12"])
    out = capfd.readouterr().out
    assert code == 0, out
    assert "10 kills, 0 differences" in out
    assert all(f"{model}: " in out for model in MODELS)


def test_a_difference_is_found(tmp_path: Path) -> None:
    """Of the harness itself: another limit of the gradient gives other weights."""
    for name, norm in (("a", 1.0), ("b", 1.0), ("c", 0.1)):
        train(tmp_path / name, replace(SETTINGS, clip_norm=norm))
    assert differences(tmp_path / "a", tmp_path / "b") == []
    found = differences(tmp_path / "a", tmp_path / "c")
    assert {"weights", "model of the last checkpoint", "metrics.jsonl"} <= set(found)
