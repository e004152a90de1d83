"""Several processes train as one: the same weights, one voice, and the same end for all."""

import json
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from nmt import distributed
from nmt.data.batches import Batch
from nmt.models.attention import AdditiveAttention, FixedContext
from nmt.models.interface import Seq2SeqModel
from nmt.models.lstm import LSTMSeq2Seq
from nmt.models.transformer import TransformerSeq2Seq
from nmt.run_directory import RunDirectory
from nmt.training.checkpoint import read_checkpoint
from nmt.training.loss import CrossEntropy
from nmt.training.optimizer import adamw
from nmt.training.signals import StopRequest
from nmt.training.train_state import TrainerSettings
from nmt.training.trainer import Trainer
from tests.ranks import in_ranks, joined, needs_ranks
from tests.training.test_trainer import SETTINGS, make_trainer

pytestmark = needs_ranks


def last_state(run: Path) -> dict[str, Any]:
    directory = RunDirectory(run)
    return read_checkpoint(directory, directory.manifest()["checkpoint"])


def trained(
    path: Path,
    settings: TrainerSettings = SETTINGS,
    *,
    ranks: int = 2,
    watch: Callable[[Trainer, int], None] = lambda trainer, rank: None,
    finished: bool = True,
    **changed: Any,
) -> list[int]:
    """Trains in so many processes -> their exit codes. watch: changes the trainer of a rank."""
    if not (path / "manifest.json").exists():
        RunDirectory.create(path).commit()

    def work(rank: int) -> None:
        made = {name: make() for name, make in changed.items()}
        trainer = make_trainer(path, settings, **made)
        distributed.draw_otherwise(1)
        watch(trainer, rank)
        with StopRequest() as stop:
            assert trainer.train(stop) == finished

    return in_ranks(joined(work), ranks)


def model_of(name: str) -> Seq2SeqModel:
    torch.manual_seed(1)
    sizes: dict[str, Any] = {"src_vocab_size": 20, "tgt_vocab_size": 20, "dropout": 0.0}
    if name == "transformer":
        return TransformerSeq2Seq(
            **sizes, hidden_size=8, num_heads=2, ff_size=16, num_layers=1, share_embeddings=True
        )
    attention: Any = {"lstm": FixedContext, "lstm_bahdanau": AdditiveAttention}[name]
    return LSTMSeq2Seq(
        **sizes,
        embed_size=8,
        hidden_size=8,
        num_layers=2,
        encoder_directions="both",
        share_embeddings=True,
        attention=attention,
    )


def with_gradient(name: str, value: Tensor) -> Tensor:
    """A weight without the bias of keys: softmax takes no notice of it, so that its gradient is
    rounding alone, which Adam makes as large as any other."""
    if name.endswith("qkv.bias"):
        return torch.cat([*value.chunk(3)[::2]])
    return value.chunk(2)[1] if name.endswith("kv.bias") else value


