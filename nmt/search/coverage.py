"""How much of the source a translation has attended to.

Dims: B sentences, S source tokens, T target tokens.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from nmt.models.interface import Encoded, NoAlignment, Seq2SeqModel
from nmt.search.hypothesis import Hypothesis
from nmt.tokenizer import BOS, PAD


def coverages(
    model: Seq2SeqModel, src: Tensor, found: Sequence[Sequence[Hypothesis]]
) -> list[list[float]]:
    """sum_i log(min(sum_j a_ij, 1)) of each hypothesis of each row of src (B, S): 0 at best.

    Wu et al. (2016), eq. 14, without its factor. a_ij is how much target token j attends to source
    token i, EOS counted in both: the mean over layers and heads.

    Raises ValueError where the model attends to nothing.
    """
    encoded = model.encode(src)
    by_rank = [
        _coverage(model, encoded, [own[rank] if rank < len(own) else None for own in found])
        for rank in range(max(map(len, found)))
    ]
    return [[by_rank[rank][row] for rank in range(len(own))] for row, own in enumerate(found)]


def _coverage(
    model: Seq2SeqModel, encoded: Encoded, hypotheses: Sequence[Hypothesis | None]
) -> list[float]:
    """Of one hypothesis a sentence; without meaning where there is None."""
    produced = [0 if h is None else len(h.tokens) + h.finished for h in hypotheses]
    read = [
        torch.tensor([BOS, *(() if h is None else h.tokens)][: max(1, length)])
        for h, length in zip(hypotheses, produced, strict=True)
    ]
    device = encoded.mask.device
    try:
        weights = model.attend(pad_sequence(read, True, PAD).to(device), encoded)
    except NoAlignment as error:
        raise ValueError(
            f"search.coverage_penalty needs a model that attends to its source: {error}; "
            f"set search.coverage_penalty=0"
        ) from error
    places = torch.arange(weights.shape[-2], device=device)
    real = places < torch.tensor(produced, device=device).unsqueeze(1)  # (B, T)
    attended = (weights.mean(dim=(1, 2)) * real.unsqueeze(-1)).sum(dim=1)  # (B, S)
    least = torch.finfo(
        attended.dtype
    ).tiny  # a token left out is the worst, but no reason to give up
    logs = attended.clamp(least, 1.0).log().masked_fill(~encoded.mask, 0.0)
    values: list[float] = logs.sum(dim=1).tolist()
    return values
