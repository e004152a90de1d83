"""The options of a training run, checked."""

from dataclasses import dataclass

from nmt.checks import non_negative_int, one_of, positive, positive_int, probability


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
        limits = {"max_steps": self.max_steps, "max_epochs": self.max_epochs}
        if self.max_minutes is None and all(limit is None for limit in limits.values()):
            raise ValueError(
                "training would not end: set trainer.max_steps, trainer.max_epochs "
                "or trainer.max_minutes"
            )
        for name, limit in {**limits, "patience": self.patience, "threads": self.threads}.items():
            if limit is not None:
                positive_int(f"trainer.{name}", limit)
        if self.max_minutes is not None:
            positive("trainer.max_minutes", self.max_minutes)
        for name in (
            "validate_every",
            "keep_checkpoints",
            "batch_tokens",
            "accumulate",
            "log_every",
        ):
            positive_int(f"trainer.{name}", getattr(self, name))
        non_negative_int("trainer.average", self.average)
        if self.average > self.keep_checkpoints:
            raise ValueError(
                f"trainer.average={self.average} needs as many checkpoints kept, "
                f"got trainer.keep_checkpoints={self.keep_checkpoints}"
            )
        one_of("trainer.select_by", self.select_by, ("bleu", "loss"))
        probability("trainer.label_smoothing", self.label_smoothing)
        positive("trainer.clip_norm", self.clip_norm)
