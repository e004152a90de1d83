"""Looks at the two sides of pairs for mistakes: a target that is its source, sides swapped."""

import logging
from collections.abc import Iterable, Iterator, Sequence

from nmt import checks
from nmt.data.stores import TextStore
from nmt.data.text_files import SentencePair

log = logging.getLogger(__name__)

WARNED_SHARE = 0.1  # of pairs whose target is their source

_SAMPLE = 500  # pairs that are looked at for swapped sides
_MARGIN = 0.1  # by which swapped sides must fit better: far more than any two samples differ


def is_copy(src: str, tgt: str) -> bool:
    """Whether the target is the source, but for white space around it."""
    return src.strip() == tgt.strip()


def check_copies(part: str, copies: int, pairs: int) -> None:
    """Warns where a model would learn to copy, or be measured by copying. Raises OptionError where
    the target is the source in all pairs.

    part: its option. copies: how many of the ``pairs`` have a target that is their source.
    """
    if copies == pairs > 0:
        raise checks.OptionError(
            f"{checks.field(part)}: in every pair the target is the source, as if one text had "
            f"been given for both sides: name the translations as the target"
        )
    if copies > WARNED_SHARE * pairs:
        learns = "the model learns to copy; the cleaning option max_copy_share drops such pairs"
        log.warning(
            "%s: in %s of %s pairs (%.0f %%) the target is the source: %s",
            part,
            f"{copies:,}",
            f"{pairs:,}",
            100 * copies / pairs,
            learns if part == "train" else "a model that copies scores well on them",
        )


def warn_of_swapped_sides(part: str, pairs: Sequence[SentencePair], train: TextStore) -> None:
    """Warns where the sources of a part are in the language of the training targets, and its
    targets in that of the training sources.

    Measured by how many of the runs of three characters on either side of the part occur on either
    side of the training pairs, of 500 pairs each. Two sides in one language fit both ways alike.
    """
    learnt = [set(_runs(side)) for side in zip(*_spread(train), strict=True)]
    given = [list(_runs(side)) for side in zip(*_spread(pairs), strict=True)]

    def fit(side: int, other: int) -> float:
        return sum(run in learnt[other] for run in given[side]) / max(1, len(given[side]))

    if fit(0, 1) - fit(0, 0) > _MARGIN and fit(1, 0) - fit(1, 1) > _MARGIN:
        log.warning(
            "%s: the sources look like training targets, and the targets like training sources: "
            "are its sides swapped?",
            part,
        )


def _spread(pairs: TextStore | Sequence[SentencePair]) -> list[SentencePair]:
    """At most 500 of the pairs, at equal distances."""
    count = min(len(pairs), _SAMPLE)
    return [pairs[number * len(pairs) // count] for number in range(count)]


def _runs(lines: Iterable[str]) -> Iterator[str]:
    """Every three characters in a row, in lower case; a word's beginning and end are among them."""
    for line in lines:
        text = f" {line.lower()} "
        yield from (text[start : start + 3] for start in range(len(text) - 2))
