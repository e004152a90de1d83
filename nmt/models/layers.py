"""What the architectures are built from: dropout, embeddings, and the layers of a transformer.

Dims: B sentences, K hypotheses a sentence, S source tokens, T target tokens, E embedding, V
vocabulary, D model width, N heads, W = D / N head width.
"""

import math
from collections.abc import Callable
from contextlib import nullcontext
from functools import lru_cache
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from nmt.checks import OptionError, field
from nmt.models.kv_cache import KeyValueCache
from nmt.tokenizer import PAD


class Dropout(nn.Module):
    """Zeroes elements with probability ``rate`` and scales the rest (Srivastava et al. 2014).

    On a CPU one random 64-bit number serves eight elements, as torch's own mask takes longer than
    the matrix products around it. The rate is then the nearest multiple of 1/256, and the scale
    fits it. Rates that this changes by more than 2 % of what is dropped, or of what is kept, are
    left to torch.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.rate == 0.0:
            return x
        dropped = round(self.rate * 256)
        close = abs(dropped / 256 - self.rate) <= 0.02 * min(self.rate, 1 - self.rate)
        if x.device.type != "cpu" or not close:
            return F.dropout(x, self.rate)
        words = torch.empty((x.numel() + 7) // 8, dtype=torch.int64).random_(-(2**63), None)
        levels = words.view(torch.uint8)[: x.numel()].view(x.shape)
        apply = cast(Callable[..., Tensor], _Dropout.apply)
        return apply(x, levels, dropped)

    def extra_repr(self) -> str:
        return f"rate={self.rate}"


class _Dropout(torch.autograd.Function):
    """Drops where a random byte is below a bound; saves the bytes, a quarter of a mask's size."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, levels: Tensor, dropped: int) -> Tensor:
        ctx.save_for_backward(levels)
        ctx.dropped = dropped
        return x * _mask(levels, dropped, x.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (levels,) = ctx.saved_tensors
        return gradient * _mask(levels, ctx.dropped, gradient.dtype), None, None


def _mask(levels: Tensor, dropped: int, dtype: torch.dtype) -> Tensor:
    """0 where a level is below ``dropped``, else the scale; comparing would take twice as long."""
    return levels.to(dtype).sub_(dropped - 1).clamp_(0, 1).mul_(256 / (256 - dropped))


def make_embeddings(
    src_vocab_size: int, tgt_vocab_size: int, size: int, *, share: bool
) -> tuple[nn.Embedding, nn.Embedding]:
    """Source and target tables (V, size), one and the same where ``share``.

    Normal with variance 1/size, so that a tied output starts with logits of order one (Press and
    Wolf 2017 tie; Vaswani et al. 2017, section 3.4, share all three).
    """
    if share and src_vocab_size != tgt_vocab_size:
        raise OptionError(
            f"{field('share_embeddings')}=true needs one vocabulary for both languages, got "
            f"{src_vocab_size} and {tgt_vocab_size} pieces: learn a joint one, or set it to "
            f"false"
        )
    tgt = _embedding(tgt_vocab_size, size)
    return (tgt if share else _embedding(src_vocab_size, size)), tgt


def tied_output(embedding: nn.Embedding) -> nn.Linear:
    """Features (..., E) -> logits (..., V) by the rows of the table (Press and Wolf 2017)."""
    tokens, size = embedding.weight.shape
    output = nn.Linear(size, tokens, bias=False, device="meta")  # draws no random numbers
    output.weight = embedding.weight
    return output


def source_mask(src: Tensor) -> Tensor:
    """(B, S) ids -> (B, S), True = real token."""
    return src != PAD


def _embedding(vocab_size: int, size: int) -> nn.Embedding:
    table = nn.Embedding(vocab_size, size)
    nn.init.normal_(table.weight, std=size**-0.5)
    return table


POSITIONS = 256  # computed at once


class FeedForward(nn.Sequential):
    """max(0, x W1 + b1) W2 + b2: Vaswani et al. (2017), eq. 2."""

    def __init__(self, *, size: int, ff_size: int) -> None:
        super().__init__(nn.Linear(size, ff_size), nn.ReLU(inplace=True), nn.Linear(ff_size, size))


class SelfAttention(nn.Module):
    """Multi-head attention of a sequence to itself (ibid., section 3.2), q, k and v at once."""

    def __init__(self, *, size: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(size, 3 * size)
        self.out = nn.Linear(size, size)

    def forward(self, x: Tensor, mask: Tensor | None, *, causal: bool = False) -> Tensor:
        """x (B, T, D), mask (B, 1, 1, T) True = attend -> (B, T, D)."""
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        result: Tensor = self.out(_attend(q, k, v, self.num_heads, mask, is_causal=causal))
        return result

    def step(self, x: Tensor, cache: KeyValueCache, layer: int) -> Tensor:
        """The next position of each hypothesis, x (B, K, D), to which the cache has advanced."""
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        keys, values = cache.write(layer, k, v)
        mask = cache.slot_mask.unsqueeze(1)
        result: Tensor = self.out(_attend(q, keys, values, self.num_heads, mask))
        return result


class CrossAttention(nn.Module):
    """Multi-head attention of the target to the source; keys and values once a sentence."""

    def __init__(self, *, size: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.q = nn.Linear(size, size)
        self.kv = nn.Linear(size, 2 * size)
        self.out = nn.Linear(size, size)

    def project_source(self, states: Tensor) -> Tensor:
        """(B, S, D) -> keys and values side by side, (B, S, 2D)."""
        prepared: Tensor = self.kv(states)
        return prepared

    def forward(self, x: Tensor, prepared: Tensor, mask: Tensor) -> Tensor:
        """x (B, T, D), mask (B, 1, 1, S) True = attend -> (B, T, D)."""
        keys, values = prepared.chunk(2, dim=-1)
        result: Tensor = self.out(_attend(self.q(x), keys, values, self.num_heads, mask))
        return result

    def forward_with_weights(
        self, x: Tensor, prepared: Tensor, mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        """As forward, but written out (ibid., eq. 1) -> (B, T, D), weights (B, N, T, S)."""
        each = (self.q(x), *prepared.chunk(2, dim=-1))
        q, k, v = (_split_heads(part, self.num_heads) for part in each)
        scores = (q @ k.transpose(-1, -2)).float() / math.sqrt(q.shape[-1])
        weights = scores.masked_fill(~mask, -torch.inf).softmax(dim=-1)
        return self.out(_merge_heads(weights.to(v.dtype) @ v)), weights


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

    def forward(self, x: Tensor, source: Tensor, mask: Tensor) -> Tensor:
        """All target positions at once, x (B, T, D); source as the cross-attention prepares it."""
        x = x + self.dropout(self.attention(self.attention_norm(x), None, causal=True))
        x = x + self.dropout(self.cross_attention(self.cross_norm(x), source, mask))
        return self._feed(x)

    def forward_with_weights(
        self, x: Tensor, source: Tensor, mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        """As forward, with the cross-attention's weights (B, N, T, S)."""
        x = x + self.dropout(self.attention(self.attention_norm(x), None, causal=True))
        attended, weights = self.cross_attention.forward_with_weights(
            self.cross_norm(x), source, mask
        )
        return self._feed(x + self.dropout(attended)), weights

    def step(
        self, x: Tensor, source: Tensor, mask: Tensor, cache: KeyValueCache, layer: int
    ) -> Tensor:
        """One position of each hypothesis, x (B, K, D), as layer ``layer`` of the cache."""
        x = x + self.dropout(self.attention.step(self.attention_norm(x), cache, layer))
        # The K hypotheses are K queries on one memory.
        x = x + self.dropout(self.cross_attention(self.cross_norm(x), source, mask))
        return self._feed(x)

    def _feed(self, x: Tensor) -> Tensor:
        x = x + self.dropout(self.feed_forward(self.feed_forward_norm(x)))
        return x


def sinusoids(first: int, length: int, size: int, device: torch.device) -> Tensor:
    """Positions first .. first + length - 1, computed, so without a maximum -> (length, size).

    Vaswani et al. (2017), section 3.5, the sines in the first half and the cosines in the second.
    """
    if torch.compiler.is_exporting():  # a kept table would fix the length of what is exported
        return _waves(torch.arange(first, first + length, device=device), size)
    blocks = range(first // POSITIONS, (first + length - 1) // POSITIONS + 1)
    tables = [_sinusoids(block, size, device) for block in blocks]
    every = tables[0] if len(tables) == 1 else torch.cat(tables)
    start = first - blocks.start * POSITIONS
    return every[start : start + length]


@lru_cache(maxsize=64)
@torch.inference_mode(False)
def _sinusoids(block: int, size: int, device: torch.device) -> Tensor:
    """Positions block * POSITIONS and on, (POSITIONS, size); a step of search wants one of them."""
    start = block * POSITIONS
    return _waves(torch.arange(start, start + POSITIONS, device=device), size)


def _waves(positions: Tensor, size: int) -> Tensor:
    """Of positions (T,), (T, size)."""
    exponent = torch.arange(0, size, 2, device=positions.device, dtype=torch.float32) / size
    angles = positions.float().unsqueeze(1) * torch.pow(10_000.0, -exponent)
    return torch.cat([angles.sin(), angles.cos()], dim=1)


def _attend(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    num_heads: int,
    mask: Tensor | None,
    *,
    is_causal: bool = False,
) -> Tensor:
    """softmax(q k^T / sqrt(W)) v of each head (ibid., eq. 1), q (B, T, D), k and v (B, S, D).

    The CPU's flash kernel has a backward several times slower than written-out attention at the
    lengths of sentences, so training on a CPU takes the latter.
    """
    slow = q.device.type == "cpu" and torch.is_grad_enabled()
    q, k, v = (_split_heads(each, num_heads) for each in (q, k, v))
    with sdpa_kernel(SDPBackend.MATH) if slow else nullcontext():
        attended = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=is_causal)
    return _merge_heads(attended)


def _split_heads(x: Tensor, num_heads: int) -> Tensor:
    """(B, T, D) -> (B, N, T, W)."""
    return x.view(*x.shape[:-1], num_heads, -1).transpose(1, 2)


def _merge_heads(x: Tensor) -> Tensor:
    """(B, N, T, W) -> (B, T, D)."""
    return x.transpose(1, 2).flatten(2)
