"""LSTM encoder-decoder; where its context comes from is injected.

Dims: B sentences, K hypotheses a sentence, S source tokens, T target tokens, V target vocabulary,
E embedding, H hidden (decoder, and both directions of the encoder together), L layers.
"""

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.backends import cudnn

from nmt.checks import OptionError, field, one_of, positive_int, probability
from nmt.models.attention import ContextSource
from nmt.models.deferred_gradients import RecurrentLinear, one_sequence
from nmt.models.interface import (
    DecoderState,
    Encoded,
    Memory,
    NoAlignment,
    PerSentence,
    Seq2SeqModel,
)
from nmt.models.layers import Dropout, make_embeddings, source_mask, tied_output


@dataclass(frozen=True)
class LSTMMemory(PerSentence):
    """Prepared keys (B, ...) and the encoded source."""

    keys: Tensor
    encoded: Encoded


@dataclass(frozen=True)
class LSTMState(PerSentence):
    """hidden, cell: (B, K, H) a layer."""

    hidden: tuple[Tensor, ...]
    cell: tuple[Tensor, ...]

    def reorder(self, parents: Tensor) -> "LSTMState":
        index = parents.unsqueeze(-1).expand(-1, -1, self.hidden[0].shape[-1])
        return LSTMState(
            *(tuple(x.gather(1, index) for x in part) for part in (self.hidden, self.cell))
        )


DIRECTIONS = {"both": (False, True), "forward": (False,), "backward": (True,)}
"""Which way the LSTMs of an encoder read, by the option's name: True is from the end."""


class LSTMEncoder(nn.Module):
    """One LSTM a direction and layer, the next layer reading all directions of the one below.

    directions: a name in DIRECTIONS; "backward" alone is the reversed source of Sutskever et al.
    (2014). Nothing is packed: the backward LSTM reads each sentence reversed by its own length, so
    that padding comes last in both directions and reaches no real state.
    """

    def __init__(
        self,
        *,
        input_size: int,
        hidden_size: int,
        num_layers: int,
        dropout: float,
        directions: str,
    ):
        super().__init__()
        reads_back = DIRECTIONS[one_of("encoder_directions", directions, DIRECTIONS)]
        self.direction_size = hidden_size // len(reads_back)
        sizes = [input_size] + [hidden_size] * (num_layers - 1)

        def lstms(of_sizes: list[int]) -> nn.ModuleList:
            return nn.ModuleList(lstm(size, self.direction_size) for size in of_sizes)

        self.forwards = lstms(sizes if False in reads_back else [])
        self.backwards = lstms(sizes if True in reads_back else [])
        self.num_layers = num_layers
        self.dropout = Dropout(dropout)

    def forward(self, embedded: Tensor, mask: Tensor) -> Encoded:
        """embedded (B, S, E), mask (B, S) -> Encoded with H = hidden_size."""
        last = mask.sum(dim=1, keepdim=True) - 1  # (B, 1)
        position = torch.arange(mask.shape[1], device=mask.device)
        reversal = torch.where(mask, last - position, position)  # (B, S), its own inverse
        states = embedded
        for layer in range(self.num_layers):
            if layer:
                states = self.dropout(states)
            read = []
            with _gradients_in(training=self.training):
                if self.forwards:
                    read.append(self.forwards[layer](states)[0])
                if self.backwards:
                    behind, _ = self.backwards[layer](_permute(states, reversal))
                    read.append(_permute(behind, reversal))
            states = torch.cat(read, dim=-1)
        ahead = self.direction_size if self.forwards else 0
        final = torch.cat([_permute(states, last)[:, 0, :ahead], states[:, 0, ahead:]], dim=-1)
        return Encoded(states, mask, final)


