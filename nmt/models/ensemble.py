"""Several models as one: the mean of their probabilities.

Dims: B sentences, K hypotheses a sentence, S source tokens, T target tokens, V target vocabulary,
M models.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from nmt.models.interface import (
    DecoderState,
    Encoded,
    Memory,
    NoAlignment,
    PerSentence,
    Seq2SeqModel,
)


@dataclass(frozen=True)
class EnsembleEncoded(Encoded):
    """What each model made of the source; ``states`` are the first model's."""

    parts: tuple[Encoded, ...] = ()


@dataclass(frozen=True)
class EnsembleMemory(PerSentence):
    """One memory a model."""

    parts: tuple[Memory, ...]


@dataclass(frozen=True)
class EnsembleState(PerSentence):
    """One state a model."""

    parts: tuple[DecoderState, ...]

    def reorder(self, parents: Tensor) -> "EnsembleState":
        return EnsembleState(tuple(part.reorder(parents) for part in self.parts))


class Ensemble(Seq2SeqModel):
    """p(y_t | y_<t, x) is the mean of the models' probabilities. Architectures may differ.

    The models share one tokenizer. Features and logits are log-probabilities already. ``attend``
    gives one layer a model that attends, the mean over its own layers and heads.

    Raises ValueError for no model.
    """

    def __init__(self, models: Sequence[Seq2SeqModel]) -> None:
        super().__init__()
        if not models:
            raise ValueError("an ensemble needs at least one model")
        self.models = nn.ModuleList(models)

    def encode(self, src: Tensor) -> EnsembleEncoded:
        parts = tuple(model.encode(src) for model in self._each())
        return EnsembleEncoded(parts[0].states, parts[0].mask, parts=parts)

    def decode(self, tgt_input: Tensor, encoded: Encoded) -> Tensor:
        return _log_mean(
            [
                model.project(model.decode(tgt_input, part))
                for model, part in zip(self._each(), _parts(encoded), strict=True)
            ]
        )

    def project(self, features: Tensor) -> Tensor:
        return features

    def start(self, encoded: Encoded, beam_size: int) -> tuple[EnsembleMemory, EnsembleState]:
        started = [
            model.start(part, beam_size)
            for model, part in zip(self._each(), _parts(encoded), strict=True)
        ]
        memories, states = zip(*started, strict=True)
        return EnsembleMemory(memories), EnsembleState(states)

    def step(
        self, tokens: Tensor, memory: Memory, state: DecoderState
    ) -> tuple[Tensor, EnsembleState]:
        assert isinstance(memory, EnsembleMemory) and isinstance(state, EnsembleState)
        stepped = [
            model.step(tokens, its_memory, its_state)
            for model, its_memory, its_state in zip(
                self._each(), memory.parts, state.parts, strict=True
            )
        ]
        logits, states = zip(*stepped, strict=True)
        return _log_mean(logits), EnsembleState(states)

    def attend(self, tgt_input: Tensor, encoded: Encoded) -> Tensor:
        found = []
        for model, part in zip(self._each(), _parts(encoded), strict=True):
            try:
                found.append(model.attend(tgt_input, part).mean(dim=(1, 2)))  # (B, T, S)
            except NoAlignment:
                continue
        if not found:
            raise NoAlignment("none of the models of this ensemble attends to anything")
        return torch.stack(found, dim=1).unsqueeze(2)

    def _each(self) -> list[Seq2SeqModel]:
        """The models, with the type that a ModuleList forgets."""
        return cast(list[Seq2SeqModel], list(self.models))


def _parts(encoded: Encoded) -> tuple[Encoded, ...]:
    assert isinstance(encoded, EnsembleEncoded)
    return encoded.parts


def _log_mean(logits: Sequence[Tensor]) -> Tensor:
    """M logits (..., V) -> log of the mean probability (..., V), in float32."""
    log_probs = torch.stack([part.float().log_softmax(dim=-1) for part in logits])
    return log_probs.logsumexp(dim=0) - math.log(len(logits))
