"""nmt-score"""

from omegaconf import DictConfig

from nmt.cli.app import launch

DESCRIPTION = """
Say how likely a model finds given translations: natural log-probability, tokens and perplexity of
each pair, one line for each, and of all pairs on stderr. Pairs of two blank lines do not count.

  nmt-score run=runs/demo-transformer-s1 source=my.en target=my.fr
  nmt-score run=[runs/a,runs/b] source=my.en target=my.fr format=jsonl output=scores.jsonl
"""


def main() -> None:
    """The console script."""
    launch("score", DESCRIPTION, _work)


def _work(cfg: DictConfig) -> None:
    from nmt.commands.score import score  # loads torch, once the options stand

    score(cfg)
