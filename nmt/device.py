"""Which device and which precision, chosen by looking; and a memory allocator set up for training.

"Precision" is that of matrix products: parameters and what sums over time stay fp32.
"""

import ctypes
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from nmt.checks import OptionError, field, one_of

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
    return torch.device(name)


def choose_precision(name: str, device: torch.device) -> str:
    """``auto`` takes bf16 where the device computes it natively, and fp32 elsewhere."""
    one_of("precision", name, ("auto", *PRECISIONS))
    if name == "fp16" and device.type != "cuda":
        raise OptionError(
            f"{field('precision')}=fp16 needs a CUDA GPU, not {device.type}: use auto"
        )
    if name != "auto":
        return name
    return "bf16" if computes_bf16(device) else "fp32"


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """Matrix products in this precision inside the context."""
    if precision == "fp32":
        return nullcontext()
    return torch.autocast(device.type, PRECISIONS[precision])


def keep_freed_memory() -> None:
    """Tell glibc to keep large freed blocks instead of returning them to the system.

    A training step on a CPU allocates and frees the same blocks every time; without this, page
    faults take up to a third of it. Elsewhere than on Linux with glibc nothing happens.
    """
    if mallopt := _glibc("mallopt"):
        trim_threshold, mmap_threshold = -1, -3
        mallopt(mmap_threshold, 2**30)
        mallopt(trim_threshold, 2**31 - 1)


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
