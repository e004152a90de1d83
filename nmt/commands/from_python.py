"""``nmt.train`` and ``nmt.evaluate``: the commands of these names, called from Python."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import DictConfig, open_dict

from nmt.cli import app, arguments, config_files
from nmt.cli.wording import worded
from nmt.commands import evaluate as evaluating
from nmt.commands import train as training
from nmt.evaluation.evaluation import Evaluation

T = TypeVar("T")


def train(*options: str) -> Path:
    """Trains as ``nmt-train`` does with these options -> the run directory.

    options: as on the command line, such as "experiment=demo", "model=small/lstm", "seed=2".

    Raises ValueError for a mistake in the options or the text, OSError for files that cannot be
    read or written, KeyboardInterrupt after Ctrl-C, when the state has been saved.
    """

    def work(cfg: DictConfig) -> Path:
        if cfg.run is None:
            cfg.run = training.default_run(cfg, options)
        training.train(cfg, HydraConfig.get().overrides.task)
        return Path(cfg.run)

    return _run("train", options, work)


def evaluate(*options: str) -> Evaluation:
    """Scores as ``nmt-evaluate`` does with these options, and writes the same files. Raises what
    ``train`` raises.

    >>> evaluate("run=runs/first", "test=test").overall.score("bleu").value
    """
    return _run("evaluate", options, lambda cfg: evaluating.evaluate(cfg)[0])


def _run(command: str, options: Sequence[str], work: Callable[[DictConfig], T]) -> T:
    before = HydraConfig.instance().cfg
    try:
        with hydra.initialize_config_dir(str(config_files.shipped_configs()), version_base="1.3"):
            given = arguments.normalized(options)
            cfg = hydra.compose(command, given, return_hydra_config=True)
            HydraConfig.instance().set_config(cfg)
            with open_dict(cfg):
                del cfg["hydra"]
            app.check(cfg, command)
            return work(cfg)
    except SystemExit as stopped:
        raise KeyboardInterrupt from stopped
    except app.MISTAKES as error:
        if isinstance(error, OSError) and not isinstance(error, HydraException):
            raise
        raise ValueError(worded(error)) from error
    finally:
        HydraConfig.instance().cfg = before
