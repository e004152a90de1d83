"""What training writes down as it goes: two files of JSON lines, and curves for TensorBoard."""

import json
import os
from pathlib import Path
from typing import Any

METRICS = "metrics.jsonl"
TIMING = "timing.jsonl"


class Logs:
    """metrics.jsonl is the same whenever a run is repeated; what a clock says is in timing.jsonl.

    tensorboard: also write curves below ``run/tensorboard``.
    """

    def __init__(self, run: Path, *, tensorboard: bool) -> None:
        self.run = run
        self._curves: Any = None
        if tensorboard:
            # Imported here: it takes longer than everything else a short command does.
            from torch.utils.tensorboard import SummaryWriter

            self._curves = SummaryWriter(str(run / "tensorboard"))

    def metrics(self, step: int, values: dict[str, Any]) -> None:
        self._append(METRICS, {"step": step} | values)
        if self._curves is not None:
            for name, value in values.items():
                if isinstance(value, float):
                    self._curves.add_scalar(name, value, step)

    def timing(self, step: int, values: dict[str, Any]) -> None:
        self._append(TIMING, {"step": step} | values)

    def lengths(self) -> dict[str, int]:
        """Bytes in each file, to go back to by ``truncate``."""
        paths = {name: self.run / name for name in (METRICS, TIMING)}
        return {name: path.stat().st_size if path.exists() else 0 for name, path in paths.items()}

    def truncate(self, lengths: dict[str, int]) -> None:
        """Forget what was written after ``lengths`` were taken."""
        for name, length in lengths.items():
            if (self.run / name).exists():
                os.truncate(self.run / name, length)

    def close(self) -> None:
        if self._curves is not None:
            self._curves.close()

    def _append(self, name: str, values: dict[str, Any]) -> None:
        with open(self.run / name, "a", encoding="utf-8") as file:
            file.write(json.dumps(values) + "\n")
