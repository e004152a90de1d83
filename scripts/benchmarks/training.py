"""How fast ``nmt-train`` reads target tokens, as a share of what the machine could do."""

import json
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from nmt.device import choose_device, choose_precision
from nmt.translator import Translator
from scripts.benchmarks import machine
from scripts.benchmarks.flops import training_flops
from scripts.benchmarks.process import console_script, run

WINDOW = 20
"""Steps between two readings of the clock; the first window, warming up, does not count."""


def measure(
    *,
    experiment: str,
    data: Path,
    steps: int,
    precision: str,
    threads: int,
    keep: Path | None,
    options: Sequence[str] = (),
) -> dict[str, Any]:
    """Train for ``steps`` steps in a directory of its own, or in ``keep``, which stays.

    target_tokens_per_second: EOS counted, padding not, validation left out. share_of_peak: of the
    machine's fastest product in the same precision, measured right before. peak_memory_mb: RssAnon.
    """
    precision = choose_precision(precision, choose_device("cpu"))
    peak = machine.peak(precision)
    with tempfile.TemporaryDirectory() as scratch:
        directory = keep or Path(scratch) / "run"
        finished = run(
            [
                console_script("nmt-train"),
                f"experiment={experiment}",
                f"data.dir={data.resolve()}",
                f"run={directory}",
                f"trainer.max_steps={steps}",
                f"trainer.validate_every={steps}",
                f"trainer.precision={precision}",
                f"trainer.threads={threads}",
                f"trainer.log_every={WINDOW}",
                "trainer.max_epochs=null",
                "device=cpu",
                *options,
            ]
        )
        rate = tokens_per_second(directory / "timing.jsonl")
        model = Translator.load(directory, device="cpu").model
        flops = training_flops(model, sentences=64, length=16)
    return {
        "experiment": experiment,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "precision": precision,
        "target_tokens_per_second": round(rate),
        "flops_per_target_token": round(flops),
        "peak_gflops": round(peak / 1e9),
        "share_of_peak": round(rate * flops / peak, 3),
        "peak_memory_mb": round(finished.peak_mb),
    }


def tokens_per_second(timing: Path) -> float:
    """Median over the windows after the first."""
    rows = [json.loads(line) for line in timing.read_text().splitlines()]
    rates = sorted(
        (now["tokens"] - before["tokens"]) / (now["seconds"] - before["seconds"])
        for before, now in pairwise(rows)
    )
    if not rates:
        raise ValueError(f"{timing}: at least {2 * WINDOW} steps are needed, see --steps")
    return float(rates[len(rates) // 2])
