"""A run that was interrupted equals one that was not; what serves is what validated best."""

import json
import signal
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from nmt.data.batches import PairsInMemory, TrainingBatches, sorted_batches
from nmt.models.attention import AdditiveAttention
from nmt.models.interface import Seq2SeqModel
from nmt.models.lstm import LSTMSeq2Seq
from nmt.models.weights import load_weights
from nmt.run_directory import RunDirectory
from nmt.training.checkpoint import set_random_state, write_checkpoint
from nmt.training.loss import CrossEntropy, batch_loss, validation_loss, validation_sums
from nmt.training.optimizer import adamw
from nmt.training.schedule import InverseSquareRoot
from nmt.training.signals import HANGUP, Interrupted, StopRequest
from nmt.training.train_state import TrainerSettings, TrainState
from nmt.training.trainer import Trainer

SETTINGS = TrainerSettings(
    max_steps=12,
    max_epochs=None,
    max_minutes=None,
    patience=None,
    min_delta=0.0,
    validate_every=4,
    select_by="loss",
    keep_checkpoints=2,
    checkpoint_minutes=None,
    checkpoint_every=None,
    average=2,
    batch_tokens=60,
    accumulate=1,
    precision="fp32",
    clip_norm=1.0,
    log_every=3,
    tensorboard=False,
    threads=None,
)
PAIRS = [([5 + i % 9, 6 + i % 7] * (1 + i % 3), [5 + i % 9] * (1 + i % 4)) for i in range(60)]


def make_trainer(path: Path, settings: TrainerSettings, **changed: Any) -> Trainer:
    torch.manual_seed(1)
    model = LSTMSeq2Seq(
        src_vocab_size=20,
        tgt_vocab_size=20,
        embed_size=8,
        hidden_size=8,
        num_layers=1,
        dropout=0.2,
        share_embeddings=True,
        encoder_directions="both",
        attention=AdditiveAttention,
    )
    run = RunDirectory(path)
    if not run.exists():
        RunDirectory.create(path).commit()

    def validate(model: Seq2SeqModel) -> dict[str, float]:
        batches = sorted_batches(PairsInMemory(PAIRS[:20]), batch_tokens=60)
        return validation_loss([validation_sums(model, batches, "fp32")]) | {"bleu": 10.0}

    options: dict[str, Any] = {
        "model": model,
        "optimizer": adamw(model, lr=0.01, betas=(0.9, 0.98), eps=1e-9, weight_decay=0.01),
        "schedule": InverseSquareRoot(warmup_steps=3, total_steps=None),
        "batches": TrainingBatches(lambda epoch: PairsInMemory(PAIRS), batch_tokens=60, seed=1),
        "loss": CrossEntropy(label_smoothing=0.1),
        "validate": validate,
        "run": run,
        "settings": settings,
        "precision": "fp32",
    }
    return Trainer(**options | changed)


def train(path: Path, settings: TrainerSettings = SETTINGS, *, stop_at: int = 0) -> Trainer:
    trainer = make_trainer(path, settings)
    stop = StopRequest()
    update = trainer._update

    def update_and_signal(group: Any) -> None:
        update(group)
        if trainer.at.step == stop_at:
            stop.received = signal.SIGINT

    trainer._update = update_and_signal  # type: ignore[method-assign]  # watched
    assert trainer.train(stop) == (not stop_at)
    return trainer


