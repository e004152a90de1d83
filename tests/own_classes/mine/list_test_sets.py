"""List the test sets that a run keeps: name, sentences, words of the sources.

python -m mine.list_test_sets run=runs/demo-transformer-s1
"""

import sys
from pathlib import Path

from omegaconf import DictConfig

from nmt.cli.app import launch
from nmt.run_directory import RunDirectory

CONFIGS = Path(__file__).parents[1] / "configs"


def main(cfg: DictConfig) -> None:
    """List as ``configs/list_test_sets.yaml`` says."""
    run = RunDirectory.open(str(cfg.run))
    for name in run.test_sets():
        sources, _ = run.test_set(name)
        print(name, len(sources), sum(len(source.split()) for source in sources), sep="\t")


def launch_list_test_sets() -> None:
    """The command, with the directory that its YAML lies in."""
    sys.argv[1:1] = ["--config-dir", str(CONFIGS)]
    launch("list_test_sets", __doc__ or "", main)


if __name__ == "__main__":
    launch_list_test_sets()
