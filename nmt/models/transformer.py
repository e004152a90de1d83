"""Transformer encoder-decoder (Vaswani et al. 2017), pre-norm (Xiong et al. 2020).

Dims: B sentences, K hypotheses a sentence, S source tokens, T target tokens, V target vocabulary,
D model width, N heads, W = D / N head width, L layers.
"""

import math
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from nmt.checks import OptionError, field, positive_int, probability
from nmt.models.interface import DecoderState, Encoded, Memory, PerSentence, Seq2SeqModel
from nmt.models.kv_cache import KeyValueCache
from nmt.models.layers import (
    DecoderLayer,
    Dropout,
    EncoderLayer,
    make_embeddings,
    sinusoids,
    source_mask,
    tied_output,
)


@dataclass(frozen=True)
class TransformerMemory(PerSentence):
    """The source as each layer's cross-attention prepares it, (B, S, 2D), and mask (B, 1, 1, S)."""

    layers: tuple[Tensor, ...]
    mask: Tensor


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
        positive_int("hidden_size", hidden_size)
        positive_int("num_heads", num_heads)
        positive_int("ff_size", ff_size)
        positive_int("num_layers", num_layers)
        probability("dropout", dropout)
        if hidden_size % num_heads or hidden_size % 2:
            raise OptionError(
                f"{field('hidden_size')} must be even and a multiple of {field('num_heads')}, "
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
        self.output = tied_output(self.tgt_embedding)

    def encode(self, src: Tensor) -> Encoded:
        mask = source_mask(src)
        x = self._embed(self.src_embedding, src, first=0)
        for layer in self.encoder_layers:
            x = layer(x, mask[:, None, None])
        return Encoded(self.encoder_norm(x), mask)

    def decode(self, tgt_input: Tensor, encoded: Encoded) -> Tensor:
        x = self._embed(self.tgt_embedding, tgt_input, first=0)
        for layer in self._layers():
            source = layer.cross_attention.project_source(encoded.states)
            x = layer(x, source, encoded.mask[:, None, None])
        features: Tensor = self.dropout(self.decoder_norm(x))
        return features

    def project(self, features: Tensor) -> Tensor:
        logits: Tensor = self.output(features)
        return logits

    def start(self, encoded: Encoded, beam_size: int) -> tuple[TransformerMemory, KeyValueCache]:
        layers = tuple(
            layer.cross_attention.project_source(encoded.states) for layer in self._layers()
        )
        return (
            TransformerMemory(layers, encoded.mask[:, None, None]),
            KeyValueCache.empty(encoded.states, len(layers), beam_size),
        )

    def step(
        self, tokens: Tensor, memory: Memory, state: DecoderState
    ) -> tuple[Tensor, KeyValueCache]:
        assert isinstance(memory, TransformerMemory) and isinstance(state, KeyValueCache)
        x = self._embed(self.tgt_embedding, tokens.unsqueeze(-1), first=state.length).squeeze(-2)
        cache = state.advanced()
        for i, layer in enumerate(self._layers()):
            x = layer.step(x, memory.layers[i], memory.mask, cache, i)
        return self.project(self.dropout(self.decoder_norm(x))), cache

    def attend(self, tgt_input: Tensor, encoded: Encoded) -> Tensor:
        x = self._embed(self.tgt_embedding, tgt_input, first=0)
        every = []
        for layer in self._layers():
            source = layer.cross_attention.project_source(encoded.states)
            x, weights = layer.forward_with_weights(x, source, encoded.mask[:, None, None])
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
