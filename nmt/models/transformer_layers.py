"""What a transformer is stacked from (Vaswani et al. 2017), pre-norm (Xiong et al. 2020).

Dims: B sentences, K hypotheses a sentence, S source tokens, T target tokens, D model width,
N heads, W = D / N head width.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from nmt.models.dropout import Dropout


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