@pytest.mark.parametrize("name", ["lstm", "lstm_bahdanau", "transformer"])
def test_two_processes_are_one_that_accumulates(tmp_path: Path, name: str) -> None:
    """The weights after 20 steps, across the ends of epochs, where one rank has no batch."""
    many = replace(SETTINGS, max_steps=20, validate_every=10, average=0)
    for ranks in (1, 2):
        made: list[Seq2SeqModel] = []

        def model(made: list[Seq2SeqModel] = made) -> Seq2SeqModel:
            made.append(model_of(name))
            return made[0]

        def optimizer(made: list[Seq2SeqModel] = made) -> torch.optim.Optimizer:
            return adamw(made[0], lr=0.002, betas=(0.9, 0.98), eps=1e-9, weight_decay=0.01)

        settings = replace(many, accumulate=3 - ranks)
        path = tmp_path / str(ranks)
        assert trained(path, settings, ranks=ranks, model=model, optimizer=optimizer) == [0] * ranks
    one, two = last_state(tmp_path / "1"), last_state(tmp_path / "2")
    for parameter, value in one["model"].items():
        several = [with_gradient(parameter, each) for each in (two["model"][parameter], value)]
        assert_close(*several, rtol=0, atol=1e-5)
    for state in ("epoch", "batch", "tokens"):
        assert one["train_state"][state] == two["train_state"][state]
    assert one["train_state"]["epoch"] > 1
    rows = [
        [json.loads(row) for row in (tmp_path / ranks / "metrics.jsonl").read_text().splitlines()]
        for ranks in "12"
    ]
    for of_one, of_two in zip(*rows, strict=True):
        assert of_one == pytest.approx(of_two, rel=1e-4)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two processes that nothing interrupted."""
    path = tmp_path_factory.mktemp("runs") / "whole"
    assert trained(path) == [0, 0]
    return path


def test_stopped_together_and_resumed_equals_uninterrupted(tmp_path: Path, whole: Path) -> None:
    """A signal to one rank alone, in the middle of an update, stops both after the same step; with
    dropout, of which each draws its own."""

    def signalled(trainer: Trainer, rank: int) -> None:
        if rank == 1:
            of, calls = trainer.loss.of, iter(range(1, 100))

            def change(model: Seq2SeqModel, batch: Batch) -> tuple[Tensor, Tensor]:
                if next(calls) == 6:
                    os.kill(os.getpid(), signal.SIGTERM)
                return of(model, batch)

            object.__setattr__(trainer.loss, "of", change)

    assert trained(tmp_path / "parts", watch=signalled, finished=False) == [0, 0]
    manifest = RunDirectory(tmp_path / "parts").manifest()
    assert (manifest["checkpoint"], manifest["training"]["processes"]) == (
        "checkpoints/5-stopped",
        2,
    )
    random = last_state(tmp_path / "parts")
    assert not torch.equal(random["random"]["cpu"], random["random_of_others"][0]["cpu"])
    assert trained(tmp_path / "parts") == [0, 0]
    assert_equal(whole, tmp_path / "parts")


def assert_equal(one: Path, other: Path) -> None:
    states = [last_state(run)["model"] for run in (one, other)]
    assert all(torch.equal(states[1][name], value) for name, value in states[0].items())
    assert (one / "metrics.jsonl").read_bytes() == (other / "metrics.jsonl").read_bytes()


def test_another_number_of_processes_goes_on_at_the_same_place(tmp_path: Path) -> None:
    """Every batch of the epoch is read once."""
    length = make_trainer(tmp_path / "unused", SETTINGS).batches.epoch(0)[0]
    steps, read = 3, tmp_path / "read"
    read.mkdir()

    def noting(trainer: Trainer, rank: int) -> None:
        update = trainer._update

        def noted(group: list[Batch]) -> None:
            with open(read / f"{rank}-{os.getpid()}", "a", encoding="utf-8") as file:
                file.writelines(f"{batch.src.tolist()}\n" for batch in group)
            update(group)

        trainer._update = noted  # type: ignore[method-assign]  # watched

    settings = replace(SETTINGS, average=0)
    trained(tmp_path / "run", replace(settings, max_steps=steps), watch=noting)
    rest = replace(settings, max_steps=None, max_epochs=1)
    assert trained(tmp_path / "run", rest, ranks=1, watch=noting) == [0]
    state = last_state(tmp_path / "run")["train_state"]
    assert (state["step"], state["epoch"]) == (steps + length - 2 * steps, 1)
    rows = [row for file in read.iterdir() for row in file.read_text().splitlines()]
    every = make_trainer(tmp_path / "unused", SETTINGS).batches.epoch(0)[1](0)
    assert sorted(rows) == sorted(str(batch.src.tolist()) for batch in every)


@pytest.mark.parametrize("spoilt", ["not finite", "no memory"])
def test_what_goes_wrong_on_one_rank_is_decided_alike(tmp_path: Path, spoilt: str) -> None:
    """An update is skipped, or a batch halved, on both."""

    def spoil(trainer: Trainer, rank: int) -> None:
        of, calls = CrossEntropy.of, iter(range(1, 100))

        def change(model: Seq2SeqModel, batch: Batch) -> tuple[Tensor, Tensor]:
            loss, nll = of(cast(CrossEntropy, trainer.loss), model, batch)
            if rank == 1 and next(calls) == 2:
                if spoilt == "no memory":
                    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
                loss = loss * torch.nan
            return loss, nll

        object.__setattr__(trainer.loss, "of", change)

    assert trained(tmp_path / "run", replace(SETTINGS, max_steps=4, average=0), watch=spoil) == [
        *(0, 0)
    ]
    state = last_state(tmp_path / "run")
    assert state["train_state"]["step"] == 4
    assert state["skipped"].tolist() == [0, int(spoilt == "not finite")]
    assert all(value.isfinite().all() for value in state["model"].values())


def test_the_death_of_a_rank_ends_the_others_and_changes_nothing(
    tmp_path: Path,
    whole: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(distributed, "_NOTICED", 0.0)

    def dying(trainer: Trainer, rank: int) -> None:
        update = trainer._update

        def died(group: list[Batch]) -> None:
            if trainer.at.step == 6 and rank == 1:
                os.kill(os.getpid(), signal.SIGKILL)
            update(group)

        trainer._update = died  # type: ignore[method-assign]  # watched

    assert trained(tmp_path / "parts", watch=dying) == [1, -signal.SIGKILL]
    assert "ConnectionError: another of the processes has ended" in capfd.readouterr().err
    assert RunDirectory(tmp_path / "parts").manifest()["checkpoint"] == "checkpoints/4"
    assert trained(tmp_path / "parts") == [0, 0]
    assert_equal(whole, tmp_path / "parts")


def test_what_the_first_rank_fails_at_ends_the_others_quietly(
    capfd: pytest.CaptureFixture[str],
) -> None:
    def work(rank: int) -> None:
        with suppress(ValueError):
            distributed.from_first(lambda: int("no number"))

    assert in_ranks(joined(work), 2) == [0, 2]
    assert capfd.readouterr().err == ""


def test_all_begin_with_the_weights_of_the_first_and_draw_otherwise() -> None:
    def work(rank: int) -> None:
        torch.manual_seed(rank)
        model = torch.nn.Linear(3, 3)
        distributed.share_weights(model)
        distributed.draw_otherwise(7)
        drawn = torch.rand(4)
        weights, numbers = zip(*distributed.gather((model.weight.detach(), drawn)), strict=True)
        assert torch.equal(*weights) and not torch.equal(*numbers)

    assert in_ranks(joined(work)) == [0, 0]
