"""Weight gradients of a recurrence in one product a sequence, instead of one a step.

Dims: N rows of a step, I inputs, O outputs.
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
    """``nn.Linear`` that can compute its weight's gradient once for all steps of a sequence.

    Autograd computes it at every use and adds up. Inside ``one_sequence`` the uses are gathered,
    and one product serves all steps.
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
    """Every ``RecurrentLinear`` of ``module`` takes the steps inside for one sequence.

    Its weight is cast for autocast once, also in inference mode, where autocast casts at every use.
    Gradients can be computed once, not twice with ``retain_graph``.
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
    """Forward casts the weight (O, I); backward, which comes after its uses', adds up their
    gradients."""

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
    """The dtype in which autocast would compute the product."""
    kind = weight.device.type
    if torch.is_autocast_enabled(kind):
        return torch.get_autocast_dtype(kind)
    return weight.dtype
