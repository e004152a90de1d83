"""nmt-prepare"""

from omegaconf import DictConfig

from nmt.cli.app import launch

DESCRIPTION = """
Read, clean and encode a corpus ahead of training, and report on it. nmt-train with the same data
and tokenizer options then starts at once.

  nmt-prepare data=tsv data.src_lang=en data.tgt_lang=fr data.train=pairs.tsv data.valid=1000
  nmt-prepare data=wmt14 tokenizer=unigram tokenizer.vocab_size=16000
  nmt-prepare data=opus100 data.max_pairs=200000 data.cache=prepared
"""


def main() -> None:
    """The console script."""
    launch("prepare", DESCRIPTION, _work)


def _work(cfg: DictConfig) -> None:
    from nmt.commands.prepare import prepare  # loads pyarrow, once the options are known good

    prepare(cfg)
