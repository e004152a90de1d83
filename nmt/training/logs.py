"""The logs of training: JSON lines, curves for TensorBoard, and a progress bar on a terminal."""

import json
import math
import os
import time
from pathlib import Path
from typing import Any

from tqdm import tqdm

from nmt import distributed
from nmt.training.train_state import TrainerSettings, TrainState

METRICS = "metrics.jsonl"
TIMING = "timing.jsonl"


class Logs:
    """Writes metrics.jsonl and timing.jsonl.

    A repeated run writes the same metrics.jsonl. Values that depend on the clock go to
    timing.jsonl. Of several processes the first alone writes. tensorboard: whether to write curves
    below ``run/tensorboard`` too.
    """

    def __init__(self, run: Path, *, tensorboard: bool) -> None:
        self.run = run
        self.tensorboard = tensorboard and distributed.is_first()
        self._curves: Any = None

    def begin(self, step: int, lengths: dict[str, int]) -> None:
        """Cuts the files to the ``lengths`` that they had after ``step``."""
        for name in (METRICS, TIMING) if distributed.is_first() else ():
            if (path := self.run / name).exists():
                os.truncate(path, max(0, min(lengths.get(name, 0), path.stat().st_size)))
        if self.tensorboard:
            # Imported here because it takes longer than all else that a short command does.
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
        """Bytes in each file, for ``begin``."""
        paths = (self.run / METRICS, self.run / TIMING)
        return {path.name: path.stat().st_size if path.exists() else 0 for path in paths}

    def close(self) -> None:
        if self._curves is not None:
            self._curves.close()

    def _append(self, name: str, values: dict[str, Any]) -> None:
        if not distributed.is_first():
            return
        with open(self.run / name, "a", encoding="utf-8") as file:
            file.write(json.dumps(values) + "\n")


class ProgressBar:
    """Shows on stderr, if that is a terminal, how far training is on the way to its nearest limit.

    bar: a context, which closes it.
    """

    def __init__(self, settings: TrainerSettings, at: TrainState) -> None:
        self.settings = settings
        self.epoch_length: int | None = None
        self.loss = math.nan
        self._begun, self._begun_tokens = time.monotonic(), at.tokens
        self._begun_done = at.done(settings)
        shape = "{desc} |{bar:30}|{postfix}"
        off = distributed.unseen()
        self.bar = tqdm(total=1.0, disable=off, bar_format=shape, dynamic_ncols=True)

    def update(self, at: TrainState) -> None:
        if self.bar.disable:
            return
        elapsed = time.monotonic() - self._begun
        done = at.done(self.settings, self.epoch_length)
        rate = (at.tokens - self._begun_tokens) / elapsed
        left = elapsed * (1.0 - done) / max(done - self._begun_done, 1e-9)
        self.bar.n = done
        self.bar.set_description_str(f"step {at.step}, epoch {at.epoch + 1}", refresh=False)
        speed = f"loss {self.loss:.3f}, {rate:,.0f} tokens/s, {_clock(left)} left"
        self.bar.set_postfix_str(f"{done:.0%} {speed}", refresh=False)
        self.bar.update(0)


def _clock(seconds: float) -> str:
    """Hours, minutes and seconds; days from 100 hours on."""
    if seconds > 99 * 3600:
        return f"{seconds / 86400:.0f} days"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
