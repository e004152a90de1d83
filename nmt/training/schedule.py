"""Learning-rate schedules: a factor on the optimizer's rate for each step, warm-up included."""

import math
from abc import ABC, abstractmethod
from typing import Any

from nmt.checks import OptionError, field, non_negative_int, positive_int, probability


class Schedule(ABC):
    """factor(step) of step 1, 2, ...; the first ``warmup_steps`` rise linearly to 1.

    total_steps: where training will end at the latest; None where only time limits it.
    """

    def __init__(self, *, warmup_steps: int, total_steps: int | None) -> None:
        self.warmup_steps = non_negative_int("warmup_steps", warmup_steps)
        self.total_steps = total_steps

    def factor(self, step: int) -> float:
        if step < self.warmup_steps:
            return step / self.warmup_steps
        return self.after_warmup(step)

    @abstractmethod
    def after_warmup(self, step: int) -> float:
        """The factor from step ``warmup_steps`` on, where it is 1."""

    def observe(self, validation_loss: float) -> None:  # noqa: B027  # most do not look
        """Told of each validation."""

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        assert not state


class InverseSquareRoot(Schedule):
    """factor = sqrt(warmup / step): Vaswani et al. (2017), eq. 3, with a free peak."""

    def after_warmup(self, step: int) -> float:
        return math.sqrt(max(self.warmup_steps, 1) / step)


class Cosine(Schedule):
    """Half a cosine from 1 to ``final_ratio`` at the last step (Loshchilov and Hutter 2017)."""

    def __init__(
        self, *, warmup_steps: int, total_steps: int | None, final_ratio: float = 0.05
    ) -> None:
        super().__init__(warmup_steps=warmup_steps, total_steps=total_steps)
        self.final_ratio = probability("final_ratio", final_ratio)
        if total_steps is None:
            raise ValueError(
                "the cosine schedule needs to know the last step: set max_steps or max_epochs"
            )
        if total_steps <= warmup_steps:
            raise OptionError(
                f"{field('warmup_steps')}={warmup_steps} leaves nothing of {total_steps} steps: "
                f"lower it or train longer"
            )
        self.decay_steps = total_steps - warmup_steps

    def after_warmup(self, step: int) -> float:
        done = min(1.0, (step - self.warmup_steps) / self.decay_steps)
        height = 0.5 * (1.0 + math.cos(math.pi * done))
        return self.final_ratio + (1.0 - self.final_ratio) * height


class Plateau(Schedule):
    """Multiplied by ``decay`` after ``patience`` validations in a row without a lower loss."""

    def __init__(
        self, *, warmup_steps: int, total_steps: int | None, decay: float = 0.5, patience: int = 3
    ) -> None:
        super().__init__(warmup_steps=warmup_steps, total_steps=total_steps)
        self.decay = probability("decay", decay)
        self.patience = positive_int("patience", patience)
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

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.level, self.best, self.stale = state["level"], state["best"], state["stale"]
