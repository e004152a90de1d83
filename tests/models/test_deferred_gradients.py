from contextlib import nullcontext

import pytest
import torch
from torch import Tensor, nn
from torch.profiler import profile
from torch.testing import assert_close

from nmt.models.deferred_gradients import RecurrentLinear, one_sequence
from nmt.models.lstm import lstm_cell

pytestmark = pytest.mark.numeric


def plain_cell(gates: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    """Gers et al. (2000), left to autograd."""
    size = cell.shape[-1]
    forget, update, output = torch.sigmoid(gates[..., : 3 * size]).chunk(3, dim=-1)
    cell = forget * cell + update * torch.tanh(gates[..., 3 * size :])
    return output * torch.tanh(cell).to(gates.dtype), cell


@pytest.mark.parametrize("shape", [(4,), (3, 2, 4)])
def test_the_cell_and_its_gradients_are_the_plain_ones(shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    gates = torch.randn(*shape[:-1], 16, dtype=torch.float64, requires_grad=True)
    cell = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    for found, expected in zip(lstm_cell(gates, cell), plain_cell(gates, cell), strict=True):
        assert_close(found, expected)
    torch.autograd.gradcheck(lstm_cell, (gates, cell))


def test_the_cell_stays_in_full_precision() -> None:
    gates = torch.randn(2, 8).bfloat16().requires_grad_()
    cell = torch.full((2, 2), 300.0, requires_grad=True)
    hidden, new_cell = lstm_cell(gates, cell)
    assert (hidden.dtype, new_cell.dtype) == (torch.bfloat16, torch.float32)
    (hidden.float().sum() + new_cell.sum()).backward()
    assert gates.grad is not None and cell.grad is not None
    assert (gates.grad.dtype, cell.grad.dtype) == (torch.bfloat16, torch.float32)
    plain = gates.detach().requires_grad_()
    hidden, new_cell = plain_cell(plain, cell.detach())
    (hidden.float().sum() + new_cell.sum()).backward()
    assert_close(gates.grad, plain.grad, rtol=0.02, atol=0.02)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_gradients_of_a_sequence_are_those_of_its_steps(bias: bool, precision: torch.dtype) -> None:
    torch.manual_seed(0)
    layer = RecurrentLinear(6, 6, bias=bias)
    start = torch.randn(3, 2, 6, requires_grad=True)

    def gradients(together: bool) -> list[Tensor]:
        half = precision == torch.bfloat16
        with torch.autocast("cpu", precision) if half else nullcontext():
            with one_sequence(nn.Sequential(layer)) if together else nullcontext():
                hidden = start
                for _ in range(5):
                    hidden = torch.tanh(layer(hidden))
            loss = hidden.float().square().sum()
        return list(torch.autograd.grad(loss, [start, *layer.parameters()]))

    tolerance = 1e-6 if precision == torch.float32 else 0.05
    for found, expected in zip(gradients(True), gradients(False), strict=True):
        assert found.dtype == expected.dtype
        assert_close(found, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("learning", [True, False])
def test_a_weight_is_cast_once_a_sequence(learning: bool) -> None:
    layer, x = RecurrentLinear(6, 7), torch.randn(2, 6)
    autocast = torch.autocast("cpu", torch.bfloat16)
    inference = torch.inference_mode(not learning)
    with inference, autocast, profile(record_shapes=True) as profiled, one_sequence(layer):
        for _ in range(5):
            layer(x)
    copies = [event for event in profiled.events() if event.name == "aten::copy_"]
    assert [event.input_shapes[0] for event in copies].count([7, 6]) == 1


def test_steps_after_a_sequence_and_without_gradients_are_plain() -> None:
    layer = RecurrentLinear(4, 4)
    x = torch.randn(2, 4)
    with torch.no_grad(), one_sequence(layer):
        inside = layer(x)
    assert_close(inside, layer(x))
    with one_sequence(layer):
        pass
    with pytest.raises(RuntimeError, match="stop"), one_sequence(layer):
        raise RuntimeError("stop")
    layer(x).sum().backward()
    assert layer.weight.grad is not None and layer.weight.grad.abs().sum() > 0
