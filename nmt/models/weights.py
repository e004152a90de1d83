"""A model's weights, its parameters and persistent buffers, and a file of them: safetensors.

A file and a config may come from anybody. So the names and sizes that the file's header states,
which are compared with the length of the file, are compared with those of the model before memory
is taken for either.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.modules import module as modules
from torch.overrides import TorchFunctionMode

from nmt.models.interface import Seq2SeqModel

_RANDOM = {"normal_", "uniform_", "kaiming_uniform_", "kaiming_normal_"}
"""Of tensors, and of torch.nn.init where it can be intercepted."""

MOST_HEADER = 4 * 2**20  # bytes; some 40,000 tensors
_DTYPES = {
    **{"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16},
    **{"I64": torch.int64, "I32": torch.int32, "I16": torch.int16, "I8": torch.int8},
    **{"U8": torch.uint8, "BOOL": torch.bool},
}
"""Types in the file -> in memory."""


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


def check_weights(build: Callable[[], Seq2SeqModel], path: Path) -> None:
    """ValueError unless a file holds exactly the weights of the model that ``build`` makes. Takes
    memory for neither."""
    held = _read_header(path)
    try:
        with torch.device("meta"), SkipInit(), _no_larger_than(held, path):
            model = build()
    except ValueError:
        raise
    except Exception as error:
        said = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise ValueError(f"{path}: the model of its config cannot be built: {said}") from error
    _check_same(held, model, path)


def _read_header(path: Path) -> dict[str, Tensor]:
    """Tensors without memory, of the names, shapes and types that a file states. Its length is
    what they need."""
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
    found = path.stat()
    try:
        if 0 < 64 * 512 * getattr(found, "st_blocks", 0) < found.st_size:
            raise ValueError("it is made of holes, as no weights are")
        if size > MOST_HEADER:
            raise ValueError(
                f"its header has {size:,} bytes, where at most {MOST_HEADER:,} are read"
            )
        with safe_open(path, "pt") as file:
            names = file.keys()  # the file itself cannot be iterated over
            parts = {name: file.get_slice(name) for name in names}
            return {
                name: torch.empty(part.get_shape(), dtype=_DTYPES[part.get_dtype()], device="meta")
                for name, part in parts.items()
            }
    except (SafetensorError, ValueError, KeyError, RuntimeError, OverflowError) as error:
        said = str(error).partition("\n")[0]
        raise ValueError(f"{path} is damaged, or no file of weights: {said}") from error


@contextmanager
def _no_larger_than(held: Mapping[str, Tensor], where: object) -> Iterator[None]:
    """ValueError as soon as a model that is built inside has many more parameters than a file
    holds, or modules. A tied one may be made twice."""
    elements = 2 * sum(map(Tensor.numel, held.values())) + 2**20
    left = {"parameters": 4 * len(held) + 100, "modules": 20 * len(held) + 1000}

    def count(kind: str, size: int) -> None:
        nonlocal elements
        elements -= size
        left[kind] -= 1
        if elements < 0 or left[kind] < 0:
            raise ValueError(
                f"{where} holds {len(held)} tensors, far less than the model of its config has"
            )

    def of_parameter(_: nn.Module, name: str, parameter: nn.Parameter) -> None:
        count("parameters", parameter.numel())

    def of_module(*_: object) -> None:
        count("modules", 0)

    hooks = [
        modules.register_module_parameter_registration_hook(of_parameter),
        modules.register_module_module_registration_hook(of_module),
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _check_same(held: Mapping[str, Tensor], model: Seq2SeqModel, where: object) -> None:
    """ValueError unless these are a model's weights by name, shape and type."""
    own = weights_of(model)
    if held.keys() != own.keys():
        names = sorted(held.keys() ^ own.keys())
        raise ValueError(f"{where} does not hold this model's weights: {', '.join(names[:5])}")
    for name, tensor in own.items():
        for what in ("shape", "dtype"):
            found, wanted = getattr(held[name], what), getattr(tensor, what)
            if found != wanted:
                raise ValueError(
                    f"{where}: {name} is {_said(found)}, the model has {_said(wanted)}"
                )


def _said(shape_or_type: torch.Size | torch.dtype) -> str:
    return str(tuple(shape_or_type) if isinstance(shape_or_type, torch.Size) else shape_or_type)


def set_weights(model: Seq2SeqModel, weights: Mapping[str, Tensor], where: object) -> None:
    """Fill the model, whose constructor has already tied what is tied, in place.

    where: the weights' origin, for the error.

    Raises ValueError where these are not exactly the model's, and where some are no numbers (NaN).
    """
    _check_same(weights, model, where)
    for name, tensor in weights_of(model).items():
        if weights[name].is_floating_point() and weights[name].sum().isnan():
            raise ValueError(f"{where}: {name} holds NaN, which is no number")
        tensor.copy_(weights[name])


def save_weights(model: Seq2SeqModel, path: Path) -> None:
    """Write ``weights_of`` the model."""
    save_file({name: tensor.contiguous() for name, tensor in weights_of(model).items()}, path)


def load_weights(model: Seq2SeqModel, path: Path) -> None:
    """``set_weights`` from a file, with its errors."""
    _check_same(_read_header(path), model, path)
    set_weights(model, load_file(path), path)
