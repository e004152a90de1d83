"""The commands, one file for each that a user types; the only place that sees a config.

Start reading at train.py: config -> corpus -> tokenizer -> batches -> model -> trainer. The
docstring of a command's module is what its --help says before the options.
"""

from nmt.cli.app import launch


def compare() -> None:
    """nmt-compare"""
    launch("compare", __name__)


def evaluate() -> None:
    """nmt-evaluate"""
    launch("evaluate", __name__)


def prepare() -> None:
    """nmt-prepare"""
    launch("prepare", __name__)


def score() -> None:
    """nmt-score"""
    launch("score", __name__)


def train() -> None:
    """nmt-train"""
    launch("train", __name__)


def translate() -> None:
    """nmt-translate"""
    launch("translate", __name__)
