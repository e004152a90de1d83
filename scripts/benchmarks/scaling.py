"""How fast one and several processes of one thread each train, and what they spend on each other.

The corpus is the one that ships with nmt. An update reads a batch of each process, so that tokens
of an update grow with the processes.
"""

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nmt.run_directory import RunDirectory
from scripts.benchmarks.process import console_script, run
from scripts.benchmarks.training import WINDOW, tokens_per_second

GRADIENT_BYTES = 4  # of one parameter, in fp32 whatever the precision of products


def measure(
    *, models: Sequence[str], processes: Sequence[int], steps: int, options: Sequence[str]
) -> list[dict[str, Any]]:
    """A row a model and number of processes. adding_up: share of the time that the first process
    spends in the sum of gradients; waiting: the same for all that it shares with others, most of
    which is waiting for the slower one."""
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for model in models:
            for count in processes:
                directory = Path(scratch) / f"{model.replace('/', '-')}-{count}"
                run([*_launcher(count), *_options(model, directory, steps), *options])
                timing = directory / "timing.jsonl"
                parameters = RunDirectory(directory).manifest()["parameters"]
                rows.append(
                    {
                        "model": model,
                        "parameters": parameters,
                        "processes": count,
                        "target_tokens_per_second": round(tokens_per_second(timing)),
                        "adding_up": _share(timing, "adding_up"),
                        "waiting": _share(timing, "waiting"),
                        "gradient_mb": round(GRADIENT_BYTES * parameters / 1e6, 1),
                    }
                )
    return rows


def _launcher(processes: int) -> list[str]:
    if processes == 1:
        return [console_script("nmt-train")]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--no-python"]
    return [*torchrun, f"--nproc-per-node={processes}", console_script("nmt-train")]


def _options(model: str, directory: Path, steps: int) -> list[str]:
    return [
        f"model={model}",
        f"run={directory}",
        f"trainer.max_steps={steps}",
        f"trainer.validate_every={steps + 1}",
        f"trainer.log_every={WINDOW}",
        "trainer.batch_tokens=2048",
        "trainer.average=0",
        "trainer.tensorboard=false",
        "trainer.threads=1",
        "data/augment=none",
        "search.max_length=0.1",
        "search.extra_length=1",
        "device=cpu",
    ]


def _share(timing: Path, what: str) -> float:
    """Of the seconds after the first window."""
    rows = [json.loads(line) for line in timing.read_text().splitlines()]
    first, last = rows[0], rows[-1]
    spent = last.get(what, 0.0) - first.get(what, 0.0)
    share: float = round(spent / (last["seconds"] - first["seconds"]), 3)
    return share
