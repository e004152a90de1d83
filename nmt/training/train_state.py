"""How far a training run has come, and when it has come to its end."""

import math
from dataclasses import dataclass

from nmt.training.settings import TrainerSettings


@dataclass
class Position:
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
