"""Greedy search: the likeliest token at every step."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from nmt.models.interface import Seq2SeqModel
from nmt.search.base import Distribution, Hypothesis, SearchBase
from nmt.search.constraints import Constraint, each_constraint


@dataclass(frozen=True, kw_only=True)
class GreedySearch(SearchBase):
    """One hypothesis a sentence; its score is its mean log-probability a token."""

    @torch.inference_mode()
    def __call__(
        self, model: Seq2SeqModel, src: Tensor, constraints: Sequence[Constraint] | None = None
    ) -> list[list[Hypothesis]]:
        return self.follow(model, src, each_constraint(constraints, len(src)), _likeliest)


def _likeliest(following: Distribution, sentences: Tensor, place: int) -> tuple[Tensor, Tensor]:
    return following.likeliest()