class LSTMDecoder(nn.Module):
    """A stack of LSTM cells; the first reads the embedded token and the context.

    The context is scored from the top layer's previous state and feeds both the recurrence and
    the readout (Bahdanau et al. 2015, A.1.2 and A.2.2).
    """

    def __init__(
        self,
        *,
        embed_size: int,
        hidden_size: int,
        num_layers: int,
        dropout: float,
        direction_size: int,
        context_source: ContextSource,
    ) -> None:
        super().__init__()
        self.context_source = context_source
        self.direction_size = direction_size
        self.bridge = nn.Linear(direction_size, 2 * num_layers * hidden_size)
        self.embedded_to_gates = nn.Linear(embed_size, 4 * hidden_size)
        self.cells = nn.ModuleList(
            RecurrentLinear(2 * hidden_size, 4 * hidden_size, bias=layer > 0)
            for layer in range(num_layers)
        )
        self.readout = nn.Linear(2 * hidden_size + embed_size, embed_size)
        self.dropout = Dropout(dropout)
        self.num_layers = num_layers
        for gates in (self.embedded_to_gates, *self.cells[1:]):
            nn.init.zeros_(gates.bias)
            nn.init.ones_(gates.bias[:hidden_size])  # the forget gate open (Jozefowicz 2015)

    def start(self, encoded: Encoded, beam_size: int) -> LSTMState:
        """Every layer's first state from the last state of the encoder's only direction, of two
        from the backward one's (ibid., A.2.2)."""
        assert encoded.final is not None
        backward = encoded.final[:, -self.direction_size :]
        states = self.bridge(backward).unsqueeze(1).expand(-1, beam_size, -1)
        hidden, cell = states.chunk(2, dim=-1)  # (B, K, L * H) each
        return LSTMState(
            torch.tanh(hidden).chunk(self.num_layers, dim=-1),
            cell.float().chunk(self.num_layers, dim=-1),
        )

    def advance(
        self, gates: Tensor, memory: LSTMMemory, state: LSTMState
    ) -> tuple[Tensor, Tensor, Tensor | None, LSTMState]:
        """One step for (B, K) hypotheses.

        gates: (B, K, 4H), the embedded token's part of the first layer's gates.
        Returns top hidden (B, K, H), context (B, K, H), weights (B, K, S) or None, new state.
        """
        hidden, cell = list(state.hidden), list(state.cell)
        context, weights = self.context_source(hidden[-1], memory.keys, memory.encoded)
        below = context
        for layer, to_gates in enumerate(self.cells):
            from_states = to_gates(torch.cat([below, hidden[layer].to(below.dtype)], dim=-1))
            total = gates + from_states if layer == 0 else from_states
            hidden[layer], cell[layer] = lstm_cell(total, cell[layer])
            below = self.dropout(hidden[layer]) if layer + 1 < self.num_layers else hidden[layer]
        return below, context, weights, LSTMState(tuple(hidden), tuple(cell))

    def read_out(self, hidden: Tensor, context: Tensor, embedded: Tensor) -> Tensor:
        """(..., H), (..., H), (..., E) -> features (..., E), as wide as the tied embedding."""
        everything = torch.cat([hidden, context.to(hidden.dtype), embedded.to(hidden.dtype)], -1)
        features: Tensor = self.dropout(torch.tanh(self.readout(everything)))
        return features


class LSTMSeq2Seq(Seq2SeqModel):
    """LSTM encoder, LSTM decoder, target embedding tied to the output.

    encoder_directions: "both", "forward" or "backward"; both share the hidden size.
    attention: a factory (query_size, key_size) -> ContextSource; FixedContext for none.
    share_embeddings: one table for source, target and output (joint vocabularies only).
    Dropout stands on non-recurrent connections (Zaremba et al. 2014).
    """

    def __init__(
        self,
        *,
        src_vocab_size: int,
        tgt_vocab_size: int,
        embed_size: int,
        hidden_size: int,
        num_layers: int,
        dropout: float,
        share_embeddings: bool,
        encoder_directions: str,
        attention: Callable[..., ContextSource],
    ) -> None:
        super().__init__()
        positive_int("embed_size", embed_size)
        positive_int("hidden_size", hidden_size)
        positive_int("num_layers", num_layers)
        probability("dropout", dropout)
        if encoder_directions == "both" and hidden_size % 2:
            raise OptionError(
                f"{field('hidden_size')} must be even (two directions share it), got {hidden_size}"
            )
        self.src_embedding, self.tgt_embedding = make_embeddings(
            src_vocab_size, tgt_vocab_size, embed_size, share=share_embeddings
        )
        self.dropout = Dropout(dropout)
        self.encoder = LSTMEncoder(
            input_size=embed_size,
            hidden_size=hidden_size,
            num_layers=num_layers,
            dropout=dropout,
            directions=encoder_directions,
        )
        self.decoder = LSTMDecoder(
            embed_size=embed_size,
            hidden_size=hidden_size,
            num_layers=num_layers,
            dropout=dropout,
            direction_size=self.encoder.direction_size,
            context_source=attention(query_size=hidden_size, key_size=hidden_size),
        )
        self.output = tied_output(self.tgt_embedding)

    def encode(self, src: Tensor) -> Encoded:
        encoded: Encoded = self.encoder(self._embed(self.src_embedding, src), source_mask(src))
        return encoded

    def decode(self, tgt_input: Tensor, encoded: Encoded) -> Tensor:
        return self._unroll(tgt_input, encoded)[0]

    def project(self, features: Tensor) -> Tensor:
        logits: Tensor = self.output(features)
        return logits

    def start(self, encoded: Encoded, beam_size: int) -> tuple[LSTMMemory, LSTMState]:
        keys = self.decoder.context_source.prepare(encoded)
        return LSTMMemory(keys, encoded), self.decoder.start(encoded, beam_size)

    def step(self, tokens: Tensor, memory: Memory, state: DecoderState) -> tuple[Tensor, LSTMState]:
        assert isinstance(memory, LSTMMemory) and isinstance(state, LSTMState)
        embedded = self._embed(self.tgt_embedding, tokens)
        gates = self.decoder.embedded_to_gates(embedded)
        hidden, context, _, state = self.decoder.advance(gates, memory, state)
        return self.project(self.decoder.read_out(hidden, context, embedded)), state

    def attend(self, tgt_input: Tensor, encoded: Encoded) -> Tensor:
        weights = self._unroll(tgt_input, encoded)[1]
        if weights is None:
            source = type(self.decoder.context_source).__name__
            raise NoAlignment(f"this model attends to nothing: its context is {source}")
        return weights[:, None, None]  # one layer, one head

    def _embed(self, table: nn.Embedding, ids: Tensor) -> Tensor:
        """Ids (...) -> (..., E), of variance 1, which a tied table itself must not have."""
        embedded: Tensor = self.dropout(table(ids) * math.sqrt(table.embedding_dim))
        return embedded

    def _unroll(self, tgt_input: Tensor, encoded: Encoded) -> tuple[Tensor, Tensor | None]:
        """Features (B, T, E) and weights (B, T, S) or None."""
        memory, state = self.start(encoded, beam_size=1)
        embedded = self._embed(self.tgt_embedding, tgt_input)
        steps = []
        with one_sequence(self.decoder):
            for gates in self.decoder.embedded_to_gates(embedded).split(1, dim=1):
                *step, state = self.decoder.advance(gates, memory, state)
                steps.append(step)
        hiddens, contexts, weights = zip(*steps, strict=True)
        features = self.decoder.read_out(torch.cat(hiddens, 1), torch.cat(contexts, 1), embedded)
        return features, None if weights[0] is None else torch.cat(weights, 1)


