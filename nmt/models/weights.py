"""A model's weights, its parameters and persistent buffers, and a file of them: safetensors."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from nmt.models.interface import Seq2SeqModel

_RANDOM = {"normal_", "uniform_", "kaiming_uniform_", "kaiming_normal_"}
"""Of tensors, and of torch.nn.init where it can be intercepted."""


class SkipInit(TorchFunctionMode):
    """Inside, parameters are not filled with random numbers: for a model about to be loaded.

    Drawing them takes longer than reading them from a file. Buffers are filled, as one that is not
    persistent comes from no file.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        given = kwargs or {}
        if func.__name__ in _RANDOM and given.get("generator") is None:
            filled = args[0] if args else given["tensor"]
            if isinstance(filled, nn.Parameter):
                return filled
        return func(*args, **given)


def weights_of(model: Seq2SeqModel) -> dict[str, Tensor]:
    """Every parameter and persistent buffer, without gradient; a tied one by its first name."""
    first: dict[int, tuple[str, Tensor]] = {}
    for name, tensor in model.state_dict(keep_vars=True).items():
        first.setdefault(id(tensor), (name, tensor))
    return {name: tensor.detach() for name, tensor in first.values()}


def set_weights(model: Seq2SeqModel, weights: Mapping[str, Tensor], where: object) -> None:
    """Fill the model, whose constructor has already tied what is tied, in place.

    where: the weights' origin, for the error.

    Raises ValueError where these are not exactly the model's.
    """
    own = weights_of(model)
    if weights.keys() != own.keys():
        names = sorted(weights.keys() ^ own.keys())
        raise ValueError(f"{where} does not hold this model's weights: {', '.join(names[:5])}")
    for name, tensor in own.items():
        if weights[name].shape != tensor.shape:
            raise ValueError(
                f"{where}: {name} is {tuple(weights[name].shape)}, "
                f"the model has {tuple(tensor.shape)}"
            )
        tensor.copy_(weights[name])


def save_weights(model: Seq2SeqModel, path: Path) -> None:
    """Write ``weights_of`` the model."""
    save_file({name: tensor.contiguous() for name, tensor in weights_of(model).items()}, path)


def load_weights(model: Seq2SeqModel, path: Path) -> None:
    """``set_weights`` from a file, with its errors."""
    set_weights(model, load_file(path), path)
