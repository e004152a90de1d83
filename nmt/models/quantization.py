"""Weights rounded once, for translating: to bf16, or to 8-bit integers on a CPU.

A rounded model cannot be trained any more. Only ``nn.Linear`` and ``nn.LSTM`` are rounded, neither
embeddings nor attention's products of queries, keys and values.

Dims: N rows, I inputs, O outputs.
"""

import torch
from torch import Tensor, nn

LEVELS = 63  # on either side of 0: processors without VNNI overflow beyond 7 bits of input
WORTH = 2**19  # weights from which on the integers save more time than rounding to them takes
_READ_THEIR_PARTS = nn.MultiheadAttention, nn.TransformerEncoderLayer  # instead of calling them


class Int8Linear(nn.Module):
    """``nn.Linear``, x (..., I) -> (..., O), with a product of integers.

    Each row of the weight is rounded to 8 bits, once, and each row of an input to 7 bits. Every row
    has a scale of its own, by its largest value, so that no row changes another's result.
    """

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        weight = linear.weight.detach().float()
        self._scales = _largest(weight) / 127  # (O, 1)
        self._zeros = torch.zeros(len(weight), dtype=torch.int64)
        rounded = (weight / self._scales).round().to(torch.int8)
        self._packed = torch.ops.onednn.qlinear_prepack(rounded, None)
        self._bias = None if linear.bias is None else linear.bias.detach().float()

    def forward(self, x: Tensor) -> Tensor:
        rows = x.flatten(0, -2)
        scales = _largest(rows) / LEVELS  # (N, 1)
        zero = LEVELS + 1
        rounded = (rows / scales).add_(zero + 0.5).to(torch.uint8)
        sums: Tensor = torch.ops.onednn.qlinear_pointwise(
            rounded,
            x_scale=1.0,
            x_zero_point=zero,
            qw=self._packed,
            w_scale=self._scales,
            w_zero_point=self._zeros,
            bias=None,
            output_scale=1.0,
            output_zero_point=0,
            output_dtype=torch.float32,
            post_op_name="none",
            post_op_args=[],
            post_op_algorithm="",
        )
        product = sums.mul_(scales)
        if self._bias is not None:
            product.add_(self._bias)
        return product.view(*x.shape[:-1], len(self._scales))


def round_to_bf16(model: nn.Module) -> None:
    """Round the weights of ``nn.Linear`` and ``nn.LSTM``, which autocast would do at every step."""
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.LSTM):
            for name, parameter in list(module.named_parameters(recurse=False)):
                rounded = nn.Parameter(parameter.bfloat16(), requires_grad=False)
                setattr(module, name, rounded)  # a tied embedding keeps its own
        if isinstance(module, nn.LSTM):
            module.flatten_parameters()  # cuDNN would copy them together at every call


def round_to_int8(model: nn.Module) -> None:
    """Replace every large ``nn.Linear`` of a model on the CPU by an ``Int8Linear``.

    Raises ValueError on another device, and where oneDNN is missing.
    """
    device = next(model.parameters()).device
    served: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    if device.type != "cpu" or not served:
        raise ValueError(f"precision=int8 needs a CPU that oneDNN serves, not {device}: use fp32")
    _replace(model)


def _replace(model: nn.Module) -> None:
    for name, module in list(model.named_children()):
        if isinstance(module, nn.Linear):
            if module.weight.numel() >= WORTH:
                setattr(model, name, Int8Linear(module))
        elif not isinstance(module, _READ_THEIR_PARTS):
            _replace(module)


def _largest(rows: Tensor) -> Tensor:
    """(N, I) -> the largest magnitude of each row, above 0, (N, 1)."""
    return rows.abs().amax(dim=1, keepdim=True).clamp_(min=1e-30)
