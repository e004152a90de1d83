"""Source text in place of bytes that form no characters.

A character that the vocabulary lacks is spelt in bytes, and a model that has rarely seen it may
spell bytes that are no text. What it meant is most likely what the source spells in bytes too.

Dims: T target tokens, S source tokens.
"""

from collections.abc import Sequence

from torch import Tensor

from nmt.translator.spelling import byte_runs, is_text


def needs_copying(ids: Sequence[int]) -> bool:
    """Whether some run of bytes in these target ids is no text."""
    return any(not is_text(ids[run]) for run in byte_runs(ids))


def copied(
    ids: Sequence[int], source: Sequence[int], weights: Tensor | None
) -> tuple[list[int], list[int]]:
    """The target ids with each run of bytes that is no text replaced by one of the source's.

    weights: (T, S) attention, by which the source's run is the one most attended to. Without it,
        the first run of bytes in the target has the source's first, the second the second, and
        so on; a run that has no counterpart stays. Bytes have the same ids on both sides.

    Also gives, for each new token, the old token in whose place it stands.
    """
    new, places, done = [], [], 0
    candidates = byte_runs(source)
    for number, run in enumerate(byte_runs(ids)):
        chosen = _chosen(run, number, candidates, weights)
        if chosen is None or is_text(ids[run]):
            continue
        new += [*ids[done : run.start], *source[chosen]]
        places += [*range(done, run.start), *[run.start] * (chosen.stop - chosen.start)]
        done = run.stop
    return [*new, *ids[done:]], [*places, *range(done, len(ids))]


def _chosen(
    run: slice, number: int, candidates: Sequence[slice], weights: Tensor | None
) -> slice | None:
    if weights is None:
        return candidates[number] if number < len(candidates) else None
    return max(candidates, key=lambda span: float(weights[run, span].sum()), default=None)
