"""Loss and perplexity of held-out pairs."""

import math
from collections.abc import Iterable

import torch

from nmt.data.batch import Batch
from nmt.device import autocast
from nmt.models.interface import Seq2SeqModel
from nmt.training.loss import batch_loss


def validation_loss(
    model: Seq2SeqModel, batches: Iterable[Batch], precision: str
) -> dict[str, float]:
    """Negative log-likelihood a target token (natural logarithm, no smoothing) and its exponential.

    The model leaves the call in the mode, training or evaluation, in which it came.
    """
    device = next(model.parameters()).device
    training = model.training
    model.eval()
    total, tokens = torch.zeros((), device=device), 0
    try:
        with torch.inference_mode(), autocast(device, precision):
            for batch in batches:
                total += batch_loss(model, batch.to(device), smoothing=0.0)[1]
                tokens += batch.num_tokens
    finally:
        model.train(training)
    loss = float(total) / tokens
    return {"loss": loss, "perplexity": math.exp(min(loss, 700.0))}
