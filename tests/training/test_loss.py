from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from nmt.checks import OptionError
from nmt.data.batches import collate
from nmt.models.attention import AdditiveAttention
from nmt.models.lstm import LSTMSeq2Seq
from nmt.tokenizer import BOS, EOS, PAD, UNK
from nmt.training.loss import (
    CPU_ROWS,
    CrossEntropy,
    Loss,
    RDrop,
    SimCut,
    batch_loss,
    consistent_cross_entropy,
    hidden,
    smoothed_cross_entropy,
)

PAIRS = [([5, 6, 7, 8, 9], [4]), ([5], [4, 6, 7, 8])]


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("tokens", [1, 5, 2 * CPU_ROWS + 3])
def test_values_and_gradients_are_torchs(smoothing: float, tokens: int) -> None:
    torch.manual_seed(0)
    logits = (3 * torch.randn(tokens, 17)).requires_grad_()
    labels = torch.randint(17, (tokens,))
    loss, nll = smoothed_cross_entropy(logits.clone(), labels, smoothing)
    (2 * loss).backward()
    gradient, logits.grad = logits.grad, None
    expected = F.cross_entropy(logits, labels, label_smoothing=smoothing, reduction="sum")
    (2 * expected).backward()
    torch.testing.assert_close(loss, expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(gradient, logits.grad, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(
        nll, F.cross_entropy(logits, labels, reduction="sum").detach(), rtol=1e-5, atol=1e-5
    )
    assert not nll.requires_grad


def test_large_logits_do_not_overflow() -> None:
    logits = torch.tensor([[1e4, -1e4, 0.0]])
    loss, _ = smoothed_cross_entropy(logits, torch.tensor([1]), 0.0)
    assert loss.item() == pytest.approx(2e4)


@pytest.mark.parametrize("weights", [(0.5, 0.5, 1.25, 1.25), (1.0, 0.0, 3.0, 0.0)])
@pytest.mark.parametrize("tokens", [3, CPU_ROWS + 3])
def test_divergences_and_their_gradients_are_torchs(
    weights: tuple[float, float, float, float], tokens: int
) -> None:
    torch.manual_seed(0)
    logits = (3 * torch.randn(2 * tokens, 17)).requires_grad_()
    labels = torch.randint(17, (tokens,))
    loss, nll = consistent_cross_entropy(logits.clone(), labels, 0.1, weights)
    (2 * loss).backward()
    gradient, logits.grad = logits.grad, None

    def entropy(of: Tensor, smoothing: float = 0.1) -> Tensor:
        return F.cross_entropy(of, labels, label_smoothing=smoothing, reduction="sum")

    p, q = logits.log_softmax(-1).chunk(2)
    first, second, ahead, back = weights
    expected = (
        first * entropy(p)
        + second * entropy(q)
        + ahead * F.kl_div(q, p, reduction="sum", log_target=True)
        + back * F.kl_div(p, q, reduction="sum", log_target=True)
    )
    (2 * expected).backward()
    torch.testing.assert_close(loss, expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(gradient, logits.grad, rtol=1e-4, atol=1e-5)
    either = first * entropy(p, 0.0) + second * entropy(q, 0.0)
    torch.testing.assert_close(nll, either.detach(), rtol=1e-5, atol=1e-5)


def small_model(dropout: float = 0.0) -> LSTMSeq2Seq:
    torch.manual_seed(0)
    return LSTMSeq2Seq(
        src_vocab_size=20,
        tgt_vocab_size=20,
        embed_size=8,
        hidden_size=8,
        num_layers=1,
        dropout=dropout,
        share_embeddings=True,
        encoder_directions="both",
        attention=AdditiveAttention,
    )


def test_padding_does_not_count() -> None:
    model = small_model()
    together = batch_loss(model, collate(PAIRS), smoothing=0.1)
    alone = [batch_loss(model, collate([pair]), smoothing=0.1) for pair in PAIRS]
    for whole, parts in zip(together, zip(*alone, strict=True), strict=True):
        torch.testing.assert_close(whole, torch.stack(parts).sum(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("loss", [RDrop(), SimCut(cut=0.0)])
def test_equal_readings_give_the_cross_entropy(loss: Loss) -> None:
    model, batch = small_model(), collate(PAIRS)
    for found, expected in zip(loss(model, batch), CrossEntropy()(model, batch), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("loss", "dropout"),
    [(RDrop(), 0.5), (SimCut(cut=0.5), 0.0), (CrossEntropy(word_dropout=0.5), 0.0)],
)
def test_other_readings_cost_something(loss: Loss, dropout: float) -> None:
    model, batch = small_model(dropout), collate(PAIRS)
    value, _ = loss(model, batch)
    assert value > CrossEntropy()(model.eval(), batch)[0]
    value.backward()
    assert all(weight.grad is not None for weight in model.parameters())


def test_hidden_tokens_are_a_share_of_the_plain_ones() -> None:
    torch.manual_seed(0)
    batch = collate([(list(range(4, 19)), list(range(4, 14)))] * 200 + [([5], [6])])
    noisy = hidden(batch, 0.2)
    for name in ("src", "tgt_input"):
        before, after = getattr(batch, name), getattr(noisy, name)
        special = (before == PAD) | (before == BOS) | (before == EOS)
        changed = before != after
        assert not (changed & special).any() and (after[changed] == UNK).all()
        assert changed.sum() / (~special).sum() == pytest.approx(0.2, abs=0.03)
    assert torch.equal(noisy.labels, batch.labels) and torch.equal(noisy.places, batch.places)
    assert torch.equal(hidden(batch, 0.0).src, batch.src)


@pytest.mark.parametrize(
    ("made", "name"),
    [
        (lambda: CrossEntropy(label_smoothing=1.0), "label_smoothing"),
        (lambda: CrossEntropy(word_dropout=-0.1), "word_dropout"),
        (lambda: RDrop(alpha=-1.0), "alpha"),
        (lambda: SimCut(cut=1.0), "cut"),
    ],
)
def test_a_bad_value_is_named(made: Callable[[], Loss], name: str) -> None:
    with pytest.raises(OptionError, match=f"{name} must be"):
        made()
