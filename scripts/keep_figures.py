"""Copies what a run measured, and nothing else of it, to where it can be committed.

    python scripts/keep_figures.py RUN [RUN ...] DIRECTORY

Each run's manifest, training curves, times and evaluations, with the numbers of each sentence, go
to DIRECTORY/<name of the run>, where nmt-compare finds all that it needs; its weights, its text and
its config, which names places of the machine, stay behind.
"""

import shutil
import sys
from pathlib import Path

FIGURES = (
    *("manifest.json", "metrics.jsonl", "timing.jsonl"),
    *("evaluation/*/evaluation.json", "evaluation/*/sentences.parquet"),
)


def keep_figures(run: Path, directory: Path) -> list[Path]:
    """The files written. Raises FileNotFoundError for a directory that is no run."""
    if not (run / "manifest.json").is_file():
        raise FileNotFoundError(f"{run} is not a run directory: it has no manifest.json")
    kept = []
    for path in sorted(path for pattern in FIGURES for path in run.glob(pattern)):
        copy = directory / run.resolve().name / path.relative_to(run)
        copy.parent.mkdir(parents=True, exist_ok=True)
        kept.append(Path(shutil.copyfile(path, copy)))
    return kept


if __name__ == "__main__":
    *runs, directory = map(Path, sys.argv[1:])
    for run in runs:
        for path in keep_figures(run, directory):
            print(path)
