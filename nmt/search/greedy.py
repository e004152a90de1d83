"""Greedy search: the likeliest token at every step."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from nmt.checks import non_negative_int, positive
from nmt.models.interface import Seq2SeqModel
from nmt.search.constraint import Constraint, each_constraint
from nmt.search.hypothesis import (
    Hypothesis,
    Search,
    length_limits,
    next_log_probs,
    read_hypothesis,
)
from nmt.tokenizer import BOS, EOS, PAD


@dataclass(frozen=True, kw_only=True)
class GreedySearch(Search):
    """One hypothesis a sentence; its score is its mean log-probability a token.

    A sentence of S source tokens (EOS counted) may become up to floor(max_length * S) +
    extra_length target tokens (EOS counted).
    """

    max_length: float = 2.0
    extra_length: int = 10

    def __post_init__(self) -> None:
        positive("search.max_length", self.max_length)
        non_negative_int("search.extra_length", self.extra_length)

    @torch.inference_mode()
    def __call__(
        self,
        model: Seq2SeqModel,
        src: Tensor,
        constraints: Sequence[Constraint] | None = None,
    ) -> list[list[Hypothesis]]:
        if any(c != Constraint() for c in each_constraint(constraints, src.shape[0])):
            raise NotImplementedError
        encoded = model.encode(src)
        memory, state = model.start(encoded, beam_size=1)
        limits = length_limits(encoded, self.max_length, self.extra_length)
        produced = src.new_full((src.shape[0], int(limits.max())), PAD)
        log_probs = torch.zeros(src.shape[0], device=src.device)
        sentences = torch.arange(src.shape[0], device=src.device)  # those still in the batch
        tokens = torch.full_like(sentences, BOS)
        for step in range(produced.shape[1]):
            logits, state = model.step(tokens[:, None], memory, state)
            best, tokens = next_log_probs(logits[:, 0]).max(dim=-1)
            log_probs[sentences] += best
            produced[sentences, step] = tokens
            stay = ((tokens != EOS) & (limits[sentences] > step + 1)).nonzero()[:, 0]
            if len(stay) == 0:
                break
            if len(stay) < len(sentences):
                sentences, tokens = sentences[stay], tokens[stay]
                memory, state = memory.select(stay), state.select(stay)
        return [
            [read_hypothesis(row, log_prob, length_penalty=1.0)]
            for row, log_prob in zip(produced.tolist(), log_probs.tolist(), strict=True)
        ]
