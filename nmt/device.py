"""Which device and which precision, chosen by looking; and a memory allocator set up for training.

"Precision" is that of matrix products: parameters and what sums over time stay fp32.
"""

import ctypes
import logging
import os
import sys
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from typing import Any

import torch
from torch import nn

from nmt.checks import OptionError, field, one_of

log = logging.getLogger(__name__)

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def choose_device(name: str) -> torch.device:
    """``auto`` takes a CUDA GPU, then Apple's, then the CPU. ValueError for one not there."""
    one_of("device", name, ("auto", "cpu", "cuda", "mps"))
    present = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        name = next(kind for kind, there in present.items() if there)
    if not present[name]:
        raise ValueError(f"device={name} is not available to torch here: use device=auto")
    if name == "cuda":
        # cuDNN's attention builds a plan for every new shape, and every batch of text is one.
        torch.backends.cuda.enable_cudnn_sdp(False)
    return torch.device(name)


def choose_precision(name: str, device: torch.device) -> str:
    """``auto`` takes bf16 where the device computes it natively, and fp32 elsewhere.

    Raises OptionError where the device does not compute it, and warns where it emulates bf16.
    """
    one_of("precision", name, ("auto", *PRECISIONS))
    if name == "fp16" and device.type != "cuda":
        raise OptionError(
            f"{field('precision')}=fp16 needs a CUDA GPU, not {device.type}: use auto"
        )
    native = computes_bf16(device)
    if name == "auto":
        return "bf16" if native and not obstacle("bf16", device) else "fp32"
    if name != "fp32" and (reason := obstacle(name, device)):
        raise OptionError(
            f"{field('precision')}={name} does not work on this {device.type}: use fp32 ({reason})"
        )
    if name == "bf16" and not native:
        log.warning("%s does not compute bf16 natively: precision=fp32 is faster", device)
    return name


@lru_cache
def obstacle(precision: str, device: torch.device) -> str:
    """What prevents a tiny model from being trained in this precision; "" where nothing does.

    It is tried, as no flag tells: oneDNN has no bf16 LSTM for a CPU without AVX-512. It does have
    the other products, but a model without LSTM gains nothing from them: they are emulated.
    """
    with torch.random.fork_rng(devices=[]):
        lstm, linear = nn.LSTM(8, 8).to(device), nn.Linear(8, 8).to(device)
    try:
        with torch.enable_grad(), autocast(device, precision):
            states, _ = lstm(torch.ones(2, 1, 8, device=device))
            torch.autograd.backward(linear(states).float().sum())
    except RuntimeError as error:
        return str(error).partition("\n")[0].partition(". ")[0]
    return ""


def training_batch_tokens(device: torch.device) -> int:
    """Tokens of a training batch where nothing else is asked for; a GPU wants more at once."""
    return 4096 if device.type == "cpu" else 16384


def translation_tokens(device: torch.device) -> int:
    """Source tokens in a batch of translations: what suits a CPU's caches, or what fills a GPU.

    On a GPU a step takes as long for ten sentences as for thousands. There it is a token for each
    MiB of memory: reckoned for a beam of 5, 32,000 pieces and 6+6 layers of width 512.
    """
    if device.type != "cuda":
        return 4096
    memory: int = torch.cuda.get_device_properties(device).total_memory
    return min(2**17, memory // 2**20)


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """Matrix products in this precision inside the context."""
    if precision == "fp32":
        return nullcontext()
    return torch.autocast(device.type, PRECISIONS[precision])


def keep_freed_memory() -> None:
    """Tell glibc to keep large freed blocks instead of returning them to the system.

    A training step on a CPU allocates and frees the same blocks every time; without this, page
    faults take up to a third of it. All threads share what is kept: those beside the first could
    keep no large block. Elsewhere than on Linux with glibc nothing happens.
    """
    if mallopt := _glibc("mallopt"):
        trim_threshold, mmap_threshold, arena_max = -1, -3, -8
        mallopt(arena_max, 1)
        mallopt(mmap_threshold, 2**30) or mallopt(mmap_threshold, 2**25)  # the most of an old glibc
        mallopt(trim_threshold, 2**31 - 1)


def keep_few_kernels() -> None:
    """Tell oneDNN to keep the kernels of 64 shapes; call it before torch's first product.

    It compiles one for each shape of an LSTM or of a product in bf16 and keeps 1024 in each of two
    caches, more than a gigabyte. But every batch of a training has shapes of its own, and a layer
    needs about twenty of them.
    """
    for cache in ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"):
        os.environ.setdefault(cache, "64")


def return_freed_memory() -> None:
    """Return to the system, once in a while, what ``keep_freed_memory`` keeps.

    Batches have many shapes, so that the blocks of one leave gaps that those of another do not
    fill: untrimmed, a training that needs two gigabytes comes to hold eight.
    """
    if malloc_trim := _glibc("malloc_trim"):
        malloc_trim(0)


def _glibc(function: str) -> Any:
    return getattr(ctypes.CDLL(None), function, None) if sys.platform == "linux" else None


def computes_bf16(device: torch.device) -> bool:
    """Natively; what does not emulates it, which takes longer than fp32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        able = torch.cpu.get_capabilities()
        return any(able.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))
    return False