def weights(path: Path) -> dict[str, torch.Tensor]:
    trainer = make_trainer(path, SETTINGS)
    load_weights(trainer.model, RunDirectory(path).serving())
    return dict(trainer.model.named_parameters())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Runs that nothing interrupted, by how many batches an update of theirs has."""
    runs = {accumulate: tmp_path_factory.mktemp("runs") / "whole" for accumulate in (1, 2)}
    for accumulate, run in runs.items():
        train(run, replace(SETTINGS, accumulate=accumulate))
    return runs


@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize("stops", [[5], [4], [1, 2, 11]])
def test_interrupted_and_resumed_equals_uninterrupted(
    tmp_path: Path, whole: dict[int, Path], stops: list[int], accumulate: int
) -> None:
    for step in [*stops, 0]:
        train(tmp_path / "parts", replace(SETTINGS, accumulate=accumulate), stop_at=step)
    assert_equal_runs(whole[accumulate], tmp_path / "parts")


def assert_equal_runs(whole: Path, parts: Path) -> None:
    metrics = [(run / "metrics.jsonl").read_text() for run in (whole, parts)]
    assert metrics[0] == metrics[1]
    assert metrics[0].count("valid_loss") == 4  # three validations and the average
    for one, other in zip(weights(whole).values(), weights(parts).values(), strict=True):
        assert torch.equal(one, other)
    manifests = [RunDirectory(run).manifest() for run in (whole, parts)]
    for name in ("serving", "checkpoint", "averaged", "validation"):
        assert manifests[0][name] == manifests[1][name]


def train_and_stop_in_validation(path: Path, stop_in: int = 0) -> None:
    """Every validation draws random numbers; in that one, the process gets a signal."""
    trainer, numbers = make_trainer(path, SETTINGS), iter(range(1, 9))
    validate = trainer.validate

    def signalled(model: Seq2SeqModel) -> dict[str, float]:
        torch.rand(1)
        if next(numbers) == stop_in:
            signal.raise_signal(signal.SIGTERM)
        torch.rand(1)
        return validate(model)

    trainer.validate = signalled
    with StopRequest() as stop:
        assert trainer.train(stop) == (not stop_in)


@pytest.fixture(scope="module")
def whole_drawing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "whole"
    train_and_stop_in_validation(run)
    return run


@pytest.mark.parametrize("stops", [[1], [3], [4], [1, 1, 2]])
def test_a_validation_that_a_signal_ends_is_made_on_resuming(
    tmp_path: Path, whole_drawing: Path, stops: list[int]
) -> None:
    """stops: in which of its validations a process gets a signal. The fourth is the average's."""
    for number in [*stops, 0]:
        train_and_stop_in_validation(tmp_path / "parts", number)
    assert_equal_runs(whole_drawing, tmp_path / "parts")


@pytest.mark.parametrize("calls", [[1], [6], [1, 1, 8]])
def test_an_update_that_a_signal_ends_is_made_on_resuming(
    tmp_path: Path, whole: dict[int, Path], monkeypatch: pytest.MonkeyPatch, calls: list[int]
) -> None:
    """calls: in which of its batches a process gets a signal; two are one update."""
    settings, made = replace(SETTINGS, accumulate=2), iter(range(0))

    def signalled(*args: Any, **kwargs: Any) -> Any:
        result = batch_loss(*args, **kwargs)
        if next(made, 0) == 1:
            signal.raise_signal(signal.SIGINT)
        return result

    monkeypatch.setattr("nmt.training.loss.batch_loss", signalled)
    for call in [*calls, 0]:
        made = iter(range(call, 0, -1))
        with StopRequest() as stop:
            assert make_trainer(tmp_path / "parts", settings).train(stop) == (not call)
    assert_equal_runs(whole[2], tmp_path / "parts")


def test_a_signal_during_a_step_that_cannot_be_given_up_waits_for_its_end(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path / "run", SETTINGS)
    step = trainer.optimizer.step

    def signalled() -> None:
        signal.raise_signal(signal.SIGINT)
        step()

    trainer.optimizer.step = signalled  # type: ignore[method-assign]  # watched
    with StopRequest() as stop:
        assert not trainer.train(stop)
    assert trainer.run.manifest()["checkpoint"] == "checkpoints/1-stopped"
    trainer = make_trainer(tmp_path / "run", SETTINGS)
    stop = StopRequest()
    stop.received = signal.SIGINT
    before = (tmp_path / "run/manifest.json").read_bytes()
    assert not trainer.train(stop)
    assert trainer.at.step == 1
    assert (tmp_path / "run/manifest.json").read_bytes() == before


