import pytest
import torch
from torch.nn import functional as F

from nmt.data.batches import collate
from nmt.models.attention import AdditiveAttention
from nmt.models.lstm import LSTMSeq2Seq
from nmt.training.loss import CPU_ROWS, batch_loss, smoothed_cross_entropy


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


def test_padding_does_not_count() -> None:
    torch.manual_seed(0)
    model = LSTMSeq2Seq(
        src_vocab_size=20,
        tgt_vocab_size=20,
        embed_size=8,
        hidden_size=8,
        num_layers=1,
        dropout=0.0,
        share_embeddings=True,
        attention=AdditiveAttention,
    )
    pairs = [([5, 6, 7, 8, 9], [4]), ([5], [4, 6, 7, 8])]
    together = batch_loss(model, collate(pairs), smoothing=0.1)
    alone = [batch_loss(model, collate([pair]), smoothing=0.1) for pair in pairs]
    for whole, parts in zip(together, zip(*alone, strict=True), strict=True):
        torch.testing.assert_close(whole, torch.stack(parts).sum(), rtol=1e-5, atol=1e-5)
