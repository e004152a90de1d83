"""A model small enough to be searched exhaustively: every prefix has its own random row."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from nmt.models.interface import DecoderState, Encoded, Memory, Seq2SeqModel
from nmt.tokenizer import BOS, EOS, PAD

ROWS = 9973


@dataclass(frozen=True)
class ToyMemory:
    """number: (B,), one for each source."""

    number: Tensor

    def select(self, sentences: Tensor) -> "ToyMemory":
        return ToyMemory(self.number[sentences])


@dataclass(frozen=True)
class ToyState:
    """prefix: (B, K), a number for the tokens read."""

    prefix: Tensor

    def select(self, sentences: Tensor) -> "ToyState":
        return ToyState(self.prefix[sentences])

    def reorder(self, parents: Tensor) -> "ToyState":
        return ToyState(self.prefix.gather(1, parents))


class ToyModel(Seq2SeqModel):
    """p(y_t | y_<t, x) is a row of a random table, chosen by all of x and all of y_<t.

    batch_sizes: how many sentences each step was given.
    """

    def __init__(self, *, vocab_size: int = 7, seed: int = 0, spread: float = 2.0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        table = torch.randn(ROWS, vocab_size, generator=generator) * spread
        self.table = torch.nn.Parameter(table)
        self.batch_sizes: list[int] = []

    def encode(self, src: Tensor) -> Encoded:
        mask = src != PAD
        places = torch.arange(1, src.shape[1] + 1)
        number = (src * mask * places * 31).sum(dim=1) % ROWS
        return Encoded(number[:, None, None].float(), mask)

    def decode(self, tgt_input: Tensor, encoded: Encoded) -> Tensor:
        memory, state = self.start(encoded, 1)
        rows = []
        for token in tgt_input.unbind(1):
            state = ToyState(_read(state.prefix, token[:, None]))
            rows.append(self._row(memory, state))
        return torch.cat(rows, dim=1)

    def project(self, features: Tensor) -> Tensor:
        return features

    def start(self, encoded: Encoded, beam_size: int) -> tuple[ToyMemory, ToyState]:
        number = encoded.states[:, 0, 0].long()
        return ToyMemory(number), ToyState(number.new_zeros(len(number), beam_size))

    def step(self, tokens: Tensor, memory: Memory, state: DecoderState) -> tuple[Tensor, ToyState]:
        assert isinstance(memory, ToyMemory) and isinstance(state, ToyState)
        self.batch_sizes.append(len(tokens))
        state = ToyState(_read(state.prefix, tokens))
        return self._row(memory, state), state

    def attend(self, tgt_input: Tensor, encoded: Encoded) -> Tensor:
        raise NotImplementedError

    def _row(self, memory: ToyMemory, state: ToyState) -> Tensor:
        return self.table[(memory.number[:, None] + state.prefix) % ROWS]


def _read(prefix: Tensor, tokens: Tensor) -> Tensor:
    return (prefix * 37 + tokens + 1) % ROWS


def sources(*lengths: int, vocab_size: int = 7, seed: int = 0) -> Tensor:
    """Random sources of so many tokens, EOS counted, in one padded batch."""
    generator = torch.Generator().manual_seed(seed)
    src = torch.full((len(lengths), max(lengths)), PAD)
    for row, length in zip(src, lengths, strict=True):
        row[: length - 1] = torch.randint(EOS + 1, vocab_size, (length - 1,), generator=generator)
        row[length - 1] = EOS
    return src
