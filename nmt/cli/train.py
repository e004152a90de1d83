"""nmt-train"""

import re
import sys
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig

from nmt.cli.app import launch
from nmt.cli.arguments import overrides

DESCRIPTION = """
Train a translator on sentence pairs.

  nmt-train                                       on the corpus that ships with nmt
  nmt-train model=transformer trainer.max_minutes=20
  nmt-train model=lstm model/attention=luong_dot
  nmt-train -m model=lstm,lstm_bahdanau,transformer seed=1,2
  nmt-train data=files data.src_lang=de data.tgt_lang=en \\
      data.train.src=train.de data.train.tgt=train.en \\
      data.valid.src=valid.de data.valid.tgt=valid.en \\
      data.tests.news.src=news.de data.tests.news.tgt=news.en
  nmt-train data=tsv data.src_lang=en data.tgt_lang=fr data.train=pairs.tsv data.valid=1000
  nmt-train run=runs/demo-lstm-s1 model=lstm resume=auto
  nmt-train init_from=runs/demo-lstm-s1 data=tsv data.src_lang=en data.tgt_lang=fr \\
      data.train=mine.tsv data.valid=500 optimizer.lr=0.0005 schedule.warmup_steps=100
"""


def main() -> None:
    """The console script."""
    launch("train", DESCRIPTION, _work)


def _work(cfg: DictConfig) -> None:
    from nmt.commands.train import train  # loads torch, once the options are known to be good

    if cfg.run is None:
        cfg.run = f"runs/{run_name(cfg.seed, cfg.init_from, sys.argv[1:])}"
    train(cfg, HydraConfig.get().overrides.task)


def run_name(seed: int, init_from: str | None, arguments: list[str]) -> str:
    """<experiment or data>-<model>-s<seed>, and what else a sweep varies, or attention, if chosen.

    init_from: a run, whose name is given as from-<run> instead of the model.
    arguments: of the command line, which say what is swept.
    """
    hydra = HydraConfig.get()
    choices = hydra.runtime.choices
    parsed = OverridesParser.create().parse_overrides(overrides(arguments))
    swept = {option.key_or_group for option in parsed if option.is_sweep_override()}
    model = choices["model"]
    if init_from is not None:
        model = f"from-{Path(str(init_from)).resolve().name}"
    parts = [choices["experiment"] or choices["data"], model, f"s{seed}"]
    named = {"experiment", "data", "model", "init_from", "seed"}
    for override in hydra.overrides.task:
        name, _, value = override.lstrip("+").partition("=")
        if name == "model/attention" or name in swept - named:
            parts += [re.split("[./]", name)[-1], value]
    return "-".join(re.sub(r"[^\w.-]+", "_", part).strip("_") for part in parts)