def lstm(input_size: int, hidden_size: int) -> nn.LSTM:
    """A one-layer LSTM whose forget gate starts open."""
    module = nn.LSTM(input_size, hidden_size, batch_first=True)
    with torch.no_grad():
        for name in ("bias_ih_l0", "bias_hh_l0"):
            module.get_parameter(name).zero_()
        module.get_parameter("bias_ih_l0")[hidden_size : 2 * hidden_size] = 1.0  # i, f, g, o
    return module


def _gradients_in(*, training: bool) -> AbstractContextManager[object]:
    """cuDNN computes the gradients of an LSTM in training mode only; without it, torch does."""
    if training or not torch.is_grad_enabled():
        return nullcontext()
    return cudnn.flags(enabled=False)


def _permute(states: Tensor, order: Tensor) -> Tensor:
    """states (B, S, H) read at positions order (B, S')."""
    return states.gather(1, order.unsqueeze(-1).expand(-1, -1, states.shape[-1]))


def lstm_cell(gates: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    """gates (..., 4H) in the order f, i, o, g; cell (..., H) in fp32 -> new hidden, new cell.

    Hochreiter and Schmidhuber (1997) with forget gates (Gers et al. 2000). The cell stays fp32
    under autocast: it sums over time.
    """
    apply = cast(Callable[..., tuple[Tensor, Tensor]], _LSTMCell.apply)
    return apply(gates, cell)


class _LSTMCell(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, gates: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
        size = cell.shape[-1]
        active = torch.empty_like(gates)
        torch.sigmoid(gates[..., : 3 * size], out=active[..., : 3 * size])
        torch.tanh(gates[..., 3 * size :], out=active[..., 3 * size :])
        forget, update, output, candidate = active.chunk(4, dim=-1)
        new_cell = torch.addcmul(forget * cell, update, candidate)
        squashed = new_cell.tanh().to(gates.dtype)
        ctx.save_for_backward(active, cell, squashed)
        return output * squashed, new_cell

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, to_hidden: Tensor, to_cell: Tensor) -> tuple[Tensor, Tensor]:
        active, cell, squashed = ctx.saved_tensors
        forget, update, output, candidate = active.chunk(4, dim=-1)
        through = (to_hidden * output) * (1 - squashed.square())
        into = torch.add(to_cell, through)  # gradient of the new cell, fp32
        gradient = torch.empty_like(active)
        to_forget, to_update, to_output, to_candidate = gradient.chunk(4, dim=-1)
        to_forget.copy_(into * cell * forget * (1 - forget))
        to_update.copy_(into * candidate * update * (1 - update))
        to_output.copy_(to_hidden * squashed * output * (1 - output))
        to_candidate.copy_(into * update * (1 - candidate.square()))
        return gradient, into * forget
