"""AdamW (Loshchilov and Hutter 2019) with weight decay on matrices only."""

from collections.abc import Sequence
from inspect import unwrap

import torch
from torch import nn

from nmt.checks import OptionError, field, non_negative, positive, probability


class AdamW(torch.optim.AdamW):
    """torch's. Its methods import the whole of torch.compile at their first call, to be left alone
    by it; that takes as long as importing torch. These are the methods without that."""

    add_param_group = unwrap(torch.optim.AdamW.add_param_group)
    load_state_dict = unwrap(torch.optim.AdamW.load_state_dict)
    state_dict = unwrap(torch.optim.AdamW.state_dict)
    step = torch.no_grad()(unwrap(torch.optim.AdamW.step))
    zero_grad = unwrap(torch.optim.AdamW.zero_grad)


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
    return AdamW(groups, lr=lr, betas=(first, second), eps=eps, fused=True)
