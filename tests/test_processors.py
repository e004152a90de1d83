"""What rounding could change, computed once more as other processors and more threads do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
AVX2 = {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2", "OMP_NUM_THREADS": "1"}


@pytest.mark.parametrize("environment", [AVX2, {"OMP_NUM_THREADS": "2"}], ids=["avx2", "2 threads"])
def test_other_processors_agree(environment: dict[str, str]) -> None:
    """Where the processor has AVX2 alone, the first changes nothing."""
    chosen = ["-m", "numeric", "-k", "not 1-layer", "-p", "no:cacheprovider"]  # 2-layers hold all
    places = [TESTS / name for name in ("contract", "models", "search")]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *chosen, *places],
        env={**os.environ, **environment},
        cwd=TESTS.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
