"""Numbers that are not finite, a GPU without memory, and checkpoints between validations."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.testing import assert_close

from nmt.data.batches import Batch, collate
from nmt.models.interface import Seq2SeqModel
from nmt.models.weights import weights_of
from nmt.run_directory import RunDirectory
from nmt.training.loss import CrossEntropy
from nmt.training.mishaps import MOST_IN_A_ROW, halves
from nmt.training.optimizer import AdamW
from nmt.training.signals import StopRequest
from nmt.training.train_state import Cadence, TrainState
from nmt.training.trainer import Trainer
from tests.training.test_trainer import PAIRS, SETTINGS, make_trainer, train

MANY = replace(SETTINGS, max_steps=30, validate_every=50, average=0)


def with_loss(monkeypatch: pytest.MonkeyPatch, change: Callable[[Any, Batch], Any]) -> None:
    """Training computes its loss by a changed function; validation does not."""

    computed = CrossEntropy.of

    def changed(loss: CrossEntropy, model: Seq2SeqModel, batch: Batch) -> Any:
        return change(computed(loss, model, batch), batch)

    monkeypatch.setattr(CrossEntropy, "of", changed)


def spoilt_at(steps: set[int], factor: float) -> Callable[[Any, Batch], Any]:
    """The losses of these calls, counted from 1, times a factor."""
    calls = iter(range(1, 1000))

    def change(found: Any, batch: Batch) -> Any:
        return (found[0] * factor, *found[1:]) if next(calls) in steps else found

    return change


@pytest.mark.parametrize("factor", [torch.nan, torch.inf])
@pytest.mark.parametrize("fused", [True, False])
def test_an_update_without_finite_numbers_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, factor: float, fused: bool
) -> None:
    def updated(*losses: float | None) -> Trainer:
        """After updates whose losses have these factors; None: no update, though a step passes."""
        trainer = make_trainer(tmp_path / "run", MANY)
        if not fused:
            trainer.optimizer = AdamW(trainer.model.parameters(), lr=0.01)
            trainer.rates = [0.01]
        trainer.model.eval()  # no dropout
        trainer._stop = StopRequest()
        for number in losses:
            with_loss(monkeypatch, spoilt_at({1}, number or 1.0))
            if number is None:
                trainer.at.step += 1
            else:
                trainer._update([collate(PAIRS[:4])])
        return trainer

    once, never = updated(1.0, factor, 1.0), updated(1.0, None, 1.0)
    assert once.skipped.counts.tolist() == [0, 1]
    assert torch.equal(once._pending, never._pending)
    for name, weights in weights_of(once.model).items():
        assert torch.equal(weights, weights_of(never.model)[name])


def test_skipped_updates_are_counted_in_the_metrics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A window of skipped updates alone has no loss."""
    with_loss(monkeypatch, spoilt_at({4, 5, 6, 8}, torch.nan))
    train(tmp_path / "run", replace(MANY, max_steps=9))
    lines = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    rows = {line["step"]: line for line in lines if "learning_rate" in line}
    assert [rows[step].get("skipped") for step in (3, 6, 9)] == [None, 3, 4]
    assert rows[6]["loss"] is None
    assert rows[9]["loss"] > 0


