"""Compare systems that were evaluated on one test set: a table and a plot of BLEU by length.

nmt-compare runs=[runs/demo-lstm-s1,runs/demo-transformer-s1] evaluation=test
"""

import logging
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf

from nmt.cli.arguments import texts
from nmt.evaluation.result_files import find_evaluation
from nmt.files import check_writable
from nmt.plain_files import typed
from nmt.report.comparison import ComparedRun, comparison_table, short_labels, write_comparison
from nmt.run_directory import MANIFEST, RunDirectory

log = logging.getLogger(__name__)


def main(cfg: DictConfig) -> None:
    """Compare as ``configs/compare.yaml`` says; the table goes to stdout."""
    config = cast(dict[str, Any], OmegaConf.to_container(cfg, resolve=True))
    directories = [Path(directory) for directory in texts(config["runs"])]
    if not directories:
        raise ValueError("runs=[] names nothing to compare: say runs=[DIR,DIR,...]")
    name = str(config["evaluation"])
    labels = short_labels([directory.resolve().name for directory in directories])
    runs = []
    for directory, label in zip(directories, labels, strict=True):
        run = RunDirectory(directory)
        manifest = run.manifest() if run.exists() else {}  # other systems have none
        seconds = manifest.get("training", {}).get("seconds")
        seconds = typed(float | None, seconds, f"{directory / MANIFEST} is damaged: seconds")
        runs.append(
            ComparedRun(
                label=label,
                evaluation=find_evaluation(directory, name),
                parameters=manifest.get("parameters"),
                training_seconds=seconds,
            )
        )
    table = comparison_table(runs)
    output = Path(str(config["output"] or directories[0].parent / f"comparison-{name}"))
    check_writable(output, "output")
    paths = write_comparison(runs, output)
    print(table.text())
    log.info("wrote %s", ", ".join(map(str, paths)))
