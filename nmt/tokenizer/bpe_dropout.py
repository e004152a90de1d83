"""BPE-dropout of many words at once, as array operations.

Dims: W words of one length, U units of a word, P = U - 1 pairs of neighbours.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from nmt.tokenizer.pieces import BYTES

Ints: TypeAlias = NDArray[np.int64]

_NO_MERGE = np.iinfo(np.int64).max
_CHARACTERS = 0x110000


class BPEDropout:
    """Merges pieces as BPE does, but at every step drops each possible merge with a probability
    (Provilkov et al. 2020, algorithm 1).

    Words of one length go together: each step merges one pair of every word or ends the word.
    """

    def __init__(
        self,
        scores: Mapping[str, float],
        ids: Mapping[str, int],
        dropout: float,
        seed: Sequence[int],
    ) -> None:
        """scores: of each piece; the merge into the piece with the highest score comes first.
        ids: of each piece, and of each symbol, which is never cut. Bytes spell other characters."""
        self._dropout = dropout
        self._random = np.random.default_rng(list(seed))
        # A unit is the id of a piece or, for a character that has none, its code and `_above`.
        self._above = max(ids.values()) + 1
        self._characters = np.arange(_CHARACTERS) + self._above
        for piece in scores:
            if len(piece) == 1:
                self._characters[ord(piece)] = ids[piece]
        self._symbols = {symbol: one for symbol, one in ids.items() if symbol not in scores}
        self._set_merges(scores, ids)

    def __call__(self, words: Sequence[str]) -> tuple[Ints, Ints]:
        """The ids of all words, one after the other, and how many each has."""
        lengths = np.array(list(map(len, words)), np.int64)
        starts = np.cumsum(lengths) - lengths
        codes = np.frombuffer("".join(words).encode("utf-32-le"), np.uint32)
        units = self._characters[codes]
        cut: list[tuple[Ints, Ints]] = []  # numbers of words, their units (W, U)
        if symbols := [(n, self._symbols[it]) for n, it in enumerate(words) if it in self._symbols]:
            rows, ids = np.array(symbols).T
            cut.append((rows, ids[:, None]))
            lengths[rows] = 0
        for length in np.unique(lengths[lengths > 0]).tolist():
            rows = np.flatnonzero(lengths == length)
            cut += self._merged(rows, units[starts[rows, None] + np.arange(length)])
        sizes = np.zeros(len(words), np.int64)
        for rows, of_rows in cut:
            sizes[rows] = of_rows.shape[1]
        flat, starts = np.zeros(sizes.sum(), np.int64), np.cumsum(sizes) - sizes
        for rows, of_rows in cut:
            flat[starts[rows, None] + np.arange(of_rows.shape[1])] = of_rows
        return self._with_bytes(flat, sizes)

    def _set_merges(self, scores: Mapping[str, float], ids: Mapping[str, int]) -> None:
        """Two units that make a piece -> its rank, the lowest for the first merge, and its id."""
        _, ranks = np.unique([-score for score in scores.values()], return_inverse=True)
        merges = {}
        for (piece, _), rank in zip(scores.items(), ranks.tolist(), strict=True):
            for end in range(1, len(piece)):
                parts = piece[:end], piece[end:]
                if all(len(part) == 1 or part in scores for part in parts):
                    left, right = (
                        int(self._characters[ord(part)]) if len(part) == 1 else ids[part]
                        for part in parts
                    )
                    merges[self._pair(left, right)] = rank, ids[piece]
        self._pairs = np.array(sorted(merges) or [-1], np.int64)
        found = [merges.get(pair, (_NO_MERGE, 0)) for pair in self._pairs.tolist()]
        self._ranks, self._made = np.array(found, np.int64).T

    def _pair(self, left: "int | Ints", right: "int | Ints") -> "int | Ints":
        return left * (self._above + _CHARACTERS) + right

    def _looked_up(self, left: Ints, right: Ints) -> tuple[Ints, Ints]:
        """The ranks and pieces of the merges of two neighbours."""
        pairs = self._pair(left, right)
        places = np.minimum(np.searchsorted(self._pairs, pairs), len(self._pairs) - 1)
        known = self._pairs[places] == pairs
        return np.where(known, self._ranks[places], _NO_MERGE), self._made[places]

    def _merged(self, rows: Ints, units: Ints) -> Iterator[tuple[Ints, Ints]]:
        """Words by number, in units (W, U) -> the same words, those that end together."""
        ranks, made = self._looked_up(units[:, :-1], units[:, 1:])  # (W, P)
        while ranks.shape[1]:
            drawn = self._random.random(ranks.shape, np.float32)
            tried = np.where(drawn < self._dropout, _NO_MERGE, ranks)
            place = tried.argmin(axis=1)
            goes = tried[np.arange(len(tried)), place] != _NO_MERGE
            if not goes.all():
                yield rows[~goes], units[~goes]
                rows, units, ranks, made, place = (
                    each[goes] for each in (rows, units, ranks, made, place)
                )
            word = np.arange(len(rows))
            units[word, place] = made[word, place]
            column = np.arange(units.shape[1] - 1)
            units = np.take_along_axis(units, column + (column > place[:, None]), 1)
            column = column[:-1]
            column = column + (column >= place[:, None])
            ranks, made = (np.take_along_axis(each, column, 1) for each in (ranks, made))
            for left in (place - 1, place):  # the pairs beside the new piece
                some = np.flatnonzero((left >= 0) & (left < units.shape[1] - 1))
                at = left[some]
                ranks[some, at], made[some, at] = self._looked_up(
                    units[some, at], units[some, at + 1]
                )
        if len(rows):
            yield rows, units

    def _with_bytes(self, flat: Ints, sizes: Ints) -> tuple[Ints, Ints]:
        """Bytes in the place of characters that have no id."""
        if not (unknown := np.flatnonzero(flat >= self._above)).size:
            return flat, sizes
        spelled = [
            [BYTES[byte] for byte in chr(code).encode()]
            for code in (flat[unknown] - self._above).tolist()
        ]
        more = np.array(list(map(len, spelled)), np.int64)
        words = np.repeat(np.arange(len(sizes)), sizes)[unknown]
        longer = sizes.copy()
        np.add.at(longer, words, more - 1)
        copies = np.ones(len(flat), np.int64)
        copies[unknown] = more
        whole = np.repeat(flat, copies)
        whole[np.repeat(flat >= self._above, copies)] = [one for row in spelled for one in row]
        return whole, longer
