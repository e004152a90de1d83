"""Dropout whose random numbers cost little on a CPU."""

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F


class Dropout(nn.Module):
    """Zeroes elements with probability ``rate`` and scales the rest (Srivastava et al. 2014).

    On a CPU one random 64-bit number serves eight elements, as torch's own mask takes longer than
    the matrix products around it; the rate is then a multiple of 1/256, and the scale fits it.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.rate == 0.0:
            return x
        if x.device.type != "cpu":
            return F.dropout(x, self.rate)
        words = torch.empty((x.numel() + 7) // 8, dtype=torch.int64).random_(-(2**63), None)
        levels = words.view(torch.uint8)[: x.numel()].view(x.shape)
        apply = cast(Callable[..., Tensor], _Dropout.apply)
        return apply(x, levels, round(self.rate * 256))

    def extra_repr(self) -> str:
        return f"rate={self.rate}"


class _Dropout(torch.autograd.Function):
    """Drops where a random byte is below a bound; keeps the bytes, a quarter of a mask."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, levels: Tensor, dropped: int) -> Tensor:
        ctx.save_for_backward(levels)
        ctx.dropped = dropped
        return x * _mask(levels, dropped, x.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (levels,) = ctx.saved_tensors
        return gradient * _mask(levels, ctx.dropped, gradient.dtype), None, None


def _mask(levels: Tensor, dropped: int, dtype: torch.dtype) -> Tensor:
    """Below ``dropped`` 0, above the scale; by arithmetic, as comparing takes twice as long."""
    return levels.to(dtype).sub_(dropped - 1).clamp_(0, 1).mul_(256 / (256 - dropped))
