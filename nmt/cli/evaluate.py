"""nmt-evaluate"""

from omegaconf import DictConfig

from nmt.cli.app import launch

DESCRIPTION = """
Score translations with BLEU and chrF, overall and by sentence length.

  nmt-evaluate run=runs/demo-transformer-s1 test=test
  nmt-evaluate run=runs/demo-transformer-s1 test=test name=greedy search=greedy
  nmt-evaluate run=runs/demo-transformer-s1 source=my.en reference=my.fr
  nmt-evaluate hypotheses=theirs.fr references=my.fr sources=my.en output=scores/theirs
"""


def main() -> None:
    """The console script."""
    launch("evaluate", DESCRIPTION, _work)


def _work(cfg: DictConfig) -> None:
    from nmt.commands.evaluate import evaluate  # loads sacreBLEU, once the options stand

    evaluate(cfg)
