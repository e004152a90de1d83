import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from nmt.models.layers import Dropout


@pytest.mark.parametrize("rate", [1e-4, 0.0015, 0.01, 0.1, 0.3, 0.5, 0.95, 0.998, 0.999, 0.9999])
def test_expectation_and_rate_are_kept(rate: float) -> None:
    torch.manual_seed(0)
    x = torch.ones(1001, 3330)
    dropped = Dropout(rate)(x)
    zeros = (dropped == 0).double().mean().item()
    chance = 4 * (rate * (1 - rate) / x.numel()) ** 0.5
    assert abs(zeros - rate) < 0.02 * min(rate, 1 - rate) + chance
    assert dropped.double().mean().item() == pytest.approx(1, abs=2 * chance / (1 - rate))
    assert len(dropped.unique()) == 2


def by_bytes(x: Tensor, rate: float) -> Tensor:
    """What was drawn at any rate before rates far from a multiple of 1/256 were left to torch."""
    words = torch.empty((x.numel() + 7) // 8, dtype=torch.int64).random_(-(2**63), None)
    kept = words.view(torch.uint8)[: x.numel()].view(x.shape) >= round(rate * 256)
    return x * (kept * (256 / (256 - round(rate * 256))))


@pytest.mark.parametrize("rate", [0.1, 0.2, 0.3, 0.5])
def test_usual_rates_draw_as_ever(rate: float) -> None:
    x = torch.randn(33, 35)
    torch.manual_seed(1)
    found = Dropout(rate)(x)
    torch.manual_seed(1)
    assert torch.equal(found, by_bytes(x, rate))
    torch.manual_seed(1)
    assert not torch.equal(found, F.dropout(x, rate))


def test_the_gradient_follows_the_mask() -> None:
    x = torch.randn(40, 30, requires_grad=True)
    y = Dropout(0.5)(x)
    y.sum().backward()
    torch.testing.assert_close(x.grad * x, y)


def test_nothing_is_dropped_in_evaluation_or_at_rate_zero() -> None:
    x = torch.randn(5, 7)
    assert Dropout(0.5).eval()(x) is x
    assert Dropout(0.0)(x) is x


def test_neighbours_are_independent() -> None:
    """Eight elements share a random number: their masks must not be correlated."""
    torch.manual_seed(0)
    kept = (Dropout(0.5)(torch.ones(20_000, 8)) != 0).float()
    correlation = torch.corrcoef(kept.T) - torch.eye(8)
    assert correlation.abs().max() < 0.04
