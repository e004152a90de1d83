"""What training writes down as it goes: JSON lines, curves for TensorBoard, a bar on a terminal."""

import json
import math
import os
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from nmt.training.train_state import TrainerSettings, TrainState

METRICS = "metrics.jsonl"
TIMING = "timing.jsonl"


class Logs:
    """metrics.jsonl is the same whenever a run is repeated; what a clock says is in timing.jsonl.

    tensorboard: also write curves below ``run/tensorboard``.
    """

    def __init__(self, run: Path, *, tensorboard: bool) -> None:
        self.run = run
        self.tensorboard = tensorboard
        self._curves: Any = None

    def begin(self, step: int, lengths: dict[str, int]) -> None:
        """Go on after ``step``: forget what was written after ``lengths`` were taken."""
        for name in (METRICS, TIMING):
            if (self.run / name).exists():
                os.truncate(self.run / name, lengths.get(name, 0))
        if self.tensorboard:
            # Imported here: it takes longer than everything else a short command does.
            from torch.utils.tensorboard import SummaryWriter

            self._curves = SummaryWriter(str(self.run / "tensorboard"), purge_step=step + 1)

    def metrics(self, step: int, values: dict[str, Any]) -> None:
        self._append(METRICS, {"step": step} | values)
        if self._curves is not None:
            for name, value in values.items():
                if isinstance(value, float):
                    self._curves.add_scalar(name, value, step)

    def timing(self, step: int, values: dict[str, Any]) -> None:
        self._append(TIMING, {"step": step} | values)

    def lengths(self) -> dict[str, int]:
        """Bytes in each file, to go back to by ``begin``."""
        paths = {name: self.run / name for name in (METRICS, TIMING)}
        return {name: path.stat().st_size if path.exists() else 0 for name, path in paths.items()}

    def close(self) -> None:
        if self._curves is not None:
            self._curves.close()

    def _append(self, name: str, values: dict[str, Any]) -> None:
        with open(self.run / name, "a", encoding="utf-8") as file:
            file.write(json.dumps(values) + "\n")


class ProgressBar:
    """Goes to stderr, and only if that is a terminal; log lines pass above it.

    It shows the share of the way to whichever limit of training is nearest.
    """

    def __init__(self, settings: TrainerSettings, at: TrainState) -> None:
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

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def update(self, at: TrainState) -> None:
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
