"""The training rows that pass the rules on a single pair, on disk, and what becomes of each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nmt.data.cleaning import RULES
from nmt.data.sources import TrainingCorpus
from nmt.data.stores import BATCH_ROWS, TextStore
from nmt.files import mapped_zeros, slices, text_bytes

KEPT = 0
FATES = {rule: fate for fate, rule in enumerate(RULES, start=KEPT + 1)}
"""Rule -> the fate of a row that it drops."""
DRAWN = len(FATES) + 1

ROWS_FILE, HASHES_FILE = "rows", "hashes"


class Digests:
    """The sha256 of each side of pairs, as of two text files."""

    def __init__(self) -> None:
        self._src, self._tgt = sha256(), sha256()

    def update(self, pairs: Sequence[tuple[str, str]]) -> None:
        self._src.update(text_bytes(src for src, _ in pairs))
        self._tgt.update(text_bytes(tgt for _, tgt in pairs))

    def hexadecimal(self) -> dict[str, str]:
        return {"src": self._src.hexdigest(), "tgt": self._tgt.hexdigest()}


@dataclass
class Member:
    """One of the corpora. Its candidates are number ``start`` to ``end``.

    total: rows read. dropped: rule -> rows, of the rules on a single pair. fates: fate ->
    candidates. digests: of the pairs that are kept.
    """

    corpus: TrainingCorpus
    start: int
    end: int
    total: int
    dropped: dict[str, int]
    fates: dict[int, int] = field(default_factory=dict)
    digests: Digests = field(default_factory=Digests)

    def count(self, fates: NDArray[np.uint8]) -> None:
        """Count the fates of its candidates. fates: of the candidates of all corpora."""
        own = fates[self.start : self.end]
        counts = sum(
            (np.bincount(own[part], minlength=DRAWN + 1) for part in slices(len(own))),
            start=np.zeros(DRAWN + 1, np.int64),
        )
        self.fates = dict(enumerate(counts.tolist()))

    def summary(self) -> dict[str, Any]:
        dropped = {rule: n + self.fates.get(FATES[rule], 0) for rule, n in self.dropped.items()}
        return {
            "total": self.total,
            "dropped": dropped,
            "drawn": self.fates[DRAWN],
            "kept": self.fates[KEPT],
            "fingerprints": self.digests.hexadecimal(),
        }


@dataclass(frozen=True)
class Candidates:
    """The rows that pass the rules on a single pair, all on disk, of one corpus after the other.

    hashes: (N, 2), of source and target. fates: (N,), KEPT, DRAWN or the rule that drops a row.
    """

    members: Sequence[Member]
    rows: TextStore
    hashes: NDArray[np.uint64]
    fates: NDArray[np.uint8]

    @classmethod
    def open(cls, scratch: Path, members: Sequence[Member]) -> "Candidates":
        rows = TextStore(scratch / ROWS_FILE)
        hashes = np.zeros((0, 2), np.uint64)
        if len(rows):  # an empty file cannot be mapped
            hashes = np.asarray(np.memmap(scratch / HASHES_FILE, "<u8", "r").reshape(-1, 2))
        return cls(members, rows, hashes, mapped_zeros(scratch / "fates", np.uint8, len(rows)))

    def chunks(self) -> Iterator[tuple[Member, list[tuple[str, str]], NDArray[np.uint8]]]:
        """A corpus, some thousands of its pairs and their fates, a view to write to; in order."""
        starts = range(0, len(self.rows), BATCH_ROWS)
        for start, (src, tgt) in zip(starts, self.rows.chunks(), strict=True):
            pairs = list(zip(src, tgt, strict=True))
            for member in self.members:
                first, last = max(member.start, start), min(member.end, start + len(pairs))
                if first < last:
                    yield member, pairs[first - start : last - start], self.fates[first:last]

    def corpus_of(self, place: int) -> TrainingCorpus:
        """The corpus that a candidate comes from."""
        return next(member.corpus for member in self.members if place < member.end)
