"""What this machine can do at best: the yardstick for everything else."""

import platform
import time
from pathlib import Path
from typing import Any

import torch

from nmt.device import PRECISIONS, computes_bf16

SIZES = ((4096, 256, 1024), (4096, 1024, 256), (4096, 256, 8000), (2048, 1024, 1024))
"""(rows, inner, columns) of products, as training steps of the benchmark's models have them."""


def kind() -> str:
    """The vendor and the instructions that matter, such as "amd-avx512-bf16": machines of one kind
    share a column of the results."""
    able, processor = torch.cpu.get_capabilities(), _processor()
    vendor = next((one for one in ("AMD", "Intel", "Apple") if one in processor), "other")
    widest = "avx512" if able.get("avx512_f") else "avx2" if able.get("avx2") else "neon"
    more = {
        "vnni": able.get("avx512_vnni") or able.get("avx_vnni"),
        "bf16": computes_bf16(torch.device("cpu")),
        "amx": able.get("amx_bf16"),
    }
    return "-".join([vendor.lower(), widest, *(name for name, there in more.items() if there)])


def describe() -> dict[str, Any]:
    """Processor, threads and versions, in words."""
    return {
        "kind": kind(),
        "processor": _processor(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def peak(precision: str, *, repeats: int = 10) -> float:
    """Floating-point operations a second of the fastest of ``SIZES``, each at its best."""
    best = 0.0
    for rows, inner, columns in SIZES:
        left = torch.randn(rows, inner, dtype=PRECISIONS[precision])
        right = torch.randn(inner, columns, dtype=PRECISIONS[precision])
        for _ in range(repeats):
            start = time.perf_counter()
            left @ right
            seconds = time.perf_counter() - start
            best = max(best, 2 * rows * inner * columns / seconds)
    return best


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