def test_training_stops_after_too_many_in_a_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says of which update, and the last good checkpoint is there."""
    first = 6
    with_loss(monkeypatch, spoilt_at(set(range(first, 100)), torch.nan))
    trainer = make_trainer(tmp_path / "run", replace(MANY, validate_every=5))
    last = first + MOST_IN_A_ROW - 1
    said = rf"{MOST_IN_A_ROW} updates in a row, the last at step {last} \(epoch \d+, batch \d+, "
    said += r"\d+ sentences of source \d+ to \d+ and target \d+ to \d+ tokens, learning rate 0.0"
    with pytest.raises(ValueError, match=said):
        trainer.train(StopRequest())
    resumed = make_trainer(tmp_path / "run", SETTINGS)
    resumed.restore()
    assert resumed.at.step in (5, 10, 15)
    assert all(each.isfinite().all() for each in weights_of(resumed.model).values())


def test_a_row_of_skipped_updates_survives_a_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_loss(monkeypatch, spoilt_at({3, 4, 5}, torch.nan))
    train(tmp_path / "run", MANY, stop_at=5)
    trainer = make_trainer(tmp_path / "run", MANY)
    trainer.restore()
    assert trainer.skipped.counts.tolist() == [3, 3]


def test_a_run_whose_validation_loss_overflows_stays_readable(tmp_path: Path) -> None:
    """Its translations may still be the best; JSON knows no infinity."""
    trainer = make_trainer(tmp_path / "run", replace(SETTINGS, select_by="bleu", max_steps=4))
    trainer.validate = lambda model: {"loss": torch.inf, "perplexity": 1e304, "bleu": 3.0}
    assert trainer.train(StopRequest())
    manifest = RunDirectory.open(tmp_path / "run").manifest()
    assert manifest["validation"] == {"step": 4, "loss": None, "perplexity": 1e304, "bleu": 3.0}
    make_trainer(tmp_path / "run", SETTINGS).restore()


def without_memory(most: int) -> Callable[[Any, Batch], Any]:
    """No memory for more than so many sentences at once."""

    def change(found: Any, batch: Batch) -> Any:
        if len(batch.src) > most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return found

    return change


def test_a_batch_that_is_too_large_is_halved_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings = replace(MANY, max_steps=6, accumulate=2)
    weights = []
    for most in (1000, 3):
        with_loss(monkeypatch, without_memory(most))
        trainer = make_trainer(tmp_path / str(most), settings)
        for module in trainer.model.modules():
            if hasattr(module, "rate"):
                module.rate = 0.0
        trainer.batches = replace(trainer.batches, batch_tokens=24)
        assert trainer.train(StopRequest())
        weights.append(weights_of(trainer.model))
    assert "tried again in halves" in caplog.text
    for name, whole in weights[0].items():
        assert_close(weights[1][name], whole, rtol=1e-4, atol=1e-5)


def test_what_halves_do_not_fit_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_loss(monkeypatch, without_memory(0))
    said = r"no memory for an update on \d+ sentences of source"
    with pytest.raises(ValueError, match=said) as raised:
        make_trainer(tmp_path / "run", MANY).train(StopRequest())
    assert "lower batch_tokens" in str(raised.value)


def test_halves_are_the_batch() -> None:
    batch = collate(PAIRS[:7])
    parts = halves(batch)
    assert [len(part.src) for part in parts] == [3, 4]
    assert sum(part.num_tokens for part in parts) == batch.num_tokens
    for name in ("src", "tgt_input", "labels"):
        assert torch.equal(torch.cat([getattr(p, name) for p in parts]), getattr(batch, name))
    labels = [part.labels.flatten()[part.places] for part in parts]
    assert torch.equal(torch.cat(labels), batch.labels.flatten()[batch.places])
    assert halves(collate(PAIRS[:1]))[0].num_tokens == collate(PAIRS[:1]).num_tokens


@pytest.mark.parametrize("stop_at", [1, 6, 7])
def test_checkpoints_between_validations_change_no_result(tmp_path: Path, stop_at: int) -> None:
    """Also where the process is killed after one: what followed it is made again."""
    settings = replace(SETTINGS, checkpoint_every=3)
    train(tmp_path / "whole", SETTINGS)

    class Killed(BaseException):
        pass

    trainer = make_trainer(tmp_path / "parts", settings)
    update = trainer._update

    def update_and_die(group: Any) -> None:
        update(group)
        if trainer.at.step == stop_at:
            raise Killed

    trainer._update = update_and_die  # type: ignore[method-assign]  # watched
    with pytest.raises(Killed):
        trainer.train(StopRequest())
    resumed = make_trainer(tmp_path / "parts", settings)
    resumed.restore()
    assert resumed.at.step == {1: 0, 6: 4, 7: 6}[stop_at]
    assert resumed.train(StopRequest())
    metrics = [(tmp_path / name / "metrics.jsonl").read_text() for name in ("whole", "parts")]
    assert metrics[0] == metrics[1]
    manifests = [
        json.loads((tmp_path / n / "manifest.json").read_text()) for n in ("whole", "parts")
    ]
    assert manifests[0]["serving"] == manifests[1]["serving"]
    assert manifests[0]["checkpoint"] == manifests[1]["checkpoint"]


def test_a_checkpoint_is_due_by_minutes_or_steps() -> None:
    """Minutes of training: the time of day may jump, and several processes agree on them."""
    cadence = Cadence(replace(SETTINGS, checkpoint_minutes=10, checkpoint_every=7))

    def is_due(step: int, seconds: float) -> bool:
        return cadence.is_due(TrainState(step=step, seconds=seconds))

    assert [step for step in range(1, 20) if is_due(step, 100.0)] == [7, 14]
    assert not is_due(1, 699.0)
    assert is_due(1, 700.0)
    cadence.saved(TrainState(seconds=700.0))
    assert not is_due(1, 1299.0)
    assert is_due(1, 1300.0)
