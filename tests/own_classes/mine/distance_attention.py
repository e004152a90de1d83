"""An attention of one's own: the nearer a key is to the query, the more its token counts.

Dims: B sentences, K queries a sentence, S source tokens, Q query width, H key width.
"""

from torch import Tensor, nn

from nmt.models.attention import ScoredAttention
from nmt.models.interface import Encoded


class DistanceAttention(ScoredAttention):
    """score = -|q - W h|^2 / Q; W h once a sentence."""

    def __init__(self, *, query_size: int, key_size: int) -> None:
        super().__init__()
        self.key = nn.Linear(key_size, query_size, bias=False)

    def prepare(self, encoded: Encoded) -> Tensor:
        keys: Tensor = self.key(encoded.states)
        return keys  # (B, S, Q)

    def score(self, query: Tensor, keys: Tensor) -> Tensor:
        differences = query.unsqueeze(2) - keys.unsqueeze(1)  # (B, K, S, Q)
        return -differences.square().mean(dim=-1)
