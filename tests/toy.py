"""A model small enough to be searched exhaustively, and sources for it.

Dims: B sentences, K hypotheses a sentence, S source tokens, T target tokens, V vocabulary.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from nmt.models.interface import DecoderState, Encoded, Memory, NoAlignment, Seq2SeqModel
from nmt.tokenizer import EOS, PAD

ROWS = 9973
VOCAB_SIZE = 7


@dataclass(frozen=True)
class ToyMemory:
    """number: (B,), a number for all of the source."""

    number: Tensor

    def select(self, sentences: Tensor) -> "ToyMemory":
        return ToyMemory(self.number[sentences])


@dataclass(frozen=True)
class ToyState:
    """number: (B, K), a number for all the tokens read."""

    number: Tensor

    def select(self, sentences: Tensor) -> "ToyState":
        return ToyState(self.number[sentences])

    def reorder(self, parents: Tensor) -> "ToyState":
        return ToyState(self.number.gather(1, parents))


class ToyModel(Seq2SeqModel):
    """The logits of y_t are a row of a random table that x and y_<t choose, all of them.

    bias: added to the logits of single tokens.
    attends: whether it has attention, of one layer and head, random but fixed by the same.
    batch_sizes: how many sentences each step was given.
    """

    def __init__(
        self, *, seed: int = 0, bias: dict[int, float] | None = None, attends: bool = False
    ) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        table = 2 * torch.randn(ROWS, VOCAB_SIZE, generator=generator)
        for token, value in (bias or {}).items():
            table[:, token] += value
        self.table = nn.Parameter(table)
        self.attends = attends
        self.batch_sizes: list[int] = []

    def encode(self, src: Tensor) -> Encoded:
        mask = src != PAD
        places = torch.arange(1, src.shape[1] + 1)
        numbers = (src * mask * places * 31).sum(dim=1) % ROWS
        return Encoded(numbers[:, None, None].float(), mask)

    def decode(self, tgt_input: Tensor, encoded: Encoded) -> Tensor:
        memory, state = self.start(encoded, beam_size=1)
        rows = []
        for tokens in tgt_input.split(1, dim=1):
            logits, state = self._advance(tokens, memory, state)
            rows.append(logits)
        return torch.cat(rows, dim=1)

    def project(self, features: Tensor) -> Tensor:
        return features

    def start(self, encoded: Encoded, beam_size: int) -> tuple[ToyMemory, ToyState]:
        numbers = encoded.states[:, 0, 0].long()
        return ToyMemory(numbers), ToyState(numbers.new_zeros(len(numbers), beam_size))

    def step(self, tokens: Tensor, memory: Memory, state: DecoderState) -> tuple[Tensor, ToyState]:
        assert isinstance(memory, ToyMemory) and isinstance(state, ToyState)
        self.batch_sizes.append(len(tokens))
        return self._advance(tokens, memory, state)

    def attend(self, tgt_input: Tensor, encoded: Encoded) -> Tensor:
        if not self.attends:
            raise NoAlignment("the toy attends to nothing")
        rows = self.decode(tgt_input, encoded)  # (B, T, V)
        places = torch.arange(encoded.mask.shape[1])
        scores = rows[:, :, places % VOCAB_SIZE] * (1 + places % 3)
        weights = scores.masked_fill(~encoded.mask[:, None], -torch.inf).softmax(dim=-1)
        return weights[:, None, None]

    def _advance(
        self, tokens: Tensor, memory: ToyMemory, state: ToyState
    ) -> tuple[Tensor, ToyState]:
        state = ToyState((state.number * 37 + tokens + 1) % ROWS)
        return self.table[(memory.number[:, None] + state.number) % ROWS], state


def make_sources(*lengths: int, seed: int = 0, vocab_size: int = VOCAB_SIZE) -> Tensor:
    """Random sources of so many tokens, EOS counted, padded to (B, S)."""
    generator = torch.Generator().manual_seed(seed)
    src = torch.full((len(lengths), max(lengths)), PAD)
    for row, length in zip(src, lengths, strict=True):
        row[: length - 1] = torch.randint(EOS + 1, vocab_size, (length - 1,), generator=generator)
        row[length - 1] = EOS
    return src
