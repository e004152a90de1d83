"""A search of one's own: greedy search that ends no translation too early."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from nmt.checks import non_negative_int
from nmt.models.interface import Seq2SeqModel
from nmt.search.base import Distribution, Hypothesis, SearchBase
from nmt.search.constraints import Constraint, each_constraint
from nmt.tokenizer import EOS


@dataclass(frozen=True, kw_only=True)
class MinimumLengthSearch(SearchBase):
    """min_length: tokens that a translation has at least, EOS not counted."""

    min_length: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        non_negative_int("min_length", self.min_length)

    @torch.inference_mode()
    def __call__(
        self,
        model: Seq2SeqModel,
        src: Tensor,
        constraints: Sequence[Constraint] | None = None,
    ) -> list[list[Hypothesis]]:
        return self.follow(model, src, each_constraint(constraints, len(src)), self._choose)

    def _choose(
        self, following: Distribution, sentences: Tensor, place: int
    ) -> tuple[Tensor, Tensor]:
        if place < self.min_length:
            following.scores[..., EOS] = -torch.inf
        return following.likeliest()
