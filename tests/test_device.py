import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from nmt import device as devices
from nmt.checks import OptionError, section
from nmt.device import (
    choose_device,
    choose_precision,
    keep_freed_memory,
    obstacle,
    translation_tokens,
)

CPU = torch.device("cpu")


@pytest.fixture
def _fails(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The trial of bf16 ends as on a processor without AVX-512."""

    def forward(*given: object) -> None:
        raise RuntimeError("could not create a primitive. Run with ONEDNN_VERBOSE=all.\nmore")

    monkeypatch.setattr(nn.LSTM, "forward", forward)
    obstacle.cache_clear()
    yield
    obstacle.cache_clear()


@pytest.mark.usefixtures("_fails")
@pytest.mark.parametrize("native", [True, False])
def test_a_precision_that_does_not_work_is_refused(
    native: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "computes_bf16", lambda device: native)
    message = r"^trainer.precision=bf16 does not work on this cpu: use fp32 \(could not .* primi"
    with pytest.raises(OptionError, match=message) as caught, section("trainer"):
        choose_precision("bf16", CPU)
    assert "\n" not in str(caught.value)
    assert choose_precision("auto", CPU) == choose_precision("fp32", CPU) == "fp32"


def test_the_trial_is_what_the_models_need() -> None:
    """It says nothing against a precision exactly where an LSTM can be trained in it."""
    try:
        with torch.autocast("cpu", torch.bfloat16):
            nn.LSTM(16, 8, batch_first=True)(torch.randn(4, 5, 16))[0].float().sum().backward()
        works = True
    except RuntimeError:
        works = False
    assert (obstacle("bf16", CPU) == "") == works
    assert obstacle("fp32", CPU) == ""


def test_the_trial_is_made_once_and_draws_no_random_numbers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    obstacle.cache_clear()
    before = torch.get_rng_state()
    first = obstacle("bf16", CPU)
    assert torch.equal(torch.get_rng_state(), before)
    monkeypatch.setattr(nn.LSTM, "__init__", None)
    assert obstacle("bf16", CPU) == first


@pytest.mark.parametrize("native", [True, False])
def test_emulated_bf16_is_warned_of_and_not_chosen(
    native: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(devices, "computes_bf16", lambda device: native)
    monkeypatch.setattr(devices, "obstacle", lambda precision, device: "")
    assert choose_precision("auto", CPU) == ("bf16" if native else "fp32")
    assert not caplog.messages
    with caplog.at_level(logging.WARNING):
        assert choose_precision("bf16", CPU) == "bf16"
    warning = "cpu does not compute bf16 natively: precision=fp32 is faster"
    assert caplog.messages == ([] if native else [warning])


@pytest.mark.parametrize("most", [2**30, 2**25])
def test_an_old_glibc_keeps_as_much_as_it_can(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    accepted = {}

    def mallopt(option: int, value: int) -> int:
        if option == -3 and value > most:
            return 0
        accepted[option] = value
        return 1

    monkeypatch.setattr(devices, "_glibc", lambda function: mallopt)
    keep_freed_memory()
    assert accepted == {-3: most, -1: 2**31 - 1, -8: 1}


GROWTH = """
import os, torch
from nmt import device

def mb():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon")) / 1024

few = os.fork() == 0  # the one that came to be keeps few kernels
if few:
    device.keep_few_kernels()
lstm, start = torch.nn.LSTM(64, 64), 0.0
for length in range(1, 160):
    lstm(torch.randn(length, 3, 64))[0].sum().backward()
    if length == 40:
        start = mb()
device.return_freed_memory()
if not few:
    os.wait()  # so that its line comes first
print(mb() - start, flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_memory_does_not_grow_with_the_variety_of_shapes() -> None:
    """Of kernels: oneDNN compiles some for each shape, as bf16 products and any LSTM need them."""
    environment = {k: v for k, v in os.environ.items() if not k.endswith("_CACHE_CAPACITY")}
    done = subprocess.run(
        [sys.executable, "-c", GROWTH], env=environment, capture_output=True, check=True
    )
    few, many = map(float, done.stdout.split())
    assert few < max(10, many / 2)


def test_attention_that_plans_for_every_shape_is_not_used_on_a_gpu(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = torch.backends.cuda.cudnn_sdp_enabled()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    try:
        torch.backends.cuda.enable_cudnn_sdp(True)
        assert choose_device("auto").type == "cuda"
        assert not torch.backends.cuda.cudnn_sdp_enabled()
    finally:
        torch.backends.cuda.enable_cudnn_sdp(before)


@pytest.mark.parametrize(("gigabytes", "tokens"), [(8, 2**13), (80, 80 * 2**10), (200, 2**17)])
def test_a_gpu_gets_batches_by_its_memory(
    gigabytes: int, tokens: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = SimpleNamespace(total_memory=gigabytes * 2**30)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: memory)
    assert translation_tokens(torch.device("cuda")) == tokens
    assert translation_tokens(CPU) < 2**13
