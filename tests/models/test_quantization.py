import math
from typing import Any
from unittest import mock

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from nmt.device import autocast
from nmt.models import quantization as rounding
from nmt.models.ensemble import Ensemble
from nmt.models.interface import Seq2SeqModel
from nmt.models.quantization import (
    LEVELS,
    Int8Linear,
    PackedLinear,
    fastest_precision,
    pack,
    round_to_bf16,
    round_to_int8,
)
from tests.bf16 import skip_without_bf16
from tests.contract.conftest import MODELS
from tests.contract.models import VOCAB_SIZE, make_model
from tests.toy import make_sources

pytestmark = pytest.mark.numeric


def rounded(rows: Tensor, levels: int) -> Tensor:
    scales = rows.abs().amax(dim=-1, keepdim=True) / levels
    return (rows / scales).round() * scales


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(3,), (2, 5), (2, 1, 3), (0,)])
def test_it_is_the_product_of_what_was_rounded(shape: tuple[int, ...], bias: bool) -> None:
    torch.manual_seed(1)
    plain, x = nn.Linear(70, 50, bias=bias), torch.randn(*shape, 70)
    with torch.no_grad():
        expected = rounded(x, LEVELS) @ rounded(plain.weight, 127).t() if x.numel() else plain(x)
        found = Int8Linear(plain)(x)
        assert_close(found, expected + (plain.bias if bias else 0.0), atol=1e-4, rtol=0)
        assert_close(found, plain(x), atol=0.1, rtol=0)


@torch.no_grad()
def test_a_row_is_the_same_in_any_company() -> None:
    torch.manual_seed(1)
    product, x = Int8Linear(nn.Linear(64, 40)), torch.randn(6, 64)
    x[3] *= 1000
    assert torch.equal(product(x)[:3], product(x[:3]))
    assert torch.equal(product(x.unsqueeze(1).transpose(0, 1))[0, 4], product(x[4:5])[0])


@torch.no_grad()
def test_nothing_comes_of_nothing() -> None:
    plain = nn.Linear(64, 40)
    plain.weight[3] = 0.0
    found = Int8Linear(plain)(torch.stack([torch.zeros(64), torch.ones(64)]))
    assert_close(found[0], plain.bias)
    assert found[1, 3] == plain.bias[3]


@torch.no_grad()
def test_the_largest_sums_do_not_overflow() -> None:
    plain = nn.Linear(512, 8, bias=False)
    plain.weight.fill_(1.0)
    assert_close(Int8Linear(plain)(torch.ones(2, 512)), torch.full((2, 8), 512.0))
    assert_close(Int8Linear(plain)(-torch.ones(2, 512)), torch.full((2, 8), -512.0))


def log_probs(model: Seq2SeqModel) -> Tensor:
    """Of a first token."""
    src, tokens = make_sources(3, 8, 1, 5, vocab_size=VOCAB_SIZE), torch.full((4, 2), 5)
    logits, _ = model.step(tokens, *model.start(model.encode(src), 2))
    return logits.log_softmax(dim=-1)


@pytest.mark.parametrize("spec", MODELS.values(), ids=MODELS.keys())
@torch.inference_mode()
def test_bf16_once_is_what_autocast_makes_of_it_every_time(spec: dict[str, Any]) -> None:
    model = make_model(spec)
    skip_without_bf16(model)
    embeddings = [module.weight.clone() for module in tables(model)]
    with autocast(torch.device("cpu"), "bf16"):
        expected = log_probs(model)
        round_to_bf16(model)
        assert torch.equal(log_probs(model), expected)
    for module, before in zip(tables(model), embeddings, strict=True):
        assert torch.equal(module.weight, before)
    products = [m for m in model.modules() if isinstance(m, nn.Linear | nn.LSTM)]
    assert {p.dtype for module in products for p in module.parameters()} == {torch.bfloat16}


def test_cudnn_finds_the_rounded_weights_of_an_lstm_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[set[torch.dtype]] = []
    monkeypatch.setattr(
        nn.LSTM,
        "flatten_parameters",
        lambda lstm: seen.append({weight.dtype for weight in lstm._flat_weights}),
    )
    model = nn.ModuleList([nn.LSTM(4, 4, num_layers=2), nn.Linear(4, 4)])
    seen.clear()
    round_to_bf16(model)
    assert seen == [{torch.bfloat16}]


