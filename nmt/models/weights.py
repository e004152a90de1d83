"""A model's weights in a file: safetensors, each shared tensor once."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch.overrides import TorchFunctionMode

from nmt.models.interface import Seq2SeqModel

_RANDOM = {"normal_", "uniform_", "kaiming_uniform_", "kaiming_normal_"}
"""Of tensors, and of torch.nn.init where it can be intercepted."""


def skip_init() -> TorchFunctionMode:
    """A context that fills no tensor with random numbers, for a model that is about to be loaded.

    Drawing them takes longer than reading them from a file.
    """
    return _SkipInit()


class _SkipInit(TorchFunctionMode):
    """Inside, tensors are not filled with random numbers: for a model that is about to be loaded.

    Drawing them takes longer than reading them from a file.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func.__name__ in _RANDOM:
            return args[0] if args else (kwargs or {})["tensor"]
        return func(*args, **(kwargs or {}))


def save_weights(model: Seq2SeqModel, path: Path) -> None:
    """Write every parameter once; a tied one goes under the first of its names."""
    save_file({name: p.detach().contiguous() for name, p in model.named_parameters()}, path)


def load_weights(model: Seq2SeqModel, path: Path) -> None:
    """Fill the model, whose constructor has already tied what is tied.

    Raises ValueError where the file does not hold exactly the model's parameters.
    """
    stored = load_file(path)
    parameters = dict(model.named_parameters())
    if stored.keys() != parameters.keys():
        names = sorted(stored.keys() ^ parameters.keys())
        raise ValueError(f"{path} does not hold this model's weights: {', '.join(names[:5])}")
    with torch.no_grad():
        for name, parameter in parameters.items():
            if stored[name].shape != parameter.shape:
                raise ValueError(
                    f"{path}: {name} is {tuple(stored[name].shape)}, "
                    f"the model has {tuple(parameter.shape)}"
                )
            parameter.copy_(stored[name])
