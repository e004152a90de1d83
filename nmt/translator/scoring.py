"""How likely a model finds given translations.

Dims: B pairs, S source tokens, T target tokens, N target tokens without padding, D features.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from nmt.data.batch import collate
from nmt.models.interface import Seq2SeqModel
from nmt.tokenizer import PAD

CHUNK_TOKENS = 256  # logits at once: a chunk of them in fp32 should stay in the cache


@torch.inference_mode()
def log_probs(
    model: Seq2SeqModel, pairs: Sequence[tuple[Sequence[int], Sequence[int]]]
) -> list[float]:
    """log p(target, EOS | source) of each pair of ids, both without EOS.

    Not renormalised without PAD and BOS: it is what search reports of the same target.
    """
    batch = collate(pairs).to(next(model.parameters()).device)
    features = model.decode(batch.tgt_input, model.encode(batch.src))
    real = batch.labels != PAD
    totals = torch.zeros(real.shape, dtype=torch.float32, device=real.device)  # (B, T)
    totals[real] = _label_log_probs(model, features[real], batch.labels[real])
    return [float(total) for total in totals.sum(dim=1)]


def _label_log_probs(model: Seq2SeqModel, features: Tensor, labels: Tensor) -> Tensor:
    """features (N, D), labels (N,) -> (N,) in float32."""
    chunks = []
    for start in range(0, len(labels), CHUNK_TOKENS):
        chunk = slice(start, start + CHUNK_TOKENS)
        log_probs = model.project(features[chunk]).float().log_softmax(dim=-1)
        chunks.append(log_probs.gather(1, labels[chunk, None]).squeeze(1))
    return torch.cat(chunks)
