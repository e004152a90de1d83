import torch

from nmt.models.layers import Dropout


def test_expectation_and_rate_are_kept() -> None:
    torch.manual_seed(0)
    x = torch.ones(1001, 333)
    dropped = Dropout(0.3)(x)
    assert abs((dropped == 0).float().mean().item() - 0.3) < 0.005
    assert abs(dropped.mean().item() - 1.0) < 0.01
    assert len(dropped.unique()) == 2


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
