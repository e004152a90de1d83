"""nmt-compare"""

from omegaconf import DictConfig

from nmt.cli.app import launch

DESCRIPTION = """
Compare systems that were evaluated on one test set: a table and a plot of BLEU by length.

  nmt-compare runs=[runs/demo-lstm-s1,runs/demo-transformer-s1] evaluation=test
"""


def main() -> None:
    """The console script."""
    launch("compare", DESCRIPTION, _work)


def _work(cfg: DictConfig) -> None:
    from nmt.commands.compare import compare  # loads matplotlib, once the options stand

    compare(cfg)
