"""What one sentence costs by its length: processor time and memory of each architecture, each in a
process of its own.

    python -m scripts.benchmarks.one_sentence MODEL TOKENS BEAM THREADS    measures in this process
"""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from nmt.device import keep_freed_memory
from nmt.search.beam import BeamSearch
from nmt.tokenizer import EOS
from scripts.benchmarks.process import run
from scripts.benchmarks.shapes import MODELS, VOCABULARY, random_model

REPEATS = 2


def measure(*, lengths: Sequence[int], beam_size: int, threads: int) -> list[dict[str, Any]]:
    """Source and translation have ``lengths`` tokens. peak_memory_mb: of the process, torch and
    weights included (``RssAnon``)."""
    rows = []
    for name in MODELS:
        for length in lengths:
            asked = [name, *map(str, (length, beam_size, threads))]
            command = [sys.executable, "-m", "scripts.benchmarks.one_sentence", *asked]
            done = run(command, directory=Path(__file__).parents[2])
            rows.append(
                {
                    "model": name,
                    "beam": beam_size,
                    "tokens": length,
                    "processor_ms": round(1000 * float(done.out)),
                    "peak_memory_mb": round(done.peak_mb),
                }
            )
    return rows


def seconds(name: str, length: int, beam_size: int) -> float:
    """Of the processor, which other programs disturb least: the least of a few, after one that
    warms up. Random weights end nothing: the limit does."""
    model = random_model(name).eval()
    search = BeamSearch(beam_size=beam_size, max_length=1e-9, extra_length=length)
    src = torch.randint(EOS + 1, VOCABULARY, (1, length))
    src[:, -1] = EOS
    times = []
    for _ in range(1 + REPEATS):
        start = time.process_time()
        with torch.inference_mode():
            search(model, src)
        times.append(time.process_time() - start)
    return min(times[1:])


if __name__ == "__main__":
    model, *numbers = sys.argv[1:]
    tokens, beam, threads = map(int, numbers)
    torch.set_num_threads(threads)
    keep_freed_memory()
    print(seconds(model, tokens, beam))
