"""The edits of TER, equal to those of sacreBLEU, which takes minutes for long poor translations.

Dims: H words of the hypothesis, R words of the reference, C candidates.

TER (Snover et al., 2006) shifts phrases of the hypothesis while this brings it nearer to the
reference, and counts a shift as one edit. It tries up to a thousand shifts a sentence, each with an
edit distance of its own. Here NumPy computes these distances at once. The limits, the order of the
candidates and the band of the distance are those of Tercom as sacreBLEU has them.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_WORDS_SHIFTED = 10
LONGEST_SHIFT = 50
MOST_CANDIDATES = 1000
BAND = 25

Ints = NDArray[Any]


def edits_and_length(hypothesis: Sequence[str], reference: Sequence[str]) -> tuple[int, int]:
    """The edits that make the reference of the hypothesis, and the length of the reference."""
    if not reference:
        return len(hypothesis), 0
    if list(hypothesis) == list(reference):
        return 0, len(reference)
    numbers = {word: number for number, word in enumerate({*hypothesis, *reference})}
    words = np.array([numbers[word] for word in hypothesis], np.int32)
    distance = _Distance(np.array([numbers[word] for word in reference], np.int32), len(words))
    rows = distance.rows(words)
    shifts, tried = 0, 0
    while True:
        shift, tried = _best_shift(words, distance, rows, tried)
        if tried >= MOST_CANDIDATES or shift is None:
            break
        shifts += 1
        same = int(np.argmax(words != shift))  # words that both begin with
        words = shift
        rows = distance.rows(words, rows[: same + 1])
    return shifts + distance.last(rows), len(reference)


class _Distance:
    """The edit distance from hypotheses of H words to one reference, within a band around the
    diagonal.

    Row h holds the distances from the first h words to the first r words of the reference, for r
    within the band of h; other distances are taken as infinite.
    """

    def __init__(self, reference: Ints, length: int) -> None:
        """length: H."""
        self.reference = reference
        size = len(reference)
        self._dtype = np.int16 if length + size < 8000 else np.int32
        self._infinite = self._dtype(16_000 if self._dtype is np.int16 else 2**29)
        ratio = size / length if length else 1.0
        width = math.ceil(ratio / 2 + BAND) if ratio / 2 > BAND else BAND
        middles = [math.floor(h * ratio) for h in range(length + 1)]
        self.low = [0, *(max(0, middle - width) for middle in middles[1:])]
        self.high = [size + 1, *(min(size + 1, middle + width) for middle in middles[1:])]
        self.high[-1] = size + 1
        self._counting: Ints = np.arange(size + 1, dtype=self._dtype)[:, None]

    def rows(self, words: Ints, known: Sequence[Ints] = ()) -> list[Ints]:
        """Every row of the distance from one hypothesis. known: its first rows."""
        found = [row[:, None] for row in known] or [self._counting]
        for h in range(len(found), len(words) + 1):
            found.append(self._next(h, found[-1], words[h - 1 : h]))
        return [row[:, 0] for row in found]

    def at(self, rows: Sequence[Ints], h: int, r: int) -> int:
        """A distance, infinite outside of the band."""
        inside = self.low[h] <= r < self.high[h]
        return int(rows[h][r - self.low[h]] if inside else self._infinite)

    def last(self, rows: Sequence[Ints]) -> int:
        """The distance of the whole hypothesis."""
        return int(rows[-1][-1])

    def of_candidates(self, candidates: Ints, same: Ints, rows: Sequence[Ints]) -> Ints:
        """The distances (C,) of hypotheses (H, C) that have their first ``same`` words (C,), which
        do not fall, in common with the hypothesis of ``rows``."""
        length, count = candidates.shape
        begun = np.searchsorted(same, np.arange(length), side="right")
        row = np.empty((len(rows[0]), 0), self._dtype)
        for h in range(1, length + 1):
            active = int(begun[h - 1])
            if active > row.shape[1]:
                joining = np.repeat(rows[h - 1][:, None], active - row.shape[1], axis=1)
                row = np.concatenate([row, joining], axis=1) if row.shape[1] else joining
            if active:
                row = self._next(h, row, candidates[h - 1, :active])
            else:
                row = np.empty((self.high[h] - self.low[h], 0), self._dtype)
        assert row.shape[1] == count
        last: Ints = row[-1]
        return last

    def _next(self, h: int, row: Ints, words: Ints) -> Ints:
        """Row h from the row before it, (band, C), and word h of each hypothesis, (C,)."""
        low, high, before = self.low[h], self.high[h], self.low[h - 1]
        known = np.empty((high - low + 1, row.shape[1]), self._dtype)  # from low - 1 to high - 1
        first, end = max(before, low - 1), min(before + len(row), high)
        known[: first - low + 1] = self._infinite
        known[first - low + 1 : end - low + 1] = row[first - before : end - before]
        known[end - low + 1 :] = self._infinite
        new = known[1:] + self._dtype(1)
        start = max(low, 1)
        known[start - low : -1] += self.reference[start - 1 : high - 1, None] != words
        np.minimum(new, known[:-1], out=new)
        # An insertion adds one to the distance on its left, so each is the least of those there.
        steps: Any = self._counting[: high - low]
        new -= steps
        np.minimum.accumulate(new, axis=0, out=new)
        new += steps
        return new


@dataclass(frozen=True)
class _Alignment:
    """aligned: for each word of the reference the index of the hypothesis' word at its side, or of
    the one before it; -1 before the first. wrong_hypothesis, wrong_reference: how many words before
    each index do not match, (H + 1,) and (R + 1,)."""

    aligned: list[int]
    wrong_hypothesis: list[int]
    wrong_reference: list[int]


def _aligned(words: Ints, distance: _Distance, rows: Sequence[Ints]) -> _Alignment:
    """The cheapest edits; where several are, a match or substitution goes before a deletion."""
    h, r = len(words), len(distance.reference)
    aligned, wrong_h, wrong_r = [0] * r, [0] * h, [0] * r
    while h or r:
        here = distance.at(rows, h, r)
        cost = 1
        if h and r:
            cost = int(words[h - 1] != distance.reference[r - 1])
        if h and r and distance.at(rows, h - 1, r - 1) + cost == here:
            h, r = h - 1, r - 1
            aligned[r], wrong_h[h], wrong_r[r] = h, cost, cost
        elif h and distance.at(rows, h - 1, r) + 1 == here:
            h -= 1
            wrong_h[h] = 1
        else:
            r -= 1
            aligned[r], wrong_r[r] = h - 1, 1
    return _Alignment(aligned, [0, *np.cumsum(wrong_h)], [0, *np.cumsum(wrong_r)])


def _best_shift(
    words: Ints, distance: _Distance, rows: Sequence[Ints], tried: int
) -> tuple[Ints | None, int]:
    """The hypothesis after the shift that lowers the distance most, None if none does; and how many
    candidates were tried so far, these included."""
    alignment = _aligned(words, distance, rows)
    shifts: dict[tuple[int, int, int], None] = {}
    for start, start_r, length in _matches(words.tolist(), distance.reference.tolist()):
        wrong_h, wrong_r = alignment.wrong_hypothesis, alignment.wrong_reference
        aligned = alignment.aligned
        if (
            wrong_h[start + length] == wrong_h[start]
            or wrong_r[start_r + length] == wrong_r[start_r]
            or start <= aligned[start_r] < start + length
        ):
            continue
        last = -1
        for r in range(start_r - 1, min(start_r + length, len(aligned))):
            target = 0 if r == -1 else aligned[r] + 1
            if target != last:
                last = target
                shifts[start, length, target] = None
                tried += 1
        if tried >= MOST_CANDIDATES:
            break
    if not shifts or tried >= MOST_CANDIDATES:  # the shift that goes over the limit is not made
        return None, tried
    ordered = sorted(shifts, key=lambda shift: min(shift[0], shift[2]))
    candidates = np.stack([_shifted(words, *shift) for shift in ordered])
    same = np.array([min(start, target) for start, _, target in ordered])
    distances = distance.of_candidates(candidates.T.copy(), same, rows)
    gains = distance.last(rows) - distances.astype(int)
    best = max(
        range(len(ordered)),
        key=lambda c: (gains[c], ordered[c][1], -ordered[c][0], -ordered[c][2]),
    )
    return (candidates[best] if gains[best] > 0 else None), tried


def _matches(words: list[int], reference: list[int]) -> Iterator[tuple[int, int, int]]:
    """(start in the hypothesis, start in the reference, length) of every phrase in both."""
    places: dict[int, list[int]] = {}
    for r, word in enumerate(reference):
        places.setdefault(word, []).append(r)
    for h, word in enumerate(words):
        found = places.get(word, [])
        near = slice(bisect_left(found, h - LONGEST_SHIFT), bisect_right(found, h + LONGEST_SHIFT))
        for r in found[near]:
            most = min(MOST_WORDS_SHIFTED, len(words) - h, len(reference) - r)
            length = 1
            yield h, r, length
            while length < most and words[h + length] == reference[r + length]:
                length += 1
                yield h, r, length


def _shifted(words: Ints, start: int, length: int, target: int) -> Ints:
    """The words with a phrase moved to before index ``target``; where that lies in the phrase, as
    far to the right as it reaches into it."""
    end = start + length
    phrase = words[start:end]
    if target < start:
        parts = [words[:target], phrase, words[target:start], words[end:]]
    elif target > end:
        parts = [words[:start], words[end:target], phrase, words[target:]]
    else:
        parts = [words[:start], words[end : length + target], phrase, words[length + target :]]
    return np.concatenate(parts)
