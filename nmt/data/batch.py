"""Padded batches. Dims: B sentences, S source tokens, T target tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nmt.tokenizer import BOS, EOS, PAD

Ids: TypeAlias = Sequence[int] | NDArray[np.int32]


@dataclass(frozen=True)
class Batch:
    """src (B, S) x+EOS; tgt_input (B, T) BOS+y; labels (B, T) y+EOS; PAD on the right."""

    src: Tensor
    tgt_input: Tensor
    labels: Tensor

    @property
    def num_tokens(self) -> int:
        """Target tokens to predict, EOS included, padding not."""
        return int((self.labels != PAD).sum())

    def to(self, device: torch.device) -> Self:
        return type(self)(*(t.to(device) for t in (self.src, self.tgt_input, self.labels)))


def collate(pairs: Sequence[tuple[Ids, Ids]]) -> Batch:
    """Pairs of plain ids -> one batch; BOS and EOS are added before padding."""
    src, tgt = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    return Batch(
        src=_padded(src, after=EOS),
        tgt_input=_padded(tgt, before=BOS),
        labels=_padded(tgt, after=EOS),
    )


def _padded(rows: Sequence[Ids], *, before: int | None = None, after: int | None = None) -> Tensor:
    """Rows of ids, with one id before or after each -> (B, longest), PAD on the right."""
    first = 0 if before is None else 1
    padded = np.full((len(rows), max(map(len, rows)) + 1), PAD, dtype=np.int64)
    if before is not None:
        padded[:, 0] = before
    for row, ids in zip(padded, rows, strict=True):
        row[first : first + len(ids)] = ids
        if after is not None:
            row[len(ids)] = after
    return torch.from_numpy(padded)
