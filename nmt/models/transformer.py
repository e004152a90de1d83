"""Transformer encoder-decoder (Vaswani et al. 2017), pre-norm (Xiong et al. 2020).

Dims: B sentences, K hypotheses a sentence, S source tokens, T target tokens, V target vocabulary,
D model width, N heads, W = D / N head width, L layers.
"""

import math
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from nmt.checks import positive_int, probability
from nmt.models.dropout import Dropout
from nmt.models.embedding import make_embeddings, source_mask
from nmt.models.interface import DecoderState, Encoded, Memory, Seq2SeqModel


@dataclass(frozen=True)
class TransformerMemory:
    """Cross-attention keys and values, (B, N, S, W) a layer, and attend-here mask (B, 1, 1, S)."""

    keys: tuple[Tensor, ...]
    values: tuple[Tensor, ...]
    mask: Tensor

    def select(self, sentences: Tensor) -> "TransformerMemory":
        return TransformerMemory(
            tuple(keys[sentences] for keys in self.keys),
            tuple(values[sentences] for values in self.values),
            self.mask[sentences],
        )


@dataclass(frozen=True)
class TransformerState:
    """Self-attention keys and values of the t tokens read, (B, K, N, t, W) a layer."""

    keys: tuple[Tensor, ...]
    values: tuple[Tensor, ...]

    def select(self, sentences: Tensor) -> "TransformerState":
        return TransformerState(
            tuple(keys[sentences] for keys in self.keys),
            tuple(values[sentences] for values in self.values),
        )

    def reorder(self, parents: Tensor) -> "TransformerState":
        rows = torch.arange(parents.shape[0], device=parents.device).unsqueeze(1)
        return TransformerState(
            tuple(keys[rows, parents] for keys in self.keys),
            tuple(values[rows, parents] for values in self.values),
        )


class FeedForward(nn.Sequential):
    """max(0, x W1 + b1) W2 + b2: Vaswani et al. (2017), eq. 2."""

    def __init__(self, *, size: int, ff_size: int) -> None:
        super().__init__(nn.Linear(size, ff_size), nn.ReLU(), nn.Linear(ff_size, size))


