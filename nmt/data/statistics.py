"""What the lines of the training text are like: how long, of how many sentences, how they begin.

A translator compares the lines that it gets with these. They are counted while the text is
encoded, in memory that does not grow with it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from nmt.checks import positive_int
from nmt.plain_files import typed
from nmt.text.sentences import split_sentences

NEARLY_ALL = 0.99
OUTSIDE = 0.001  # share of the lines below, and above, the plausible ratios of lengths
LINES_OF_A_RANGE = 5000
SLACK = 2  # tokens by which a translation of any length may be shorter or longer
COUNTED_LINES = 100_000  # sentences are counted in this many lines, or in up to twice as many
MOST_PREFIXES = 100


@dataclass(frozen=True)
class Quantiles:
    """Half of the lines have at most ``half``, and so on."""

    half: int
    p90: int
    p99: int
    most: int


@dataclass(frozen=True)
class LengthRange:
    """The lines with up to ``longest`` source tokens, and more than the range before has.

    shortest_ratio, longest_ratio: of target to source tokens; all but one of 1,000 lines have more,
        and all but one less.
    """

    longest: int
    lines: int
    shortest_ratio: float
    longest_ratio: float

    def __post_init__(self) -> None:
        positive_int("lines", self.lines)


@dataclass(frozen=True)
class TextStatistics:
    """The training lines, which are cleaned and encoded.

    sentences: of a source. source_tokens: without EOS.
    ranges: from short sources to long ones, each of thousands of lines if there are so many.
    source_prefixes: such as "<2es>": every source begins with one of them; () if not.
    """

    lines: int
    sentences: Quantiles
    source_tokens: Quantiles
    ranges: tuple[LengthRange, ...]
    source_prefixes: tuple[str, ...] = ()

    @property
    def most_sentences(self) -> int:
        """The number of sentences that nearly all sources have at most."""
        return max(1, self.sentences.p99)

    @property
    def usual_tokens(self) -> int:
        """The number of tokens that nearly all sources have at most."""
        return max(1, self.source_tokens.p99)

    def plausible(self, src_tokens: int, tgt_tokens: int) -> bool:
        """Whether translations in training were as long for such a source, both without EOS.

        The fewer lines are known, the wider the bounds: by a tenth where there are 10,000, and
        twice as wide where there are 100.
        """
        if not self.ranges or not src_tokens:
            return True
        known = next((one for one in self.ranges if src_tokens <= one.longest), self.ranges[-1])
        wider = 1 + 10 / known.lines**0.5
        shortest = src_tokens * known.shortest_ratio / wider - SLACK
        longest = src_tokens * known.longest_ratio * wider + SLACK
        is_nothing = tgt_tokens == 0 and known.shortest_ratio > 0
        return not is_nothing and shortest <= tgt_tokens <= longest

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self) | {"source_prefixes": list(self.source_prefixes)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The statistics that ``as_dict`` gave. Raises ValueError for anything else."""
        made: Self = typed(cls, values, "text")
        return made


_MOST_SENTENCES, _MOST_TOKENS = 1000, 2**16  # counted exactly; what has more counts as this many
_STEPS = 64  # ratios of lengths are told apart by a 64th of a doubling
_RATIOS = 2 * 12 * _STEPS + 2  # from 2^-12 to 2^12; number 0: no target token
_EDGES = np.unique(np.round(2 ** np.arange(0, 16.5, 0.5)).astype(np.int64))
_TAG = re.compile(r"<[^<>\s]{1,30}>|>>[^<>\s]{1,30}<<|__\w{1,30}__|\[[^\[\]\s]{1,30}\]")


