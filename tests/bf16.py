"""What is asked in bf16 is asked only where the processor computes it."""

import pytest
import torch
from torch import nn

from nmt.device import obstacle

_REASON = obstacle("bf16", torch.device("cpu"))
needs_bf16 = pytest.mark.skipif(bool(_REASON), reason=f"bf16 on this processor: {_REASON}")


def skip_without_bf16(model: nn.Module) -> None:
    """Skip the test if it needs bf16 of an LSTM; other products are emulated everywhere."""
    if _REASON and any(isinstance(module, nn.LSTM) for module in model.modules()):
        pytest.skip(f"bf16 on this processor: {_REASON}")