def tables(model: Seq2SeqModel) -> list[nn.Embedding]:
    return [module for module in model.modules() if isinstance(module, nn.Embedding)]


@pytest.mark.parametrize("spec", MODELS.values(), ids=MODELS.keys())
@torch.no_grad()
def test_int8_changes_every_model_a_little(spec: dict[str, Any]) -> None:
    exact = log_probs(make_model(spec))
    model = make_model(spec)
    with mock.patch.object(rounding, "WORTH", 0):
        round_to_int8(model)
    assert not [module for module in model.modules() if isinstance(module, nn.Linear)]
    found = log_probs(model)
    assert 0 < (found - exact).abs().max() < 0.5


def test_small_weights_stay_as_they_are() -> None:
    side = math.isqrt(rounding.WORTH) + 1
    model = nn.Sequential(nn.Linear(8, 8), nn.Sequential(nn.Linear(side, side)))
    round_to_int8(model)
    assert [type(module) for module in model.modules()][1:] == [
        nn.Linear,
        nn.Sequential,
        Int8Linear,
    ]


@torch.inference_mode()
def test_what_reads_the_weights_of_its_parts_stays_as_it_is() -> None:
    options = {"d_model": 16, "nhead": 2, "dim_feedforward": 32, "batch_first": True}
    layers = nn.TransformerEncoderLayer(**options), nn.TransformerDecoderLayer(**options)
    model, x = nn.ModuleList(layers).eval(), torch.randn(2, 3, 16)
    expected = layers[0](x), layers[1](x, x)
    with mock.patch.object(rounding, "WORTH", 0):
        round_to_int8(model)
    assert torch.equal(layers[0](x), expected[0])
    assert isinstance(layers[1].linear1, Int8Linear)
    assert_close(layers[1](x, x), expected[1], atol=0.2, rtol=0)


def test_another_device_is_refused() -> None:
    with pytest.raises(ValueError, match=r"precision=int8 needs a CPU.*, not meta: use fp32"):
        round_to_int8(nn.Linear(8, 8, device="meta"))


@pytest.mark.parametrize("bias", [True, False])
def test_a_packed_product_is_the_same(bias: bool) -> None:
    torch.manual_seed(1)
    plain = nn.Linear(70, 50, bias=bias)
    packed, x = PackedLinear(plain), torch.randn(2, 3, 70)
    assert dict(packed.named_parameters()).keys() == dict(plain.named_parameters()).keys()
    with torch.inference_mode():
        assert_close(packed(x), plain(x))
        assert_close(packed(x[:, 0]), plain(x[:, 0]))
    packed(x).square().sum().backward()
    expected = torch.autograd.grad(plain(x).square().sum(), plain.weight)[0]
    assert_close(plain.weight.grad, expected)


AMD, INTEL = {"cpu_name": "AMD EPYC", "avx2": True}, {"cpu_name": "Intel(R) Xeon", "avx2": True}
HAS_BF16 = {**AMD, "avx512_f": True, "avx512_bf16": True}


@pytest.mark.parametrize("spec", MODELS.values(), ids=MODELS.keys())
@torch.inference_mode()
def test_packing_changes_no_model(spec: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounding, "WORTH", 0)
    model = make_model(spec)
    expected = log_probs(model)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: INTEL)
    pack(model)
    assert not any(isinstance(layer, PackedLinear) for layer in model.modules())
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: AMD)
    pack(model)
    assert any(isinstance(layer, PackedLinear) for layer in model.modules())
    assert_close(log_probs(model), expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("processor", "of_lstm", "of_transformer"),
    [
        (AMD, "int8", "fp32"),
        (INTEL, "int8", "fp32"),
        (HAS_BF16, "int8", "bf16"),
        ({}, *2 * ["fp32"]),
    ],
    ids=["AVX2", "Xeon", "bf16", "no x86"],
)
def test_the_fastest_precision_follows_from_architecture_and_processor(
    processor: dict[str, Any], of_lstm: str, of_transformer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: processor)
    monkeypatch.setattr(rounding, "obstacle", lambda *given: "")
    cpu = torch.device("cpu")
    lstm, transformer = make_model(MODELS["lstm-bahdanau"]), make_model(MODELS["transformer"])
    assert fastest_precision(lstm, cpu) == of_lstm
    assert fastest_precision(transformer, cpu) == of_transformer
    assert fastest_precision(Ensemble([lstm, transformer]), cpu) == of_transformer
