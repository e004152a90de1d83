"""What rounding could change, computed once more as a smaller processor with more threads does."""

import os
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parent
OTHER = {
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "ATEN_CPU_CAPABILITY": "avx2",
    "OMP_NUM_THREADS": "2",
    "OMP_WAIT_POLICY": "PASSIVE",  # waiting threads would keep the cores that other tests need
}


def test_other_processors_agree() -> None:
    """Where the processor has AVX2 alone, the threads alone are other than before."""
    # Two layers hold what one has, the members of an ensemble are tried by themselves, and
    # scaled_dot is luong_dot, scaled.
    others = "not 1-layer and not ensemble and not luong_dot"
    chosen = ["-m", "numeric and not slow", "-k", others, "-p", "no:cacheprovider"]
    places = [TESTS / name for name in ("contract", "models", "search")]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *chosen, *places],
        env={**os.environ, **OTHER},
        cwd=TESTS.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
