"""AdamW (Loshchilov and Hutter 2019) with weight decay on matrices only."""

from collections.abc import Sequence

import torch
from torch import nn

from nmt.checks import OptionError, field, non_negative, positive, probability


def adamw(
    model: nn.Module, *, lr: float, betas: Sequence[float], eps: float, weight_decay: float
) -> torch.optim.AdamW:
    """torch's fused AdamW. Biases and norms do not decay. Raises ValueError for a bad value."""
    positive("lr", lr)
    positive("eps", eps)
    non_negative("weight_decay", weight_decay)
    if len(betas) != 2:
        raise OptionError(f"{field('betas')} must be two numbers, got {list(betas)}")
    first, second = (probability("betas", beta) for beta in betas)
    parameters = list(model.parameters())
    groups = [
        {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=lr, betas=(first, second), eps=eps, fused=True)