def test_resuming_a_finished_run_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    path, losses = tmp_path / "run", iter([3.0, 4.0, 5.0, 1.0])  # validations, then the average

    def validate(model: Seq2SeqModel) -> dict[str, float]:
        return {"loss": next(losses), "perplexity": 0.0, "bleu": 0.0}

    assert make_trainer(path, SETTINGS, validate=validate).train(StopRequest())
    before = {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}
    caplog.clear()
    assert make_trainer(path, SETTINGS, validate=validate).train(StopRequest())
    assert {file: file.read_bytes() for file in path.rglob("*") if file.is_file()} == before
    assert "the average serves" in caplog.text


def test_an_average_that_was_cut_off_is_made_again(tmp_path: Path, whole: dict[int, Path]) -> None:
    trainer = make_trainer(tmp_path / "parts", SETTINGS)

    def cut_off() -> None:
        trainer.logs.metrics(12, {"averaged": 2})  # written, but not committed
        raise KeyboardInterrupt

    trainer._serve_average = cut_off  # type: ignore[method-assign]  # watched
    with pytest.raises(KeyboardInterrupt):
        trainer.train(StopRequest())
    train(tmp_path / "parts")
    metrics = [(run / "metrics.jsonl").read_text() for run in (whole[1], tmp_path / "parts")]
    assert metrics[0] == metrics[1]


def test_curves_are_cut_where_a_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = replace(SETTINGS, tensorboard=True)
    purged = []

    class Curves:
        def __init__(self, directory: str, *, purge_step: int) -> None:
            purged.append(purge_step)

        def add_scalar(self, *scalar: object) -> None: ...

        def close(self) -> None: ...

    monkeypatch.setattr("torch.utils.tensorboard.SummaryWriter", Curves)
    train(tmp_path / "run", settings, stop_at=5)
    train(tmp_path / "run", settings)
    assert purged == [1, 6]


def test_fp16_goes_on_with_what_another_precision_left(tmp_path: Path) -> None:
    train(tmp_path / "run", stop_at=5)
    trainer = make_trainer(tmp_path / "run", SETTINGS)
    trainer.scaler = torch.amp.GradScaler("cpu", enabled=True)
    trainer.restore()
    assert trainer.at.step == 5


