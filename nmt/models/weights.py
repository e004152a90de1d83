"""A model's weights in a file: safetensors, each shared tensor once."""

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from nmt.models.interface import Seq2SeqModel


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
