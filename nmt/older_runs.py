"""What the configs of older runs lack, and what in them has another name today."""

from collections.abc import Mapping
from typing import Any

_MOVED_CLASSES = {"nmt.search.sample.SampleSearch": "nmt.search.sampling.SampleSearch"}
"""Class paths in the configs of old runs -> where the class is now."""

LATER_OPTIONS: dict[str, dict[str, Any]] = {
    "tokenizer": {
        "normalization": "none",
        "placeholders": 0,
        "symbols": [],
        "model": None,
        "lowercase": False,
    }
}
"""Options that the configs of old runs lack -> the values that make what those runs did."""


LATER_ARGUMENTS = {"nmt.models.lstm.LSTMSeq2Seq": {"encoder_directions": "both"}}
"""The same for the arguments of a model's class."""


def config_of_today(config: Mapping[str, Any]) -> dict[str, Any]:
    """A run's config as this version would have written it for a run that does the same."""
    config = {name: _with_classes_of_today(section) for name, section in config.items()}
    later = {name: LATER_OPTIONS[name] | config[name] for name in LATER_OPTIONS.keys() & config}
    if isinstance(model := config.get("model"), dict):
        later["model"] = LATER_ARGUMENTS.get(str(model.get("_target_")), {}) | model
    return _with_loss(config) | later


def _with_loss(config: dict[str, Any]) -> dict[str, Any]:
    """In old runs the trainer had what is now the ``loss`` section."""
    trainer = dict(config.get("trainer") or {})
    if "label_smoothing" not in trainer:
        return config
    target = "nmt.training.loss.CrossEntropy"
    loss = {"_target_": target, "label_smoothing": trainer.pop("label_smoothing")}
    return config | {"trainer": trainer, "loss": loss | {"word_dropout": 0.0}}


def _with_classes_of_today(value: Any) -> Any:
    """A part of a config in which every class has its present path."""
    if isinstance(value, dict):
        return {key: _with_classes_of_today(inside) for key, inside in value.items()}
    return _MOVED_CLASSES.get(value, value) if isinstance(value, str) else value
