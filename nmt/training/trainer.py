"""The training loop: updates, validation, checkpoints, the end, and the average of checkpoints.

A checkpoint holds everything that decides a result: weights, order of the batches, random numbers,
schedule, logs. So an interrupted run gives the same results as one that was not interrupted. A
signal ends an update or a validation at once: what it had computed is given up, the state before it
is saved, and a resumed run begins it again.

Several processes read the batches of an epoch in turn: one step takes ``accumulate`` of each, and
its gradient is that of all of them. They agree at the end of each block that a signal may end; the
first alone writes.
"""

import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice
from operator import itemgetter
from typing import Any

import torch
from torch.nn.utils import clip_grad_norm_
from tqdm.contrib.logging import logging_redirect_tqdm

from nmt import distributed
from nmt.data.ahead import on_device
from nmt.data.batches import Batch, TrainingBatches
from nmt.device import autocast, return_freed_memory
from nmt.files import sha256_file
from nmt.models.interface import Seq2SeqModel
from nmt.models.weights import save_weights, set_weights, weights_of
from nmt.plain_files import typed
from nmt.run_directory import RunDirectory
from nmt.training import checkpoint
from nmt.training.checkpoint_file import damage_explained
from nmt.training.logs import Logs, ProgressBar
from nmt.training.loss import Loss
from nmt.training.mishaps import SkippedUpdates, split_if_too_large
from nmt.training.schedule import Schedule
from nmt.training.signals import Agreed, Interrupted, StopRequest, given_up_at_stop
from nmt.training.train_state import Cadence, TrainerSettings, TrainState

log = logging.getLogger(__name__)

Validate = Callable[[Seq2SeqModel], Any]