class TextCounter:
    """Counts lines, some thousands at a time, for their ``TextStatistics``.

    The result depends on the text and its ids alone. language: of the sources; "" for unknown.
    lines: how many there will be. Sentences are counted in every line of up to 200,000; of more,
    in every second, every third and so on.
    """

    def __init__(self, language: str, lines: int) -> None:
        self._language = language
        self._step = max(1, lines // COUNTED_LINES)
        self._seen = 0
        self._sentences = np.zeros(_MOST_SENTENCES + 1, dtype=np.int64)
        self._tokens = np.zeros(_MOST_TOKENS + 1, dtype=np.int64)
        self._ratios = np.zeros((len(_EDGES) + 1, _RATIOS), dtype=np.int64)
        self._most_sentences = self._most_tokens = 0
        self._prefixes: set[str] | None = set()

    def add(
        self, sources: Sequence[str], src_ids: Sequence[Sequence[int]], tgt_ids: Sequence[Any]
    ) -> None:
        """Counts the next lines. The ids are without EOS."""
        counted = sources[-self._seen % self._step :: self._step]
        sentences = [len(split_sentences(line, self._language)) for line in counted]
        self._most_sentences = max(self._most_sentences, *sentences, 0)
        np.add.at(self._sentences, np.minimum(sentences, _MOST_SENTENCES).astype(np.int64), 1)
        self._count_lengths(
            np.fromiter(map(len, src_ids), np.int64), np.fromiter(map(len, tgt_ids), np.int64)
        )
        self._count_prefixes(sources)
        self._seen += len(sources)

    def _count_lengths(self, src: NDArray[np.int64], tgt: NDArray[np.int64]) -> None:
        self._most_tokens = max(self._most_tokens, int(src.max(initial=0)))
        np.add.at(self._tokens, np.minimum(src, _MOST_TOKENS), 1)
        src, tgt = src[src > 0], tgt[src > 0]
        doublings = np.log2(np.maximum(tgt, 1) / src)
        number = np.clip(np.rint(doublings * _STEPS) + _RATIOS // 2, 1, _RATIOS - 1)
        rows = np.searchsorted(_EDGES, src)  # the first edge that is not below
        np.add.at(self._ratios, (rows, np.where(tgt > 0, number, 0).astype(np.int64)), 1)

    def _count_prefixes(self, sources: Sequence[str]) -> None:
        if self._prefixes is None:
            return
        for line in sources:
            first = line.split(maxsplit=1)[:1]
            if not first or not _TAG.fullmatch(first[0]):
                self._prefixes = None
                return
            self._prefixes.add(first[0])
        if len(self._prefixes) > MOST_PREFIXES:
            self._prefixes = None

    def statistics(self) -> TextStatistics:
        """Of all lines that were counted."""
        return TextStatistics(
            lines=self._seen,
            sentences=_quantiles(self._sentences, self._most_sentences),
            source_tokens=_quantiles(self._tokens, self._most_tokens),
            ranges=tuple(self._ranges()),
            source_prefixes=tuple(sorted(self._prefixes or ())),
        )

    def _ranges(self) -> list[LengthRange]:
        """Neighbouring rows of ratios, put together until they hold enough lines."""
        ends: list[int] = []
        held = 0
        sizes = self._ratios.sum(axis=1).tolist()
        for row, size in enumerate(sizes):
            held += size
            if held >= LINES_OF_A_RANGE and sum(sizes[row + 1 :]) >= LINES_OF_A_RANGE:
                ends.append(row + 1)
                held = 0
        longest = [*_EDGES.tolist(), self._most_tokens]
        return [
            LengthRange(
                longest=min(longest[end - 1], self._most_tokens),
                lines=int(counts.sum()),
                shortest_ratio=_ratio(_place(counts, OUTSIDE)),
                longest_ratio=_ratio(_place(counts, 1 - OUTSIDE)),
            )
            for start, end in pairwise([0, *ends, len(sizes)])
            if (counts := self._ratios[start:end].sum(axis=0)).any()
        ]


def _quantiles(counts: NDArray[np.int64], most: int) -> Quantiles:
    half, p90, p99 = (min(_place(counts, share), most) for share in (0.5, 0.9, NEARLY_ALL))
    return Quantiles(half, p90, p99, most)


def _place(counts: NDArray[np.int64], share: float) -> int:
    """The smallest value that at least this share of all have at most; 0 where there are none."""
    sums = np.cumsum(counts)
    return int(np.searchsorted(sums, share * sums[-1])) if sums[-1] else 0


def _ratio(number: int) -> float:
    return round(2 ** ((number - _RATIOS // 2) / _STEPS), 4) if number else 0.0
