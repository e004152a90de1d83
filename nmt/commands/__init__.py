"""The commands, one file for each that a user types; only they see a config.

Start reading at train.py: config -> corpus -> tokenizer -> batches -> model -> trainer. The
docstring of a command's module is what its --help says before the options.
"""

import ast
from importlib import import_module
from pathlib import Path

from omegaconf import DictConfig

from nmt.cli.app import launch


def launch_compare() -> None:
    """nmt-compare"""
    _launch("compare")


def launch_evaluate() -> None:
    """nmt-evaluate"""
    _launch("evaluate")


def launch_prepare() -> None:
    """nmt-prepare"""
    _launch("prepare")


def launch_score() -> None:
    """nmt-score"""
    _launch("score")


def launch_train() -> None:
    """nmt-train"""
    _launch("train")


def launch_translate() -> None:
    """nmt-translate"""
    _launch("translate")


def description(command: str) -> str:
    """The docstring of a command's module, read from its source: importing it would load torch."""
    source = Path(__file__).with_name(f"{command}.py").read_text(encoding="utf-8")
    return ast.get_docstring(ast.parse(source), clean=False) or ""


def _launch(command: str) -> None:
    def work(cfg: DictConfig) -> None:
        import_module(f"{__name__}.{command}").main(cfg)  # once the options stand

    launch(command, description(command), work)
