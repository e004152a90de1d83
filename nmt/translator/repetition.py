"""Translations that say the same thing over and over: what models do on odd input."""

from collections.abc import Sequence

LONGEST_BLOCK = 100  # tokens
LEAST_TIMES = 3
LEAST_TOKENS = 6


def repeats_itself(tokens: Sequence[int], source: Sequence[int]) -> bool:
    """Whether a block of tokens follows upon itself at least three times over six tokens or more,
    and over more than twice as many as any block of the source does."""
    return _longest_loop(tokens) > 2 * _longest_loop(source)


def _longest_loop(tokens: Sequence[int]) -> int:
    """Tokens in the longest stretch that is one block repeated; 0 below the least."""
    if len(tokens) - len(set(tokens)) < LEAST_TOKENS * (LEAST_TIMES - 1) // LEAST_TIMES:
        return 0  # most sentences: a loop says every token of its block three times
    longest = 0
    for size in range(1, min(LONGEST_BLOCK, len(tokens) // LEAST_TIMES) + 1):
        run = 0
        for earlier, later in zip(tokens, tokens[size:], strict=False):
            run = run + 1 if earlier == later else 0
            if run + size >= max(LEAST_TIMES * size, LEAST_TOKENS):
                longest = max(longest, run + size)
    return longest
