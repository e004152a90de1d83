"""The commands, one file for each that a user types; only they see a config.

Start reading at train.py: config -> corpus -> tokenizer -> batches -> model -> trainer. The
docstring of a command's module is what its --help says before the options.
"""

import ast
from functools import partial
from importlib import import_module
from pathlib import Path

from omegaconf import DictConfig

from nmt.cli.app import launch


def description(command: str) -> str:
    """The docstring of a command's module, read from its source: importing it would load torch."""
    source = Path(__file__).with_name(f"{command}.py").read_text(encoding="utf-8")
    return ast.get_docstring(ast.parse(source), clean=False) or ""


_SEVERAL = {"train", "translate", "evaluate"}
"""Commands that several processes of torchrun may share."""


def _launch(command: str) -> None:
    def work(cfg: DictConfig) -> None:
        import_module(f"{__name__}.{command}").main(cfg)  # after the checks: it loads torch

    launch(command, description(command), work, several=command in _SEVERAL)


launch_align = partial(_launch, "align")
launch_compare = partial(_launch, "compare")
launch_evaluate = partial(_launch, "evaluate")
launch_export = partial(_launch, "export")
launch_prepare = partial(_launch, "prepare")
launch_score = partial(_launch, "score")
launch_serve = partial(_launch, "serve")
launch_train = partial(_launch, "train")
launch_translate = partial(_launch, "translate")
