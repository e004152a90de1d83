"""From the start of a process to its first line of output."""

import statistics
import sys
from pathlib import Path
from typing import Any

from scripts.benchmarks.process import console_script, run

SENTENCE = "Two dogs are playing in the snow.\n"


def measure(*, run_directory: Path, repeats: int) -> list[dict[str, Any]]:
    """Seconds of each command, medians; importing torch alone is the floor."""
    commands = {
        "import torch": [sys.executable, "-c", "import torch"],
        "nmt-translate, one sentence": [console_script("nmt-translate"), f"run={run_directory}"],
        "nmt-translate --help": [console_script("nmt-translate"), "--help"],
    }
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(repeats):
        for name, command in commands.items():
            seconds[name].append(run(command, text=SENTENCE).seconds)
    return [
        {"command": name, "seconds": round(statistics.median(times), 2)}
        for name, times in seconds.items()
    ]
