"""Weights made ready for translating: rounded once, to bf16 or to 8-bit integers, or packed once.

A rounded model cannot be trained any more. Only ``nn.Linear`` and ``nn.LSTM`` are rounded, neither
embeddings nor attention's products of queries, keys and values.

Dims: N rows, I inputs, O outputs.
"""

from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn import functional

from nmt.device import computes_bf16, obstacle
from nmt.models.ensemble import Ensemble

LEVELS = 63  # on either side of 0: processors without VNNI overflow beyond 7 bits of input
WORTH = 2**19  # weights from which on integers, and packing, save more time than they cost
_READ_THEIR_PARTS = nn.MultiheadAttention, nn.TransformerEncoderLayer  # instead of calling them


def fastest_precision(model: nn.Module, device: torch.device) -> str:
    """The precision in which a model translates fastest, fp32, bf16 or int8, by a fixed rule.

    - LSTMs on a CPU with AVX2 or more: int8, as their large weights are most of a step.
    - All else: bf16 where the device computes it, else fp32.

    On validation text each is within 0.1 BLEU of fp32. Measured, in sentences a second of greedy
    search and of beam search (RESULTS.md, "Speed and memory"):

    - EPYC with AVX-512 and bf16: LSTM int8 382 and 120, bf16 310 and 100, fp32 163 and 57;
      transformer bf16 258 and 138, fp32 237 and 97
    - EPYC with AVX2 alone: LSTM int8 1.09 and 1.32 times fp32 with packed weights
    - Xeon with VNNI: int8 1.74 and 1.68 times fp32 for an LSTM, 0.84 to 1.19 for a transformer

    On GPUs no precision has been timed; there bf16 is what training takes.
    """
    x86 = torch.cpu.get_capabilities().get("avx2", False)
    if device.type == "cpu" and x86 and _is_recurrent(model) and _computes_int8():
        return "int8"
    return "bf16" if computes_bf16(device) and not obstacle("bf16", device) else "fp32"


def _is_recurrent(model: nn.Module) -> bool:
    """Whether it holds an LSTM, an ensemble in each of its models."""
    parts = model.models if isinstance(model, Ensemble) else [model]
    return all(any(isinstance(layer, nn.LSTM) for layer in part.modules()) for part in parts)


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


@lru_cache
def _computes_int8() -> bool:
    """Whether oneDNN does here; it is tried, as no flag tells."""
    try:
        linear, x = nn.Linear(8, 8, bias=False, device="meta"), torch.ones(2, 8)
        linear.weight = nn.Parameter(torch.ones(8, 8))
        with torch.no_grad():
            return _is_served() and bool((Int8Linear(linear)(x) - 8).abs().max() < 0.1)
    except (AttributeError, RuntimeError):  # another torch may have other operators
        return False


class PackedLinear(nn.Linear):
    """``nn.Linear`` that holds its weight a second time, as oneDNN's products read it.

    torch's own product packs it anew at every call, on an AMD processor by MKL, which is made for
    Intel's. With gradients, and on another device, it is ``nn.Linear``.
    """

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__(1, 1, device="meta")  # draws no random numbers
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.weight, self.bias = linear.weight, linear.bias
        self._packed = _packed(linear.weight)

    def forward(self, x: Tensor) -> Tensor:
        if torch.is_grad_enabled() or x.device.type != "cpu":
            return functional.linear(x, self.weight, self.bias)
        return _product(x.to(self.weight.dtype), self._packed, self.bias)


def _packed(weight: Tensor) -> Tensor:
    packed: Tensor = torch.ops.mkldnn._reorder_linear_weight(weight.detach(), None)
    return packed


def _product(x: Tensor, packed: Tensor, bias: Tensor | None) -> Tensor:
    """x (..., I) -> (..., O)."""
    product: Tensor = torch.ops.mkldnn._linear_pointwise(x, packed, bias, "none", [], "")
    return product


def pack(model: nn.Module) -> None:
    """Replace every large ``nn.Linear`` of a model on the CPU by a ``PackedLinear``, where that is
    faster: in fp32 on AMD's processors, in bf16 wherever it works, as there torch asks oneDNN
    anyway."""
    weight = next((m.weight for m in model.modules() if isinstance(m, nn.Linear)), None)
    if weight is None or weight.device.type != "cpu" or not _is_served():
        return
    amd = "AMD" in str(torch.cpu.get_capabilities().get("cpu_name", ""))
    if (amd or weight.dtype == torch.bfloat16) and _packs(weight.dtype):
        _replace(model, PackedLinear)


@lru_cache
def _packs(dtype: torch.dtype) -> bool:
    """Whether this processor computes a packed product in this type; it is tried, as no flag
    tells."""
    try:
        weight = torch.ones(8, 8, dtype=dtype)
        return bool((_product(weight, _packed(weight), None) == 8).all())
    except (AttributeError, RuntimeError):  # another torch may have other operators
        return False


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
    if device.type != "cpu" or not _is_served():
        raise ValueError(f"precision=int8 needs a CPU that oneDNN serves, not {device}: use fp32")
    _replace(model, Int8Linear)


def _is_served() -> bool:
    """Whether oneDNN is there."""
    served: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]  # torch's
    return served


def _replace(model: nn.Module, make: Callable[[nn.Linear], nn.Module]) -> None:
    for name, module in list(model.named_children()):
        if isinstance(module, nn.Linear):
            if module.weight.numel() >= WORTH:
                setattr(model, name, make(module))
        elif not isinstance(module, _READ_THEIR_PARTS):
            _replace(module, make)


def _largest(rows: Tensor) -> Tensor:
    """(N, I) -> the largest magnitude of each row, above 0, (N, 1)."""
    return rows.abs().amax(dim=1, keepdim=True).clamp_(min=1e-30)
