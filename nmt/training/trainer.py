"""The training loop: updates, validation, checkpoints, an end.

Everything that decides a result (weights, order, random numbers, schedule, logs) is in the
checkpoint, so that a run that was interrupted equals one that was not.
"""

import logging
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from itertools import islice
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from nmt.data.batches import Batch, TrainingBatches
from nmt.device import autocast, return_freed_memory
from nmt.files import sha256_file
from nmt.models.interface import Seq2SeqModel
from nmt.models.weights import save_weights, set_weights, weights_of
from nmt.run_directory import RunDirectory
from nmt.training.checkpoint import (
    average_weights,
    random_state,
    read_checkpoint,
    set_random_state,
    write_checkpoint,
)
from nmt.training.logs import Logs, ProgressBar
from nmt.training.loss import batch_loss
from nmt.training.schedule import Schedule
from nmt.training.signals import StopRequest
from nmt.training.train_state import TrainerSettings, TrainState

log = logging.getLogger(__name__)

Validate = Callable[[Seq2SeqModel], dict[str, float]]


class Trainer:
    """Trains a model in a run directory.

    batches: what to read. validate: model -> "loss", "perplexity" and "bleu" on held-out pairs.
    device, precision: see nmt.device; the model is already there.
    """

    def __init__(
        self,
        *,
        model: Seq2SeqModel,
        optimizer: torch.optim.Optimizer,
        schedule: Schedule,
        batches: TrainingBatches,
        validate: Validate,
        run: RunDirectory,
        settings: TrainerSettings,
        precision: str,
    ) -> None:
        self.model, self.optimizer, self.schedule = model, optimizer, schedule
        self.batches, self.validate = batches, validate
        self.run, self.settings, self.precision = run, settings, precision
        self.device = next(model.parameters()).device
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=precision == "fp16")
        self.rates = [group["lr"] for group in optimizer.param_groups]
        self.logs = Logs(run.path, tensorboard=settings.tensorboard)
        self.at = TrainState()
        self._log_lengths: dict[str, int] | None = None  # when the checkpoint was written
        self._pending = self._nothing()  # loss, nll and tokens since the last line of metrics

    def train(self, stop: StopRequest) -> bool:
        """Train to the end (True) or to a stop signal before it (False); both leave all saved."""
        self.restore()
        self.run.sweep()
        if self._at_end() and self._is_averaged():
            log.info("%s had come to its end: %s serves", self.run.path, self._serving())
            return True
        self.logs.begin(self.at.step, self._log_lengths or {})
        self._clock = time.monotonic() - self.at.seconds
        with ProgressBar(self.settings, self.at) as self.progress:
            while not (stop.received or self._at_end()):
                self._train_epoch(stop)
        if not self._at_end():
            if self.run.manifest()["checkpoint"] != f"checkpoints/{self.at.step}":
                self._save()
        else:
            if self.at.step not in self.at.validated:
                self._validate()
            self._serve_average()
        self.logs.close()
        return self._at_end()

    def _train_epoch(self, stop: StopRequest) -> None:
        """From ``at.batch`` to the end of the epoch, of training, or to a stop."""
        length, read = self.batches.epoch(self.at.epoch)
        self.progress.steps_per_epoch = math.ceil(length / self.settings.accumulate)
        for group in _groups(read(self.at.batch), self.settings.accumulate):
            self._update([batch.to(self.device) for batch in group])
            self.at.batch += len(group)
            self.at.seconds = time.monotonic() - self._clock
            self.progress.update(self.at)
            if self.at.step % self.settings.log_every == 0:
                self._log()
            if self.at.step % self.settings.validate_every == 0:
                self._validate()
            if stop.received or self._at_end():
                break
        if self.at.batch >= length:
            self.at.epoch, self.at.batch = self.at.epoch + 1, 0

    def _update(self, group: list[Batch]) -> None:
        """One step of the optimizer on the mean over all target tokens of a group of batches."""
        tokens = sum(batch.num_tokens for batch in group)
        self.at.step += 1
        for options, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            options["lr"] = rate * self.schedule.factor(self.at.step)
        for batch in group:
            with autocast(self.device, self.precision):
                loss, nll = batch_loss(self.model, batch, smoothing=self.settings.label_smoothing)
            torch.autograd.backward(self.scaler.scale(loss / tokens))
            self._pending += torch.stack([loss.detach(), nll, nll.new_full((), batch.num_tokens)])
        self.scaler.unscale_(self.optimizer)
        clip_grad_norm_(self.model.parameters(), self.settings.clip_norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        self.at.tokens += tokens

    def _log(self) -> None:
        loss, nll, tokens = self._pending.tolist()
        self._pending = self._nothing()
        values = {
            "epoch": self.at.epoch,
            "loss": loss / tokens,
            "perplexity": math.exp(min(nll / tokens, 700.0)),
            "learning_rate": self.optimizer.param_groups[0]["lr"],
        }
        if not math.isfinite(loss):
            raise ValueError(
                f"{self.run.path}: the loss is {loss} at step {self.at.step}: lower the "
                f"learning rate or clip_norm, or train in precision=fp32"
            )
        self.logs.metrics(self.at.step, values)
        self.logs.timing(self.at.step, {"seconds": self.at.seconds, "tokens": self.at.tokens})
        self.progress.loss = loss / tokens
        if self.device.type == "cpu":
            return_freed_memory()

    def _validate(self) -> None:
        """Validate, serve the model if it is the best so far, and save."""
        values = self.validate(self.model)
        self.schedule.observe(values["loss"])
        value = self._quality(values)
        better = value > self.at.best
        self.at.stale = 0 if better else self.at.stale + 1
        self.logs.metrics(self.at.step, {f"valid_{name}": v for name, v in values.items()})
        described = ", ".join(f"{name} {value:.2f}" for name, value in values.items())
        best = " (best so far)" if better else ""
        epoch = self.at.epoch + (self.at.batch > 0)
        log.info("step %d, epoch %d: valid %s%s", self.at.step, epoch, described, best)
        kept = (*self.at.validated, self.at.step)
        self.at.validated = kept[-self.settings.keep_checkpoints :]
        if better:
            self.at.best = value
        self._save(**self._serve("best", values) if better else {})

    def _quality(self, values: dict[str, float]) -> float:
        return values["bleu"] if self.settings.select_by == "bleu" else -values["loss"]

    def _serve(self, kind: str, values: dict[str, float]) -> dict[str, Any]:
        """Write the present weights -> what makes the manifest name them for translating."""
        temporary = self.run.path / "model.tmp"
        save_weights(self.model, temporary)
        name = f"model-{sha256_file(temporary)[:12]}.safetensors"
        temporary.replace(self.run.path / name)
        old = self.run.manifest()["serving"]
        self.run.add_file(name)
        if old and old != name:
            self.run.drop(old)
        validation = {"step": self.at.step} | values
        return {"serving": name, "serving_kind": kind, "validation": validation}

    def _averaged_steps(self) -> tuple[int, ...]:
        """The checkpoints to average at the end; none where there are not two."""
        most = min(self.settings.average, len(self.at.validated))
        return self.at.validated[-most:] if most > 1 else ()

    def _is_averaged(self) -> bool:
        """Whether an earlier process did all that is done at the end."""
        steps = self._averaged_steps()
        done = self.run.manifest().get("averaged") == list(steps) or not steps
        return done and self.at.step in self.at.validated

    def _serving(self) -> str:
        average = self.run.manifest()["serving_kind"] == "average"
        return "the average" if average else "the best checkpoint"

    def _serve_average(self) -> None:
        """Serve the mean of the last validated checkpoints if it validates better than the best."""
        steps = self._averaged_steps()
        if not steps:
            return
        weights = average_weights(self.run, [f"checkpoints/{step}" for step in steps])
        set_weights(self.model, weights, self.run.path)
        values = self.validate(self.model)
        self.logs.metrics(
            self.at.step, {"averaged": len(steps)} | {f"valid_{k}": v for k, v in values.items()}
        )
        better = self._quality(values) > self.at.best
        served = self._serve("average", values) if better else {}
        self.run.commit(averaged=list(steps), **served)
        described = ", ".join(f"{name} {value:.2f}" for name, value in values.items())
        log.info(
            "average of the last %d checkpoints: valid %s; %s serves",
            *(len(steps), described, self._serving()),
        )

    def _save(self, **changes: Any) -> None:
        """Write a checkpoint and commit it, with these changes, as the one to resume from."""
        self.at.seconds = time.monotonic() - self._clock
        before = self.run.manifest()["files"]
        state = {
            "train_state": asdict(self.at),
            "model": weights_of(self.model),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "schedule": self.schedule.state_dict(),
            "random": random_state(),
            "pending": self._pending,
            "logs": self.logs.lengths(),
        }
        name = write_checkpoint(self.run, self.at.step, state)
        keep = {name, *(f"checkpoints/{step}" for step in self.at.validated)}
        for old in {path.rpartition("/")[0] for path in before if path.startswith("checkpoints/")}:
            if old not in keep:
                self.run.drop(old)
        training = {
            "steps": self.at.step,
            "epochs": self.at.epoch,
            "tokens": self.at.tokens,
            "seconds": round(self.at.seconds, 1),
            "precision": self.precision,
            "device": self.device.type,
        }
        self.run.commit(checkpoint=name, training=training, **changes)

    def restore(self) -> None:
        """Go back to the last checkpoint, if there is one and that has not been done."""
        checkpoint = self.run.manifest()["checkpoint"]
        if checkpoint is None or self._log_lengths is not None:
            return
        state: dict[str, Any] = read_checkpoint(self.run, checkpoint)
        set_weights(self.model, state["model"], self.run.path)
        given = [{k: v for k, v in g.items() if k != "params"} for g in self.optimizer.param_groups]
        self.optimizer.load_state_dict(state["optimizer"])
        for group, options in zip(self.optimizer.param_groups, given, strict=True):
            group.update(options)  # the given options win over the stored ones
        if state["scaler"]:  # nothing where precision was not fp16
            self.scaler.load_state_dict(state["scaler"])
        if state["schedule"].keys() == self.schedule.state_dict().keys():
            self.schedule.load_state_dict(state["schedule"])
        else:
            log.warning("another schedule than before: it starts without what that one had seen")
        self._pending = state["pending"].to(self.device)
        format_1 = "position" in state
        self.at = TrainState(**state["position" if format_1 else "train_state"])
        if validation := self.run.manifest().get("validation"):
            # New checkpoints must beat what serves, which may be an average by now.
            self.at.best = self._quality(validation)
        set_random_state(state["random"])
        log.info("resumed %s after step %d", self.run.path, self.at.step)
        self._log_lengths = state["logs"]

    def _at_end(self) -> bool:
        return self.at.at_end(self.settings)

    def _nothing(self) -> Tensor:
        return torch.zeros(3, device=self.device)


def _groups(batches: Iterator[Batch], size: int) -> Iterator[list[Batch]]:
    while group := list(islice(batches, size)):
        yield group
