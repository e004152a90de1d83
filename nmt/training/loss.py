"""The losses of training, summed over tokens: the caller divides by their number.

Dims: B sentences, T target tokens, N of them without padding, D features, V target vocabulary.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from nmt.checks import non_negative, probability
from nmt.data.batches import Batch
from nmt.device import autocast
from nmt.models.interface import Seq2SeqModel
from nmt.tokenizer import BOS, EOS, PAD, UNK

CPU_ROWS = 64  # of fp32 logits at once, so that they stay in the cache
OTHER_ROWS = 8192


@dataclass(frozen=True, kw_only=True)
class Loss(ABC):
    """What training lowers.

    label_smoothing: probability to spread over all tokens (Szegedy et al. 2016, section 7).
    word_dropout: probability that a token of the input, on either side, is read as an unknown one
        (Sennrich and Zhang 2019 leave out whole words). BOS, EOS and the labels stay.

    Raises ValueError for a probability below 0, or of 1 and above.
    """

    label_smoothing: float = 0.1
    word_dropout: float = 0.0

    def __post_init__(self) -> None:
        probability("label_smoothing", self.label_smoothing)
        probability("word_dropout", self.word_dropout)

    def __call__(self, model: Seq2SeqModel, batch: Batch) -> tuple[Tensor, Tensor]:
        """Summed loss, summed negative log-likelihood (nll) of the labels, which has no gradient.

        Backward works only once: it overwrites the logits.
        """
        return self.of(model, hidden(batch, self.word_dropout) if self.word_dropout else batch)

    @abstractmethod
    def of(self, model: Seq2SeqModel, batch: Batch) -> tuple[Tensor, Tensor]:
        """As a call, of a batch whose tokens have been hidden already."""


@dataclass(frozen=True, kw_only=True)
class CrossEntropy(Loss):
    """Cross-entropy with label smoothing."""

    def of(self, model: Seq2SeqModel, batch: Batch) -> tuple[Tensor, Tensor]:
        return batch_loss(model, batch, smoothing=self.label_smoothing)


@dataclass(frozen=True, kw_only=True)
class RDrop(Loss):
    """Every sentence twice, each time with other dropout: the mean of their cross-entropies and
    alpha / 4 times the sum of both divergences KL between them (Liang et al. 2021, eq. 3 halved).
    """

    alpha: float = 5.0

    def __post_init__(self) -> None:
        super().__post_init__()
        non_negative("alpha", self.alpha)

    def of(self, model: Seq2SeqModel, batch: Batch) -> tuple[Tensor, Tensor]:
        logits, labels = _logits_of_two(model, batch, batch)
        weights = (0.5, 0.5, self.alpha / 4, self.alpha / 4)
        return consistent_cross_entropy(logits, labels, self.label_smoothing, weights)


@dataclass(frozen=True, kw_only=True)
class SimCut(Loss):
    """Every sentence as it is and with some tokens cut out: the cross-entropy of the first and
    alpha times KL(first, second), with the gradient of both (Gao et al. 2022, eq. 5).

    cut: probability that a token is cut out. It is read as an unknown token, whose embedding means
    nothing else, where the paper reads zeros.
    """

    alpha: float = 3.0
    cut: float = 0.05

    def __post_init__(self) -> None:
        super().__post_init__()
        non_negative("alpha", self.alpha)
        probability("cut", self.cut)

    def of(self, model: Seq2SeqModel, batch: Batch) -> tuple[Tensor, Tensor]:
        logits, labels = _logits_of_two(model, batch, hidden(batch, self.cut))
        weights = (1.0, 0.0, self.alpha, 0.0)
        return consistent_cross_entropy(logits, labels, self.label_smoothing, weights)


def hidden(batch: Batch, share: float) -> Batch:
    """The batch with each token of the input unknown with this probability, but for BOS, EOS and
    padding. The text never has unknown tokens: bytes spell what has no piece."""

    def some(ids: Tensor) -> Tensor:
        drawn = torch.rand(ids.shape, device=ids.device) < share
        special = (ids == PAD) | (ids == BOS) | (ids == EOS)
        return ids.masked_fill(drawn & ~special, UNK)

    return replace(batch, src=some(batch.src), tgt_input=some(batch.tgt_input))


class _OverLogits(torch.autograd.Function):
    """Overwrites the logits with their gradient, to save memory of several (N, V) tensors."""

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        (saved,) = ctx.saved_tensors
        return saved.mul_(gradient[0]), None, None, None  # torch takes more than it has use for


class _SmoothedCrossEntropy(_OverLogits):
    @staticmethod
    def forward(ctx: Any, logits: Tensor, labels: Tensor, smoothing: float) -> Tensor:
        sums = logits.new_zeros(2, dtype=torch.float32)
        gradient = logits.detach()  # same memory; autograd notices if another needs the logits
        for chunk in _chunks(logits, len(logits)):
            log_probs = torch.log_softmax(logits[chunk], dim=-1, dtype=torch.float32)
            sums += _cross_entropy(log_probs, labels[chunk], smoothing)
            gradient[chunk] = _minus_targets(log_probs.exp_(), labels[chunk], smoothing)
        ctx.save_for_backward(gradient)
        return sums


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


class _ConsistentCrossEntropy(_OverLogits):
    @staticmethod
    def forward(
        ctx: Any, logits: Tensor, labels: Tensor, smoothing: float, weights: Sequence[float]
    ) -> Tensor:
        *entropies, ahead, back = weights
        sums = logits.new_zeros(2, dtype=torch.float32)
        gradient = logits.detach()
        for chunk in _chunks(logits, len(labels)):
            places = (chunk, slice(chunk.start + len(labels), chunk.stop + len(labels)))
            p, q = (torch.log_softmax(logits[each], -1, dtype=torch.float32) for each in places)
            for log_probs, weight in zip((p, q), entropies, strict=True):
                if weight:
                    sums += weight * _cross_entropy(log_probs, labels[chunk], smoothing)
            ratio = p - q
            p, q = p.exp_(), q.exp_()
            kl_ahead, kl_back = (
                (p * ratio).sum(-1, keepdim=True),
                -(q * ratio).sum(-1, keepdim=True),
            )
            sums[0] += ahead * kl_ahead.sum() + back * kl_back.sum()
            # KL(p, q) changes with the logits of p by p (log p/q - KL), with those of q by q - p.
            to_p = ahead * p * (ratio - kl_ahead) + back * (p - q)
            to_q = back * q * (-ratio - kl_back) + ahead * (q - p)
            for place, probs, divergence, weight in zip(
                places, (p, q), (to_p, to_q), entropies, strict=True
            ):
                if weight:
                    divergence += weight * _minus_targets(probs, labels[chunk], smoothing)
                gradient[place] = divergence
        ctx.save_for_backward(gradient)
        return sums


def consistent_cross_entropy(
    logits: Tensor, labels: Tensor, smoothing: float, weights: tuple[float, float, float, float]
) -> tuple[Tensor, Tensor]:
    """Logits of two readings of the same labels, (2N, V) and (N,) -> as ``smoothed_cross_entropy``.

    weights: of the cross-entropy of the first reading p and of the second q, of the divergence
    KL(p, q) = sum_v p_v log(p_v / q_v) and of KL(q, p). The first two sum to 1.
    """
    apply = cast(Callable[..., Tensor], _ConsistentCrossEntropy.apply)
    sums = apply(logits, labels, smoothing, weights)
    return sums[0], sums[1].detach()


def _chunks(logits: Tensor, rows: int) -> Iterator[slice]:
    """Parts of the rows whose probabilities fit into fast memory."""
    most = CPU_ROWS if logits.device.type == "cpu" else OTHER_ROWS
    return (slice(start, min(start + most, rows)) for start in range(0, rows, most))


def _cross_entropy(log_probs: Tensor, labels: Tensor, smoothing: float) -> Tensor:
    """(n, V), (n,) -> the smoothed cross-entropy and the nll, both summed: (2,)."""
    nll = -log_probs.gather(1, labels.unsqueeze(1)).sum()
    uniform = -log_probs.mean(dim=-1).sum()
    return torch.stack([(1.0 - smoothing) * nll + smoothing * uniform, nll])


def _minus_targets(probs: Tensor, labels: Tensor, smoothing: float) -> Tensor:
    """The gradient of the logits: probabilities (n, V), which it overwrites, less their targets."""
    taken = torch.full_like(labels.unsqueeze(1), smoothing - 1.0, dtype=torch.float32)
    return probs.sub_(smoothing / probs.shape[-1]).scatter_add_(1, labels.unsqueeze(1), taken)


def _logits_of_two(model: Seq2SeqModel, first: Batch, second: Batch) -> tuple[Tensor, Tensor]:
    """Batches that differ in their input alone, in one pass -> logits (2N, V), labels (N,)."""
    src = torch.cat([first.src, second.src])
    tgt_input = torch.cat([first.tgt_input, second.tgt_input])
    places = torch.cat([first.places, first.places + first.labels.numel()])
    features = model.decode(tgt_input, model.encode(src)).flatten(0, 1)
    labels = first.labels.flatten().index_select(0, first.places)
    return model.project(features.index_select(0, places)), labels


def batch_loss(model: Seq2SeqModel, batch: Batch, *, smoothing: float) -> tuple[Tensor, Tensor]:
    """``smoothed_cross_entropy`` of a batch. Padding is not projected to logits."""
    features = model.decode(batch.tgt_input, model.encode(batch.src)).flatten(0, 1)
    logits = model.project(features.index_select(0, batch.places))
    labels = batch.labels.flatten().index_select(0, batch.places)
    return smoothed_cross_entropy(logits, labels, smoothing)


def validation_sums(
    model: Seq2SeqModel, batches: Iterable[Batch], precision: str
) -> tuple[float, int]:
    """Summed negative log-likelihood of the target tokens (natural logarithm, no smoothing), and
    their number. The model keeps its mode, training or evaluation."""
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
    return float(total), tokens


def validation_loss(sums: Iterable[tuple[float, int]]) -> dict[str, float]:
    """What ``validation_sums`` gave for parts of a text -> "loss", the mean for a token, and
    "perplexity", its exponential."""
    totals, tokens = zip(*sums, strict=True)
    loss = sum(totals) / sum(tokens)
    return {"loss": loss, "perplexity": math.exp(min(loss, 700.0))}
