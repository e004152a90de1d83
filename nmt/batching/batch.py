"""Padded batches. Dims: B sentences, S source tokens, T target tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from nmt.tokenizer import BOS, EOS, PAD


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


def collate(pairs: Sequence[tuple[Sequence[int], Sequence[int]]]) -> Batch:
    """Pairs of plain ids -> one batch; BOS and EOS are added before padding."""
    return Batch(
        src=pad([[*src, EOS] for src, _ in pairs]),
        tgt_input=pad([[BOS, *tgt] for _, tgt in pairs]),
        labels=pad([[*tgt, EOS] for _, tgt in pairs]),
    )


def pad(rows: Sequence[Sequence[int]]) -> Tensor:
    """Rows of ids -> (B, longest), PAD on the right."""
    longest = max(len(row) for row in rows)
    return torch.tensor([[*row, *[PAD] * (longest - len(row))] for row in rows])
