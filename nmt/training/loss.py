"""Label-smoothed cross-entropy as sums, so that whoever adds them up divides once.

Dims: N target tokens without padding, D features, V target vocabulary.
"""

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from nmt.batching.batch import Batch
from nmt.models.interface import Seq2SeqModel
from nmt.tokenizer import PAD

CHUNK_TOKENS = 256  # a chunk of fp32 logits should stay in the cache


class _SmoothedCrossEntropy(torch.autograd.Function):
    """Keeps the gradient, in the logits' own precision, instead of several (N, V) intermediates."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, labels: Tensor, smoothing: float) -> Tensor:
        sums = logits.new_zeros(2, dtype=torch.float32)  # nll, mean over the vocabulary
        gradient = torch.empty_like(logits)
        for start in range(0, len(logits), CHUNK_TOKENS):
            chunk = slice(start, start + CHUNK_TOKENS)
            scores = logits[chunk].to(torch.float32, copy=True)
            columns = labels[chunk].unsqueeze(1)
            scores -= scores.amax(dim=-1, keepdim=True)
            label_scores, mean_scores = scores.gather(1, columns), scores.mean(dim=-1)
            total = scores.exp_().sum(dim=-1, keepdim=True)
            sums[0] += (total.log() - label_scores).sum()
            sums[1] += (total.log().squeeze(1) - mean_scores).sum()
            scores.div_(total).sub_(smoothing / scores.shape[-1])
            scores.scatter_add_(1, columns, (smoothing - 1.0) * torch.ones_like(total))
            gradient[chunk] = scores
        ctx.save_for_backward(gradient)
        return torch.stack([(1.0 - smoothing) * sums[0] + smoothing * sums[1], sums[0]])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (saved,) = ctx.saved_tensors
        return saved * gradient[0].to(saved.dtype), None, None


def smoothed_cross_entropy(
    logits: Tensor, labels: Tensor, smoothing: float
) -> tuple[Tensor, Tensor]:
    """logits (N, V), labels (N,) -> summed loss, summed negative log-likelihood.

    loss = (1 - e) nll + e mean_v(-log p_v): Szegedy et al. (2016), section 7. The second sum,
    without smoothing and without gradient, is what perplexity comes from.
    """
    apply = cast(Callable[..., Tensor], _SmoothedCrossEntropy.apply)
    sums = apply(logits, labels, smoothing)
    return sums[0], sums[1].detach()


def batch_loss(model: Seq2SeqModel, batch: Batch, *, smoothing: float) -> tuple[Tensor, Tensor]:
    """The two sums over a batch's target tokens, only real positions being projected."""
    features = model.decode(batch.tgt_input, model.encode(batch.src))
    real = batch.labels != PAD
    return smoothed_cross_entropy(model.project(features[real]), batch.labels[real], smoothing)
