"""Floating-point operations of a training step, counted as torch runs it."""

from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from nmt.data.batches import Batch
from nmt.models.interface import Seq2SeqModel
from nmt.tokenizer import EOS
from nmt.training.loss import batch_loss


def training_flops(model: Seq2SeqModel, *, sentences: int, length: int) -> float:
    """A target token of one forward and backward pass, EOS counted, at this sentence length.

    Only matrix products are counted, as is usual; a product is two operations a multiplication.
    """
    ids = torch.randint(EOS + 1, 300, (sentences, length))
    ids[:, -1] = EOS
    batch = Batch(ids, ids, ids, torch.arange(ids.numel()))
    counter = FlopCounterMode(
        display=False,
        custom_mapping={
            torch.ops.aten.mkldnn_rnn_layer: _lstm_forward,
            torch.ops.aten.mkldnn_rnn_layer_backward: _lstm_backward,
        },
    )
    model.train()
    with counter:
        torch.autograd.backward(batch_loss(model, batch, smoothing=0.1)[0])
    model.zero_grad(set_to_none=True)
    return float(counter.get_total_flops()) / batch.num_tokens


def _lstm_forward(
    input_shape: Any, w_input: Any, w_hidden: Any, *rest: Any, out_shape: Any = None, **named: Any
) -> int:
    steps, sentences, _ = input_shape
    return int(2 * steps * sentences * (w_input[0] * w_input[1] + w_hidden[0] * w_hidden[1]))


def _lstm_backward(
    input_shape: Any, w_input: Any, w_hidden: Any, *rest: Any, out_shape: Any = None, **named: Any
) -> int:
    return 2 * _lstm_forward(input_shape, w_input, w_hidden)