class SelfAttention(nn.Module):
    """Multi-head attention of a sequence to itself (ibid., section 3.2), q, k and v at once."""

    def __init__(self, *, size: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(size, 3 * size)
        self.out = nn.Linear(size, size)

    def project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, T, D) -> queries, keys and values, (B, N, T, W) each."""
        q, k, v = (_split_heads(part, self.num_heads) for part in self.qkv(x).chunk(3, dim=-1))
        return q, k, v

    def forward(self, x: Tensor, mask: Tensor | None, *, causal: bool = False) -> Tensor:
        """x (B, T, D), mask (B, 1, 1, T) True = attend -> (B, T, D)."""
        q, k, v = self.project(x)
        attended = _attend(q, k, v, mask, is_causal=causal)
        result: Tensor = self.out(_merge_heads(attended))
        return result


class CrossAttention(nn.Module):
    """Multi-head attention of the target to the source; keys and values once a sentence."""

    def __init__(self, *, size: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.q = nn.Linear(size, size)
        self.kv = nn.Linear(size, 2 * size)
        self.out = nn.Linear(size, size)

    def prepare(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """(B, S, D) -> keys and values, (B, N, S, W) each."""
        keys, values = self.kv(states).chunk(2, dim=-1)
        return _split_heads(keys, self.num_heads), _split_heads(values, self.num_heads)

    def forward(self, x: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
        """x (B, T, D) -> (B, T, D)."""
        q = _split_heads(self.q(x), self.num_heads)
        attended = _attend(q, keys, values, mask)
        result: Tensor = self.out(_merge_heads(attended))
        return result

    def weigh(self, x: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """What forward does, written out (ibid., eq. 1) -> (B, T, D), weights (B, N, T, S)."""
        q = _split_heads(self.q(x), self.num_heads)
        scores = (q @ keys.transpose(-1, -2)).float() / math.sqrt(q.shape[-1])
        weights = scores.masked_fill(~mask, -torch.inf).softmax(dim=-1)
        return self.out(_merge_heads(weights.to(values.dtype) @ values)), weights


class EncoderLayer(nn.Module):
    def __init__(self, *, size: int, num_heads: int, ff_size: int, dropout: float) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(size)
        self.feed_forward_norm = nn.LayerNorm(size)
        self.attention = SelfAttention(size=size, num_heads=num_heads)
        self.feed_forward = FeedForward(size=size, ff_size=ff_size)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = x + self.dropout(self.attention(self.attention_norm(x), mask))
        x = x + self.dropout(self.feed_forward(self.feed_forward_norm(x)))
        return x


class DecoderLayer(nn.Module):
    """Self-attention, cross-attention, feed-forward, each behind its norm and a residual."""

    def __init__(self, *, size: int, num_heads: int, ff_size: int, dropout: float) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(size)
        self.cross_norm = nn.LayerNorm(size)
        self.feed_forward_norm = nn.LayerNorm(size)
        self.attention = SelfAttention(size=size, num_heads=num_heads)
        self.cross_attention = CrossAttention(size=size, num_heads=num_heads)
        self.feed_forward = FeedForward(size=size, ff_size=ff_size)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
        """All target positions at once, x (B, T, D)."""
        x = x + self.dropout(self.attention(self.attention_norm(x), None, causal=True))
        x = x + self.dropout(self.cross_attention(self.cross_norm(x), keys, values, mask))
        return self._feed(x)

    def weigh(self, x: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """What forward does, and the cross-attention's weights (B, N, T, S)."""
        x = x + self.dropout(self.attention(self.attention_norm(x), None, causal=True))
        attended, weights = self.cross_attention.weigh(self.cross_norm(x), keys, values, mask)
        return self._feed(x + self.dropout(attended)), weights

    def step(
        self, x: Tensor, memory: tuple[Tensor, Tensor, Tensor], past: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """One position, x (B, K, D); memory: keys, values, mask; past: (B, K, N, t, W) each.

        Returns x and the past's keys and values, one longer.
        """
        q, k, v = self.attention.project(self.attention_norm(x).flatten(0, 1).unsqueeze(1))
        keys = torch.cat([past[0], k.view(*x.shape[:2], *k.shape[1:])], dim=3)
        values = torch.cat([past[1], v.view(*x.shape[:2], *v.shape[1:])], dim=3)
        attended = _attend(q, keys.flatten(0, 1), values.flatten(0, 1))
        x = x + self.dropout(self.attention.out(_merge_heads(attended))).view_as(x)
        # The K hypotheses are K queries on one memory.
        x = x + self.dropout(self.cross_attention(self.cross_norm(x), *memory))
        return self._feed(x), keys, values

    def _feed(self, x: Tensor) -> Tensor:
        x = x + self.dropout(self.feed_forward(self.feed_forward_norm(x)))
        return x


class TransformerSeq2Seq(Seq2SeqModel):
    """Pre-norm encoder-decoder, target embedding tied to the output.

    share_embeddings: one table for source, target and output (joint vocabularies only).
    Dropout stands on embeddings and on every sub-layer's output (Vaswani et al. 2017, section 5.4).
    """

    def __init__(
        self,
        *,
        src_vocab_size: int,
        tgt_vocab_size: int,
        hidden_size: int,
        num_heads: int,
        ff_size: int,
        num_layers: int,
        dropout: float,
        share_embeddings: bool,
    ) -> None:
        super().__init__()
        positive_int("model.hidden_size", hidden_size)
        positive_int("model.num_heads", num_heads)
        positive_int("model.ff_size", ff_size)
        positive_int("model.num_layers", num_layers)
        probability("model.dropout", dropout)
        if hidden_size % num_heads or hidden_size % 2:
            raise ValueError(
                f"model.hidden_size must be even and a multiple of model.num_heads, "
                f"got {hidden_size} and {num_heads}"
            )
        self.hidden_size, self.num_heads = hidden_size, num_heads
        self.src_embedding, self.tgt_embedding = make_embeddings(
            src_vocab_size, tgt_vocab_size, hidden_size, share=share_embeddings
        )
        sizes = {"size": hidden_size, "num_heads": num_heads, "ff_size": ff_size}
        self.encoder_layers = nn.ModuleList(
            EncoderLayer(**sizes, dropout=dropout) for _ in range(num_layers)
        )
        self.decoder_layers = nn.ModuleList(
            DecoderLayer(**sizes, dropout=dropout) for _ in range(num_layers)
        )
        self.encoder_norm = nn.LayerNorm(hidden_size)
        self.decoder_norm = nn.LayerNorm(hidden_size)
        self.dropout = Dropout(dropout)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)

    def encode(self, src: Tensor) -> Encoded:
        mask = source_mask(src)
        x = self._embed(self.src_embedding, src, first=0)
        for layer in self.encoder_layers:
            x = layer(x, mask[:, None, None])
        return Encoded(self.encoder_norm(x), mask)

    def decode(self, tgt_input: Tensor, encoded: Encoded) -> Tensor:
        x = self._embed(self.tgt_embedding, tgt_input, first=0)
        for layer in self._layers():
            keys, values = layer.cross_attention.prepare(encoded.states)
            x = layer(x, keys, values, encoded.mask[:, None, None])
        features: Tensor = self.dropout(self.decoder_norm(x))
        return features

    def project(self, features: Tensor) -> Tensor:
        return F.linear(features, self.tgt_embedding.weight)

    def start(self, encoded: Encoded, beam_size: int) -> tuple[TransformerMemory, TransformerState]:
        prepared = [layer.cross_attention.prepare(encoded.states) for layer in self._layers()]
        keys, values = zip(*prepared, strict=True)
        width = self.hidden_size // self.num_heads
        batch_size = encoded.states.shape[0]
        nothing = encoded.states.new_empty(batch_size, beam_size, self.num_heads, 0, width)
        past = (nothing,) * len(prepared)
        return (
            TransformerMemory(keys, values, encoded.mask[:, None, None]),
            TransformerState(past, past),
        )

    def step(
        self, tokens: Tensor, memory: Memory, state: DecoderState
    ) -> tuple[Tensor, TransformerState]:
        assert isinstance(memory, TransformerMemory) and isinstance(state, TransformerState)
        x = self._embed(self.tgt_embedding, tokens.unsqueeze(-1), first=state.keys[0].shape[3])
        x = x.squeeze(-2)
        past_keys, past_values = [], []
        for i, layer in enumerate(self._layers()):
            x, keys, values = layer.step(
                x,
                (memory.keys[i], memory.values[i], memory.mask),
                (state.keys[i], state.values[i]),
            )
            past_keys.append(keys)
            past_values.append(values)
        features = self.dropout(self.decoder_norm(x))
        return self.project(features), TransformerState(tuple(past_keys), tuple(past_values))

    def attend(self, tgt_input: Tensor, encoded: Encoded) -> Tensor:
        x = self._embed(self.tgt_embedding, tgt_input, first=0)
        every = []
        for layer in self._layers():
            keys, values = layer.cross_attention.prepare(encoded.states)
            x, weights = layer.weigh(x, keys, values, encoded.mask[:, None, None])
            every.append(weights)
        return torch.stack(every, dim=1)  # (B, L, N, T, S)

    def _layers(self) -> list[DecoderLayer]:
        """The decoder's, with the type that a ModuleList forgets."""
        return cast(list[DecoderLayer], list(self.decoder_layers))

    def _embed(self, table: nn.Embedding, ids: Tensor, *, first: int) -> Tensor:
        """Ids (..., T) at positions first, first + 1, ... -> (..., T, D)."""
        positions = sinusoids(first, ids.shape[-1], self.hidden_size, ids.device)
        embedded: Tensor = self.dropout(table(ids) * math.sqrt(self.hidden_size) + positions)
        return embedded