@pytest.mark.parametrize("there", [0, 1, 3])
def test_random_states_of_other_gpus_are_left_out(
    there: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_to: dict[int, int] = {}
    monkeypatch.setattr("torch.cuda.is_available", lambda: there > 0)
    monkeypatch.setattr("torch.cuda.device_count", lambda: there)
    monkeypatch.setattr(
        "torch.cuda.set_rng_state", lambda state, device: set_to.update({device: int(state[0])})
    )
    states = [torch.tensor([7]), torch.tensor([8])]
    set_random_state({"cpu": torch.get_rng_state(), "cuda": states})
    assert set_to == {device: 7 + device for device in range(min(there, 2))}


def test_a_checkpoint_is_on_the_disk_before_it_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also its name in the directory above, and that directory's in the run's."""
    synced: list[Path] = []
    monkeypatch.setattr("nmt.run_directory.sync", lambda path: synced.append(Path(path)))
    run = RunDirectory.create(tmp_path / "run")
    run.commit()
    name = write_checkpoint(run, 5, {})
    assert {run.path / name, run.path / "checkpoints", run.path} <= set(synced)


def test_the_serving_weights_validate_as_the_manifest_says(tmp_path: Path) -> None:
    trainer = train(tmp_path / "run")
    manifest = trainer.run.manifest()
    load_weights(trainer.model, trainer.run.serving())
    assert trainer.validate(trainer.model)["loss"] == pytest.approx(manifest["validation"]["loss"])
    rows = [
        json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    ]
    validated = [row["valid_loss"] for row in rows if "valid_loss" in row]
    assert manifest["validation"]["loss"] == pytest.approx(min(validated))


def test_what_serves_stays_until_something_is_better(tmp_path: Path) -> None:
    """Also where it is an average, and training goes on after it."""
    path, losses = tmp_path / "run", [3.0, 4.0, 5.0, 1.0]  # three validations, then the average

    def go_on(*later: float, **changed: Any) -> dict[str, Any]:
        losses.extend(later)
        settings = replace(SETTINGS, max_steps=4 * (len(losses) - 1), **changed)
        following = iter(losses if not (path / "manifest.json").exists() else later)

        def validate(model: Seq2SeqModel) -> dict[str, float]:
            loss = next(following)
            return {"loss": loss, "perplexity": 0.0, "bleu": 10 - loss}

        assert make_trainer(path, settings, validate=validate).train(StopRequest())
        return RunDirectory(path).manifest()

    first = go_on()
    assert (first["serving_kind"], first["validation"]["loss"]) == ("average", 1.0)
    worse = go_on(2.0, average=0)
    assert (worse["serving"], worse["validation"]["loss"]) == (first["serving"], 1.0)
    assert worse["training"]["steps"] > first["training"]["steps"]
    otherwise = go_on(1.5, average=0, select_by="bleu")
    assert otherwise["serving"] == first["serving"]
    better = go_on(0.5, average=0)
    assert (better["serving_kind"], better["validation"]["loss"]) == ("best", 0.5)


def test_old_checkpoints_and_weights_go(tmp_path: Path) -> None:
    run = train(tmp_path / "run").run
    assert sorted(path.name for path in (run.path / "checkpoints").iterdir()) == ["12", "8"]
    assert len(list(run.path.glob("model-*.safetensors"))) == 1
    named = set(run.manifest()["files"])
    there = {
        str(path.relative_to(run.path))
        for path in run.path.rglob("*")
        if path.is_file() and path.suffix in (".pt", ".safetensors")
    }
    assert named == there


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    run = train(tmp_path / "run", stop_at=5).run
    state = run.path / run.manifest()["checkpoint"] / "training.pt"
    content = bytearray(state.read_bytes())
    content[len(content) // 2] ^= 1
    state.write_bytes(content)
    with pytest.raises(ValueError, match="damaged"):
        train(tmp_path / "run")


def test_the_given_learning_rate_wins_over_the_stored_one(tmp_path: Path) -> None:
    train(tmp_path / "run", stop_at=5)
    trainer = make_trainer(tmp_path / "run", SETTINGS)
    trainer.optimizer = adamw(trainer.model, lr=0.5, betas=(0.8, 0.9), eps=1e-9, weight_decay=0.2)
    trainer = make_trainer(
        tmp_path / "run", SETTINGS, model=trainer.model, optimizer=trainer.optimizer
    )
    assert trainer.train(StopRequest())
    group = trainer.optimizer.param_groups[0]
    assert group["lr"] == pytest.approx(0.5 * (3 / 12) ** 0.5)
    assert group["betas"] == (0.8, 0.9) and group["weight_decay"] == 0.2


def test_accumulated_batches_weigh_by_their_tokens(tmp_path: Path) -> None:
    """Two batches accumulated make the update that one batch of all their pairs makes."""

    def gradient(batch_tokens: int, accumulate: int) -> torch.Tensor:
        path = tmp_path / f"{batch_tokens}-{accumulate}"
        settings = replace(
            SETTINGS, accumulate=accumulate, batch_tokens=batch_tokens, max_steps=1, clip_norm=1e9
        )
        trainer = make_trainer(
            path,
            settings,
            batches=TrainingBatches(
                lambda epoch: PairsInMemory(PAIRS[:24]), batch_tokens=batch_tokens, seed=1
            ),
        )
        for module in trainer.model.modules():
            if hasattr(module, "rate"):
                module.rate = 0.0
        trainer.train(StopRequest())
        moments = [state["exp_avg"] for state in trainer.optimizer.state.values()]
        return torch.cat([moment.flatten() for moment in moments])

    torch.testing.assert_close(gradient(100, 100), gradient(10_000, 1), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("average", [0, 1])
def test_nothing_is_averaged_unless_wanted(tmp_path: Path, average: int) -> None:
    run = train(tmp_path / "run", replace(SETTINGS, average=average)).run
    assert run.manifest()["serving_kind"] == "best"
    assert "averaged" not in (run.path / "metrics.jsonl").read_text()


def test_patience_ends_training(tmp_path: Path) -> None:
    trainer = make_trainer(
        tmp_path / "run",
        replace(SETTINGS, max_steps=100, patience=2),
        validate=lambda model: {"loss": 1.0, "perplexity": 2.7, "bleu": 0.0},
    )
    assert trainer.train(StopRequest())
    assert trainer.at.step == 12  # the first validation is the best, two without progress


def test_small_gains_add_up_to_progress() -> None:
    """The best is the best; but patience asks for more than min_delta since the last progress."""
    at = TrainState()
    seen = []
    for quality in (10.0, 10.5, 11.0, 11.5, 11.4, 12.5, 12.6):
        best = at.observe(quality, min_delta=1.0)
        seen.append((best, at.best, at.stale))
    assert seen == [
        (True, 10.0, 0),
        (True, 10.5, 1),
        (True, 11.0, 2),
        (True, 11.5, 0),
        (False, 11.5, 1),
        (True, 12.5, 2),
        (True, 12.6, 0),
    ]


@pytest.mark.parametrize(("min_delta", "stops_at"), [(0.0, 36), (0.35, 24), (2.0, 16)])
def test_patience_asks_for_min_delta(tmp_path: Path, min_delta: float, stops_at: int) -> None:
    """Also across an interruption."""
    losses = dict(zip(range(4, 100, 4), [3.0, 2.9, 2.6, 2.5, 2.4, 2.3, *[2.3] * 20], strict=False))
    settings = replace(SETTINGS, max_steps=100, patience=3, min_delta=min_delta, average=0)
    for stop_at in (8, 0):
        trainer, stop = make_trainer(tmp_path / "run", settings), StopRequest()

        def validate(
            model: Seq2SeqModel,
            trainer: Trainer = trainer,
            stop: StopRequest = stop,
            at: int = stop_at,
        ) -> dict[str, float]:
            step = trainer.at.step
            if step == at:
                stop.received = signal.SIGINT
            return {"loss": losses[step], "perplexity": 2.7, "bleu": 0.0}

        trainer.validate = validate
        assert trainer.train(stop) == (not stop_at)
    assert trainer.at.step == stops_at
    assert trainer.run.manifest()["validation"]["loss"] == min(
        loss for step, loss in losses.items() if step <= stops_at
    )


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"max_steps": 0}, r"max_steps must be"),
        ({"max_steps": None}, "would not end"),
        ({"max_minutes": -1.0}, r"max_minutes must be"),
        ({"min_delta": -0.1}, r"min_delta must be"),
        ({"batch_tokens": -3}, r"batch_tokens must be"),
        ({"select_by": "rouge"}, r"select_by must be one of bleu, loss"),
        ({"average": 3}, "needs as many checkpoints"),
    ],
)
def test_a_value_out_of_range_is_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TrainerSettings(**asdict(SETTINGS) | changed)


def test_a_signal_is_noted_and_a_second_one_acts() -> None:
    with StopRequest() as stop:
        signal.raise_signal(signal.SIGINT)
        assert stop.received is signal.SIGINT
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


@pytest.mark.skipif(HANGUP is None, reason="terminals do not say here that they are gone")
def test_a_terminal_that_is_gone_is_noted_once() -> None:
    """The system says so, and then the shell that was in it, while training saves its state."""
    assert HANGUP is not None
    before = signal.getsignal(HANGUP)
    with StopRequest() as stop:
        with suppress(Interrupted), stop.ends_at_once():
            signal.raise_signal(HANGUP)
            raise AssertionError
        signal.raise_signal(HANGUP)
        assert stop.received is HANGUP
    assert signal.getsignal(HANGUP) == before


@pytest.mark.parametrize("early", [False, True])
def test_a_signal_ends_a_block_that_can_be_given_up(early: bool) -> None:
    reached = []
    with StopRequest() as stop:
        with stop.ends_at_once():
            reached.append("first")
        if early:
            signal.raise_signal(signal.SIGTERM)
        with suppress(Interrupted), stop.ends_at_once():
            reached.append("second")
            signal.raise_signal(signal.SIGTERM)
            reached.append("third")
        assert stop.received is signal.SIGTERM
    assert reached == ["first"] + ["second"] * (not early)