@dataclass(kw_only=True, eq=False, repr=False)
class Trainer:
    """Trains a model, on the device where it is, in a run directory.

    validate: model -> what this rank finds on its share of held-out pairs.
    merged: that of all ranks -> "loss", "perplexity" and "bleu".
    precision: of matrix products, fp32, bf16 or fp16.
    """

    model: Seq2SeqModel
    optimizer: torch.optim.Optimizer
    schedule: Schedule
    loss: Loss
    batches: TrainingBatches
    validate: Validate
    run: RunDirectory
    settings: TrainerSettings
    precision: str
    merged: Callable[[list[Any]], dict[str, float]] = itemgetter(0)

    def __post_init__(self) -> None:
        self.device = next(self.model.parameters()).device
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.precision == "fp16")
        self.rates = [group["lr"] for group in self.optimizer.param_groups]
        self.logs = Logs(self.run.path, tensorboard=self.settings.tensorboard)
        self.at = TrainState()
        self.skipped = SkippedUpdates(self.device)
        self.cadence = Cadence(self.settings)
        self._log_lengths: dict[str, int] | None = None  # when the checkpoint was written
        self._clock = time.monotonic()
        # Sums of loss, negative log-likelihood and tokens since the last line of metrics.
        self._pending = torch.zeros(3, device=self.device)

    def train(self, stop: StopRequest) -> bool:
        """Trains to the end (True) or to a stop signal before it (False). Saves either way."""
        self.restore()
        if distributed.is_first():
            self.run.sweep()
        steps = self._averaged_steps()
        averaged = not steps or self.run.manifest().get("averaged") == steps
        if self._at_end() and averaged and self.at.step in self.at.validated:
            log.info("%s had come to its end: %s serves", self.run.path, self._serving())
            return True
        self.logs.begin(self.at.step, self._log_lengths or {})
        self._clock = time.monotonic() - self.at.seconds
        self._stop = stop
        self.progress = ProgressBar(self.settings, self.at)
        try:
            with logging_redirect_tqdm(), self.progress.bar:  # prints log lines above the bar
                if self._is_due():
                    self._validate()
                while not self._at_end():
                    self._train_epoch()
            if self.at.step not in self.at.validated:
                self._validate()
            self._serve_average()
        except Interrupted:
            name = distributed.from_first(lambda: self.run.manifest()["checkpoint"])
            if name not in map(partial(checkpoint.name_of, self.at.step), (False, True)):
                self._save(stopped=True)
            return False
        finally:
            self.logs.close()
        return True

    def _train_epoch(self) -> None:
        """Trains from ``at.batch`` to the end of the epoch or of training."""
        with self._given_up_at_stop():
            length, read = self.batches.epoch(self.at.epoch)
        self.progress.epoch_length = length
        rank, ranks = distributed.rank(), distributed.size()
        mine = read(self.at.batch + rank, ranks)
        with closing(on_device(mine, self.device)) as batches:
            while self.at.batch < length and not self._at_end():
                count = min(self.settings.accumulate * ranks, length - self.at.batch)
                group = list(islice(batches, len(range(rank, count, ranks))))
                split_if_too_large(self._update, group, partial(self._give_up, self.at.step))
                self.at.batch += count
                self.progress.update(self.at)
                if self.at.step % self.settings.log_every == 0:
                    self._log()
                if self._is_due():
                    self._validate()
                elif self.cadence.is_due(self.at) and not self._at_end():
                    self._save(stopped=True)
        if self.at.batch >= length:
            self.at.epoch, self.at.batch = self.at.epoch + 1, 0

    def _is_due(self) -> bool:
        """Whether this step is to be validated, but has not been."""
        due = self.at.step > 0 and self.at.step % self.settings.validate_every == 0
        return due and self.at.step not in self.at.validated

    @contextmanager
    def _given_up_at_stop(self, tokens: int = 0) -> Iterator[Agreed]:
        """``given_up_at_stop``, which also reads the clock."""
        with given_up_at_stop(self._stop, tokens, self._clock) as agreed:
            yield agreed
        self.at.seconds = agreed.seconds

    def _update(self, group: list[Batch]) -> None:
        """Takes one step of the optimizer on the mean loss of all ranks' target tokens."""
        tokens = sum(batch.num_tokens for batch in group)
        sums = torch.zeros_like(self._pending)
        with self._given_up_at_stop(tokens) as agreed:
            for batch in group:
                with autocast(self.device, self.precision):
                    loss, nll = self.loss(self.model, batch)
                torch.autograd.backward(self.scaler.scale(loss / tokens))
                sums += torch.stack([loss.detach(), nll, nll.new_full((), batch.num_tokens)])
        self.at.step += 1
        distributed.add_up(self.model.parameters(), tokens / agreed.tokens, sums)
        pending = self._pending + sums
        for options, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            options["lr"] = rate * self.schedule.factor(self.at.step)
        self.scaler.unscale_(self.optimizer)
        norm = clip_grad_norm_(self.model.parameters(), self.settings.clip_norm)
        bad = self.skipped.step(self.optimizer, self.scaler, norm, pending)
        self._pending = torch.where(bad, self._pending, pending)
        self.optimizer.zero_grad(set_to_none=True)
        self.at.tokens += agreed.tokens
        self.skipped.check(self.at, group, self.optimizer.param_groups[0]["lr"])

    def _give_up(self, step: int) -> bool:
        """Undoes the gradients of an update that began after ``step``; False if it changed more."""
        self.optimizer.zero_grad(set_to_none=True)
        return self.at.step == step

    def _log(self) -> None:
        loss, nll, tokens = self._pending.tolist()
        self._pending = torch.zeros_like(self._pending)
        loss, nll = (value / tokens if tokens else None for value in (loss, nll))
        values = {
            "epoch": self.at.epoch,
            "loss": loss,
            "perplexity": None if nll is None else math.exp(min(nll, 700.0)),
            "learning_rate": self.optimizer.param_groups[0]["lr"],
        }
        if skipped := int(self.skipped.counts[1]):
            values["skipped"] = skipped
        self.logs.metrics(self.at.step, values)
        timing = {"seconds": self.at.seconds, "tokens": self.at.tokens}
        if distributed.size() > 1:
            timing |= {"adding_up": distributed.seconds_adding(), "waiting": distributed.seconds()}
        self.logs.timing(self.at.step, timing)
        self.progress.loss = math.nan if loss is None else loss
        if self.device.type == "cpu":
            return_freed_memory()

    def _validate(self) -> None:
        """Validates, saves, and serves the model if it is the best so far."""
        values, described = self._validated({})
        self.schedule.observe(values["loss"])
        better = self.at.observe(self._quality(values), self.settings.min_delta)
        best = " (best so far)" if better else ""
        epoch = self.at.epoch + (self.at.batch > 0)
        log.info("step %d, epoch %d: valid %s%s", self.at.step, epoch, described, best)
        kept = (*self.at.validated, self.at.step)
        self.at.validated = kept[-self.settings.keep_checkpoints :]
        self._save(**self._serve("best", values) if better else {})

    def _validated(self, facts: dict[str, Any]) -> tuple[dict[str, float], str]:
        """Validates the model and logs the values, with these facts -> the values, also as text."""
        with self._given_up_at_stop():
            found = self.validate(self.model)
        every = distributed.gather(found)
        values = distributed.from_first(lambda: self.merged(every))
        self.logs.metrics(self.at.step, facts | {f"valid_{name}": v for name, v in values.items()})
        return values, ", ".join(f"{name} {value:.2f}" for name, value in values.items())

    def _quality(self, values: dict[str, float]) -> float:
        return values["bleu"] if self.settings.select_by == "bleu" else -values["loss"]

    def _serve(self, kind: str, values: dict[str, float]) -> dict[str, Any]:
        """Writes the weights -> the manifest's fields that make them the ones to translate with."""
        if not distributed.is_first():
            return {}
        temporary = self.run.path / "model.tmp"
        save_weights(self.model, temporary)
        name = f"model-{sha256_file(temporary)[:12]}.safetensors"
        temporary.replace(self.run.path / name)
        self.run.add_file(name)
        if (old := self.run.manifest()["serving"]) not in (None, name):
            self.run.drop(old)
        finite = {name: v if math.isfinite(v) else None for name, v in values.items()}
        validation = {"step": self.at.step} | finite
        return {"serving": name, "serving_kind": kind, "validation": validation}

    def _averaged_steps(self) -> list[int]:
        """Steps of the checkpoints to average at the end: at least two, or none."""
        most = min(self.settings.average, len(self.at.validated))
        return list(self.at.validated[-most:]) if most > 1 else []

    def _serving(self) -> str:
        average = self.run.manifest()["serving_kind"] == "average"
        return "the average" if average else "the best checkpoint"

    def _serve_average(self) -> None:
        """Serves the mean of the last validated checkpoints if it validates best of all."""
        steps = self._averaged_steps()
        if not steps:
            return
        with self._given_up_at_stop():
            names = list(map(checkpoint.name_of, steps))
            weights = checkpoint.average_weights(self.run, names)
        set_weights(self.model, weights, self.run.path)
        values, described = self._validated({"averaged": len(steps)})
        better = self._quality(values) > self.at.best
        served = self._serve("average", values) if better else {}
        with distributed.first_goes_ahead():
            if distributed.is_first():
                self.run.commit(averaged=steps, **served)
        said = "average of the last %d checkpoints: valid %s; %s serves"
        log.info(said, len(steps), described, self._serving())

    def _save(self, *, stopped: bool = False, **changes: Any) -> None:
        """Writes a checkpoint and commits it, with these changes, as the one to resume from.

        stopped: the step was not validated: training stops there, or the time has come. Its
        checkpoint has a name of its own, so that the one of the validation overwrites nothing that
        counts.
        """
        random = checkpoint.random_states()
        with distributed.first_goes_ahead():
            if distributed.is_first():
                self._write(random, stopped, changes)
        self.cadence.saved(self.at)

    def _write(self, random: dict[str, Any], stopped: bool, changes: dict[str, Any]) -> None:
        before = self.run.manifest()["files"]
        state = {
            "train_state": asdict(self.at),
            "model": weights_of(self.model),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "schedule": self.schedule.state_dict(),
            **random,
            "pending": self._pending,
            "skipped": self.skipped.counts,
            "logs": self.logs.lengths(),
        }
        name = checkpoint.write_checkpoint(self.run, self.at.step, state, stopped=stopped)
        keep = {name, *map(checkpoint.name_of, self.at.validated)}
        old = {path.rpartition("/")[0] for path in before if path.startswith("checkpoints/")}
        for directory in old - keep:
            self.run.drop(directory)
        training = {
            "steps": self.at.step,
            "epochs": self.at.epoch,
            "tokens": self.at.tokens,
            "seconds": round(self.at.seconds, 1),
            "precision": self.precision,
            "device": self.device.type,
            "processes": distributed.size(),
        }
        self.run.commit(checkpoint=name, training=training, **changes)

    def restore(self) -> None:
        """Goes back to the last checkpoint, if there is one. The second call changes nothing."""
        name = self.run.manifest()["checkpoint"]
        if name is None or self._log_lengths is not None:
            return
        state = checkpoint.read_checkpoint(self.run, name)
        with damage_explained(self.run.path / name):
            self._go_back(state)
        log.info("resumed %s after step %d", self.run.path, self.at.step)

    def _go_back(self, state: dict[str, Any]) -> None:
        """Takes over a checkpoint's state."""
        set_weights(self.model, state["model"], self.run.path)
        given = self.optimizer.state_dict()["param_groups"]  # these options replace the stored ones
        self.optimizer.load_state_dict(state["optimizer"] | {"param_groups": given})
        for parameter, kept in self.optimizer.state.items():
            if any(value.shape not in ((), parameter.shape) for value in kept.values()):
                raise ValueError("the optimizer's state has other shapes than the weights")
        if state["scaler"]:  # empty unless precision was fp16
            self.scaler.load_state_dict(state["scaler"])
        if state["schedule"].keys() == self.schedule.state_dict().keys():
            self.schedule.load_state_dict(
                typed(dict[str, int | float], state["schedule"], "schedule")
            )
        else:
            log.warning("another schedule than before: it begins in its initial state")
        self._pending.copy_(state["pending"])
        self.skipped.counts.copy_(state.get("skipped", self.skipped.counts))
        saved = state.get("train_state") or state["position"]  # as of format 1
        self.at = typed(TrainState, {"progress": saved["best"]} | saved, "train_state")
        stored = self.run.manifest().get("validation") or {}
        validation = {name: math.inf if v is None else v for name, v in stored.items()}
        if validation and (best := self._quality(validation)) != self.at.best:
            # New checkpoints must beat the weights that serve, which may be an average by now.
            self.at.best = self.at.progress = best
        checkpoint.set_random_states(state)
        self._log_lengths = typed(dict[str, int], state["logs"], "logs")

    def _at_end(self) -> bool:
        """Whether training has reached a limit, or stops early because patience has run out."""
        patience = self.settings.patience
        stops_early = patience is not None and self.at.stale >= patience
        return stops_early or self.at.done(self.settings) >= 1.0
