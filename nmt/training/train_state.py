"""The settings of a training run, and how far it has come."""

import math
from dataclasses import dataclass

from nmt import checks
from nmt.checks import OptionError, field


@dataclass(frozen=True, kw_only=True)
class TrainerSettings:
    """``configs/trainer/default.yaml`` explains each. Raises ValueError for a bad value."""

    max_steps: int | None
    max_epochs: int | None
    max_minutes: float | None
    patience: int | None
    min_delta: float
    validate_every: int
    select_by: str
    keep_checkpoints: int
    checkpoint_minutes: float | None
    checkpoint_every: int | None
    average: int
    batch_tokens: int | None
    accumulate: int
    precision: str
    clip_norm: float
    log_every: int
    tensorboard: bool
    threads: int | None

    def __post_init__(self) -> None:
        limits = ("max_steps", "max_epochs", "max_minutes")
        if all(getattr(self, limit) is None for limit in limits):
            raise OptionError(f"training would not end: set one of {', '.join(map(field, limits))}")
        optional = ("max_steps", "max_epochs", "patience", "threads", "batch_tokens")
        for name in (*optional, "checkpoint_every"):
            if getattr(self, name) is not None:
                checks.positive_int(name, getattr(self, name))
        for name in ("max_minutes", "checkpoint_minutes"):
            if getattr(self, name) is not None:
                checks.positive(name, getattr(self, name))
        checks.non_negative("min_delta", self.min_delta)
        counts = ("validate_every", "keep_checkpoints", "accumulate", "log_every")
        for name in counts:
            checks.positive_int(name, getattr(self, name))
        checks.non_negative_int("average", self.average)
        if self.average > self.keep_checkpoints:
            raise OptionError(
                f"{field('average')}={self.average} needs as many checkpoints kept, "
                f"got {field('keep_checkpoints')}={self.keep_checkpoints}"
            )
        checks.one_of("select_by", self.select_by, ("bleu", "loss"))
        checks.positive("clip_norm", self.clip_norm)


@dataclass
class TrainState:
    """How far training has come. Every checkpoint stores it.

    step: updates done. epoch, batch: the next batch to read. best: quality of the best validation
    (larger is better). progress: quality of the last one that counted as progress. stale:
    validations since then. seconds: of training so far. tokens: target tokens read so far.
    validated: steps of the kept checkpoints that were validated.
    """

    step: int = 0
    epoch: int = 0
    batch: int = 0
    best: float = -math.inf
    progress: float = -math.inf
    stale: int = 0
    seconds: float = 0.0
    tokens: int = 0
    validated: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for name in ("step", "epoch", "batch", "stale", "tokens"):
            checks.non_negative_int(name, getattr(self, name))

    def observe(self, quality: float, min_delta: float) -> bool:
        """Takes in a validation -> whether it is the best so far. It counts as progress if it
        exceeds the last one that did by more than ``min_delta``."""
        better = quality > self.best
        if quality > self.progress + min_delta:
            self.progress, self.stale = quality, 0
        else:
            self.stale += 1
        self.best = max(self.best, quality)
        return better

    def done(self, settings: TrainerSettings, epoch_length: int | None = None) -> float:
        """Share of the way to the nearest limit, 0 to 1.

        epoch_length: batches of the epoch; where it is given, parts of an epoch count too.
        """
        shares = []
        if settings.max_steps is not None:
            shares.append(self.step / settings.max_steps)
        if settings.max_minutes is not None:
            shares.append(self.seconds / (60 * settings.max_minutes))
        if settings.max_epochs is not None:
            part = self.batch / epoch_length if epoch_length else 0.0
            shares.append((self.epoch + part) / settings.max_epochs)
        return min(1.0, max(shares))


class Cadence:
    """When the next checkpoint is due that no validation brings: by steps, and by minutes of
    training since the last. All ranks have the same seconds, and so decide alike."""

    def __init__(self, settings: TrainerSettings) -> None:
        self._every, self._minutes = settings.checkpoint_every, settings.checkpoint_minutes
        self._last: float | None = None

    def saved(self, at: TrainState) -> None:
        """Notes that there is one."""
        self._last = at.seconds

    def is_due(self, at: TrainState) -> bool:
        if self._last is None:
            self._last = at.seconds
        late = self._minutes is not None and at.seconds - self._last >= 60 * self._minutes
        return late or (self._every is not None and at.step % self._every == 0)
