"""nmt-translate"""

from omegaconf import DictConfig

from nmt.cli.app import launch

DESCRIPTION = """
Translate text, one line for each line. Standard output holds the translations and nothing else.

  echo "A sentence." | nmt-translate run=runs/demo-transformer-s1
  nmt-translate run=runs/demo-lstm-s1 < in.txt > out.txt
  nmt-translate run=runs/demo-lstm-s1 input=in.txt.gz output=out.txt search.beam_size=10
  nmt-translate run=runs/demo-lstm-s1 input=in.txt output=out.txt resume=auto
  nmt-translate run=[runs/demo-lstm-s1,runs/demo-lstm-s2] search=greedy < in.txt
  nmt-translate run=runs/demo-lstm-s1 format=jsonl nbest=5 align=true < in.txt > out.jsonl
  nmt-translate run=runs/demo-lstm-s1 'require=["the red cat"]' 'forbid=[dog,fox]' < in.txt
"""


def main() -> None:
    """The console script."""
    launch("translate", DESCRIPTION, _work)


def _work(cfg: DictConfig) -> None:
    from nmt.commands.translate import translate  # loads torch, once the options stand

    translate(cfg)
