"""A progress bar on a terminal: loss, tokens a second, time left."""

import math
import time
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from nmt.training.train_state import Position
from nmt.training.settings import TrainerSettings


class ProgressBar:
    """Goes to stderr, and only if that is a terminal; log lines pass above it.

    It shows the share of the way to whichever limit of training is nearest.
    """

    def __init__(self, settings: TrainerSettings, at: Position) -> None:
        self.settings = settings
        self.steps_per_epoch: int | None = None
        self.loss = math.nan
        self._begun, self._begun_tokens = time.monotonic(), at.tokens
        self._begun_done = at.done(settings, steps_per_epoch=None)

    def __enter__(self) -> Self:
        self._bar = tqdm(
            total=1.0, disable=None, bar_format="{desc} |{bar:30}|{postfix}", dynamic_ncols=True
        )
        self._stack = ExitStack()
        self._stack.enter_context(logging_redirect_tqdm())
        self._stack.callback(self._bar.close)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    def update(self, at: Position) -> None:
        if self._bar.disable:
            return
        elapsed = time.monotonic() - self._begun
        done = at.done(self.settings, steps_per_epoch=self.steps_per_epoch)
        rate = (at.tokens - self._begun_tokens) / elapsed
        left = elapsed * (1.0 - done) / max(done - self._begun_done, 1e-9)
        self._bar.n = done
        self._bar.set_description_str(f"step {at.step}, epoch {at.epoch + 1}", refresh=False)
        self._bar.set_postfix_str(
            f"{done:.0%} loss {self.loss:.3f}, {rate:,.0f} tokens/s, {_clock(left)} left",
            refresh=False,
        )
        self._bar.update(0)


def _clock(seconds: float) -> str:
    """Minutes and seconds, or days for what nobody waits for."""
    if seconds > 99 * 3600:
        return f"{seconds / 86400:.0f} days"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
