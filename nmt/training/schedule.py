"""Learning-rate schedules: by what factor to multiply the optimizer's rate in each step."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from nmt.checks import OptionError, field, non_negative_int, positive_int, probability


@dataclass(kw_only=True, eq=False)
class Schedule(ABC):
    """factor(step) for step 1, 2, ...; in the first ``warmup_steps`` it rises linearly to 1.

    total_steps: the last possible step of training; None where only time limits it.
    """

    warmup_steps: int
    total_steps: int | None

    def __post_init__(self) -> None:
        non_negative_int("warmup_steps", self.warmup_steps)

    def factor(self, step: int) -> float:
        return step / self.warmup_steps if step < self.warmup_steps else self.after_warmup(step)

    @abstractmethod
    def after_warmup(self, step: int) -> float:
        """The factor from step ``warmup_steps`` on, where it is 1."""

    def observe(self, validation_loss: float) -> None:  # noqa: B027  # most do not need it
        """Training calls this after each validation."""

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        vars(self).update(state)


class InverseSquareRoot(Schedule):
    """factor = sqrt(warmup / step): Vaswani et al. (2017), eq. 3, with a free peak."""

    def after_warmup(self, step: int) -> float:
        return math.sqrt(max(self.warmup_steps, 1) / step)


@dataclass(kw_only=True, eq=False)
class Cosine(Schedule):
    """Falls as half a cosine from 1 to ``final_ratio`` (Loshchilov and Hutter 2017)."""

    final_ratio: float = 0.05

    def __post_init__(self) -> None:
        super().__post_init__()
        probability("final_ratio", self.final_ratio)
        if self.total_steps is None:
            raise ValueError("the cosine schedule needs a last step: set max_steps or max_epochs")
        self.decay_steps = self.total_steps - self.warmup_steps
        if self.decay_steps <= 0:
            named = f"{field('warmup_steps')}={self.warmup_steps}"
            raise OptionError(
                f"{named} leaves nothing of {self.total_steps} steps: lower it or train longer"
            )

    def after_warmup(self, step: int) -> float:
        done = min(1.0, (step - self.warmup_steps) / self.decay_steps)
        height = 0.5 * (1.0 + math.cos(math.pi * done))
        return self.final_ratio + (1.0 - self.final_ratio) * height


@dataclass(kw_only=True, eq=False)
class Plateau(Schedule):
    """Multiplies by ``decay`` after ``patience`` validations in a row without a lower loss."""

    decay: float = 0.5
    patience: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        probability("decay", self.decay)
        positive_int("patience", self.patience)
        self.level, self.best, self.stale = 1.0, math.inf, 0

    def after_warmup(self, step: int) -> float:
        return self.level

    def observe(self, validation_loss: float) -> None:
        if validation_loss < self.best:
            self.best, self.stale = validation_loss, 0
            return
        self.stale += 1
        if self.stale >= self.patience:
            self.level, self.stale = self.level * self.decay, 0

    def state_dict(self) -> dict[str, Any]:
        return {"level": self.level, "best": self.best, "stale": self.stale}
