"""What a training run is told, how far it has come, and when it ends."""

import math
from dataclasses import dataclass

from nmt import checks
from nmt.checks import OptionError, field


@dataclass(frozen=True, kw_only=True)
class TrainerSettings:
    """``configs/trainer/default.yaml`` says what each means. Raises ValueError for a bad value."""

    max_steps: int | None
    max_epochs: int | None
    max_minutes: float | None
    patience: int | None
    validate_every: int
    select_by: str
    keep_checkpoints: int
    average: int
    batch_tokens: int
    accumulate: int
    precision: str
    label_smoothing: float
    clip_norm: float
    log_every: int
    tensorboard: bool
    threads: int | None

    def __post_init__(self) -> None:
        limits = ("max_steps", "max_epochs", "max_minutes")
        if all(getattr(self, limit) is None for limit in limits):
            named = ", ".join(map(field, limits))
            raise OptionError(f"training would not end: set one of {named}")
        for name in ("max_steps", "max_epochs", "patience", "threads"):
            if getattr(self, name) is not None:
                checks.positive_int(name, getattr(self, name))
        if self.max_minutes is not None:
            checks.positive("max_minutes", self.max_minutes)
        counts = ("validate_every", "keep_checkpoints", "batch_tokens", "accumulate", "log_every")
        for name in counts:
            checks.positive_int(name, getattr(self, name))
        checks.non_negative_int("average", self.average)
        if self.average > self.keep_checkpoints:
            raise OptionError(
                f"{field('average')}={self.average} needs as many checkpoints kept, "
                f"got {field('keep_checkpoints')}={self.keep_checkpoints}"
            )
        checks.one_of("select_by", self.select_by, ("bleu", "loss"))
        checks.probability("label_smoothing", self.label_smoothing)
        checks.positive("clip_norm", self.clip_norm)


@dataclass
class TrainState:
    """Stored whole in every checkpoint.

    step: updates done. epoch, batch: the next batch to read. best: what progress is measured by,
    larger is better. stale: validations since. seconds, tokens: spent and read so far.
    validated: steps of the kept checkpoints that were validated, the ones that are averaged.
    """

    step: int = 0
    epoch: int = 0
    batch: int = 0
    best: float = -math.inf
    stale: int = 0
    seconds: float = 0.0
    tokens: int = 0
    validated: tuple[int, ...] = ()

    def at_end(self, settings: TrainerSettings) -> bool:
        """Whether a limit is reached or patience is over."""
        impatient = settings.patience is not None and self.stale >= settings.patience
        return impatient or self.done(settings, steps_per_epoch=None) >= 1.0

    def done(self, settings: TrainerSettings, *, steps_per_epoch: int | None) -> float:
        """Share of the way to whichever limit is nearest, 0 to 1.

        steps_per_epoch: where known, parts of an epoch count too.
        """
        shares = []
        if settings.max_steps is not None:
            shares.append(self.step / settings.max_steps)
        if settings.max_minutes is not None:
            shares.append(self.seconds / (60 * settings.max_minutes))
        if settings.max_epochs is not None:
            part = self.batch / settings.accumulate / steps_per_epoch if steps_per_epoch else 0.0
            shares.append((self.epoch + min(part, 1.0)) / settings.max_epochs)
        return min(1.0, max(shares))