def sinusoids(first: int, length: int, size: int, device: torch.device) -> Tensor:
    """Positions first .. first + length - 1, computed, so without a maximum -> (length, size).

    Vaswani et al. (2017), section 3.5, the sines in the first half and the cosines in the second.
    """
    position = torch.arange(first, first + length, device=device, dtype=torch.float32)
    exponent = torch.arange(0, size, 2, device=device, dtype=torch.float32) / size
    angles = position.unsqueeze(1) * torch.pow(10_000.0, -exponent)
    return torch.cat([angles.sin(), angles.cos()], dim=1)


def _attend(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, *, is_causal: bool = False
) -> Tensor:
    """softmax(q k^T / sqrt(W)) v (ibid., eq. 1); mask: True = attend.

    The CPU's flash kernel has a backward several times slower than written-out attention at the
    lengths of sentences, so training on a CPU takes the latter.
    """
    backends = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
    if q.device.type == "cpu" and torch.is_grad_enabled():
        backends = [SDPBackend.MATH]
    with sdpa_kernel(backends):
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=is_causal)


def _split_heads(x: Tensor, num_heads: int) -> Tensor:
    """(B, T, D) -> (B, N, T, W)."""
    return x.view(*x.shape[:-1], num_heads, -1).transpose(1, 2)


def _merge_heads(x: Tensor) -> Tensor:
    """(B, N, T, W) -> (B, T, D)."""
    return x.transpose(1, 2).flatten(2)
