"""Label-smoothed cross-entropy, summed over tokens: the caller divides by their number.

Dims: B sentences, T target tokens, N of them without padding, D features, V target vocabulary.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from nmt.data.batches import Batch
from nmt.device import autocast
from nmt.models.interface import Seq2SeqModel

CPU_ROWS = 64  # of fp32 logits at once, so that they stay in the cache
OTHER_ROWS = 8192


class _SmoothedCrossEntropy(torch.autograd.Function):
    """Overwrites the logits with their gradient, to save memory of several (N, V) tensors."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, labels: Tensor, smoothing: float) -> Tensor:
        sums = logits.new_zeros(2, dtype=torch.float32)  # nll, mean over the vocabulary
        gradient = logits.detach()  # same memory; autograd notices if another needs the logits
        rows = CPU_ROWS if logits.device.type == "cpu" else OTHER_ROWS
        for start in range(0, len(logits), rows):
            chunk = slice(start, start + rows)
            log_probs = torch.log_softmax(logits[chunk], dim=-1, dtype=torch.float32)
            columns = labels[chunk].unsqueeze(1)
            sums[0] -= log_probs.gather(1, columns).sum()
            sums[1] -= log_probs.mean(dim=-1).sum()
            scores = log_probs.exp_().sub_(smoothing / logits.shape[-1])
            taken = torch.full_like(columns, smoothing - 1.0, dtype=torch.float32)
            gradient[chunk] = scores.scatter_add_(1, columns, taken)
        ctx.save_for_backward(gradient)
        return torch.stack([(1.0 - smoothing) * sums[0] + smoothing * sums[1], sums[0]])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (saved,) = ctx.saved_tensors
        return saved.mul_(gradient[0]), None, None


def smoothed_cross_entropy(
    logits: Tensor, labels: Tensor, smoothing: float
) -> tuple[Tensor, Tensor]:
    """logits (N, V), labels (N,) -> summed loss, summed negative log-likelihood (nll).

    loss = (1 - e) nll + e mean_v(-log p_v): Szegedy et al. (2016), section 7. The nll, which has no
    gradient, gives the perplexity. Overwrites the logits, so backward works only once.
    """
    apply = cast(Callable[..., Tensor], _SmoothedCrossEntropy.apply)
    sums = apply(logits, labels, smoothing)
    return sums[0], sums[1].detach()


def batch_loss(model: Seq2SeqModel, batch: Batch, *, smoothing: float) -> tuple[Tensor, Tensor]:
    """``smoothed_cross_entropy`` of a batch. Padding is not projected to logits."""
    features = model.decode(batch.tgt_input, model.encode(batch.src)).flatten(0, 1)
    logits = model.project(features.index_select(0, batch.places))
    labels = batch.labels.flatten().index_select(0, batch.places)
    return smoothed_cross_entropy(logits, labels, smoothing)


def validation_loss(
    model: Seq2SeqModel, batches: Iterable[Batch], precision: str
) -> dict[str, float]:
    """The "loss": mean negative log-likelihood of a target token (natural logarithm, no smoothing).
    "perplexity": its exponential. The model keeps its mode, training or evaluation."""
    device = next(model.parameters()).device
    training = model.training
    model.eval()
    total, tokens = torch.zeros((), device=device), 0
    try:
        with torch.inference_mode(), autocast(device, precision):
            for batch in batches:
                total += batch_loss(model, batch.to(device), smoothing=0.0)[1]
                tokens += batch.num_tokens
    finally:
        model.train(training)
    loss = float(total) / tokens
    return {"loss": loss, "perplexity": math.exp(min(loss, 700.0))}
