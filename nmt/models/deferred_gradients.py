"""What a recurrent network computes at every step, with gradients that cost less than autograd's.

Dims: N rows of a step, T steps, I inputs, O outputs, H hidden.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

Uses = list[tuple[Tensor, Tensor]]
"""Input (N, I) and gradient of the output (N, O) of each use of a weight."""


class RecurrentLinear(nn.Linear):
    """``nn.Linear``, whose weight gradient may wait until all steps have theirs.

    Autograd computes the gradient of a weight at every use and adds them up. Inside
    ``one_sequence`` the uses are gathered, and one product does for all steps.
    """

    _weight: Tensor | None = None
    _uses: Uses

    def forward(self, x: Tensor) -> Tensor:
        if self._weight is None:
            return super().forward(x)
        apply = cast(Callable[..., Tensor], _Use.apply)
        output = apply(x.to(self._weight.dtype), self._weight, self._uses)
        return output if self.bias is None else output + self.bias


@contextmanager
def one_sequence(module: nn.Module) -> Iterator[None]:
    """The steps inside are one sequence to every ``RecurrentLinear`` of ``module``.

    A weight is cast for autocast once, also in inference mode, where autocast itself keeps nothing.
    Gradients flow through what was computed inside once: not twice with ``retain_graph``.
    """
    layers = [layer for layer in module.modules() if isinstance(layer, RecurrentLinear)]
    gather = cast(Callable[..., Tensor], _Gather.apply)
    try:
        for layer in layers:
            layer._uses = []
            layer._weight = gather(layer.weight, _product_dtype(layer.weight), layer._uses)
        yield
    finally:
        for layer in layers:
            layer._weight = None


class _Gather(torch.autograd.Function):
    """The weight (O, I), before its uses and, backwards, after them."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, dtype: torch.dtype, uses: Uses) -> Tensor:
        ctx.uses, ctx.dtype = uses, weight.dtype
        ctx.set_materialize_grads(False)
        return weight.to(dtype, copy=True) if dtype != weight.dtype else weight.view_as(weight)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, nothing: None) -> tuple[Tensor, None, None]:
        inputs, gradients = (torch.cat(each) for each in zip(*ctx.uses, strict=True))
        ctx.uses.clear()
        return (gradients.t() @ inputs).to(ctx.dtype), None, None


class _Use(torch.autograd.Function):
    """x (..., I) times the weight (O, I) -> (..., O)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, uses: Uses) -> Tensor:
        ctx.uses = uses
        ctx.save_for_backward(x, weight)
        return F.linear(x, weight)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        x, weight = ctx.saved_tensors
        ctx.uses.append((x.flatten(0, -2), gradient.flatten(0, -2)))
        return gradient @ weight, None, None


def _product_dtype(weight: Tensor) -> torch.dtype:
    """What autocast would compute the product in."""
    kind = weight.device.type
    if torch.is_autocast_enabled(kind):
        return torch.get_autocast_dtype(kind)
    return weight.dtype
