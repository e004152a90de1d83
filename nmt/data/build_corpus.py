"""From the rows of a source to the cleaned text on disk. Memory does not grow with the rows.

Rows are read once. Those that pass the rules on a single pair go to a file, with a hash of each
side. The rules on the whole corpus mark them in an array on disk; the rest is copied.
"""

import json
import shutil
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b, sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nmt.checks import OptionError, field
from nmt.data.cleaning import RULES, CleaningReport, CleaningRules, HeldOut, as_single_line
from nmt.data.sources import PairSource
from nmt.data.stores import BATCH_ROWS, TextStore, TextWriter, pairs_bar
from nmt.data.text_files import SentencePair
from nmt.files import mapped_zeros, slices, text_bytes

SUMMARY = "corpus.json"

_KEPT = 0
_FATES = {rule: fate for fate, rule in enumerate(RULES, start=_KEPT + 1)}
_DRAWN = len(_FATES) + 1

_NAMED_PLACES = 3
_ROWS_FILE, _HASHES_FILE = "rows", "hashes"


def part_file(part: str) -> str:
    """The name of the file that ``build_text`` writes for "train" or a part that is drawn."""
    return f"{part}.arrow"


def build_text(
    directory: Path,
    source: PairSource,
    rules: CleaningRules,
    *,
    given: Collection[SentencePair],
    draws: Mapping[str, int],
) -> None:
    """Write train.arrow, an Arrow file for each part that is drawn, and corpus.json.

    given: the pairs of the validation and test sets that are not drawn.
    draws: part -> how many of the pairs that pass all rules are moved there. The content of the
        pairs alone decides which, not their order, nor which side is the source.

    Of equal pairs at most one is drawn; drawn pairs are then held out as given ones are. Hashes
    have 64 bits: they confuse two of 100 million pairs with a probability of 1 in 4,000.

    Raises ValueError where cleaning leaves no pair, or too few to draw from, and what reading the
    source raises.
    """
    scratch = directory / "scratch"
    scratch.mkdir()
    report = CleaningReport(rules=rules)
    tgt_per_src = _read_candidates(source, report, scratch)
    candidates = _Candidates.open(scratch)
    if rules.drop_duplicates:
        _mark_duplicates(candidates, scratch)
    _judge(candidates, rules, HeldOut(given if rules.drop_held_out else []), tgt_per_src)
    drawn: list[SentencePair] = []
    for part, count in draws.items():
        drawn += _draw(part, count, candidates, directory / part_file(part))
        report.drawn[part] = count
    fingerprints = _write_train(
        candidates, HeldOut(drawn if rules.drop_held_out else []), directory / part_file("train")
    )
    for rule, fate in _FATES.items():
        chunks = (candidates.fates[part] for part in slices(len(candidates.fates)))
        report.dropped[rule] += sum(int((fates == fate).sum()) for fates in chunks)
    if not report.kept:
        raise ValueError("cleaning left no training pair:\n" + "\n".join(report.lines()))
    shutil.rmtree(scratch)
    summary = {"cleaning": report.as_dict(), "fingerprints": fingerprints}
    (directory / SUMMARY).write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")


@dataclass(frozen=True)
class _Candidates:
    """The rows that pass the rules on a single pair, all on disk.

    hashes: (N, 2), of source and target. fates: (N,), _KEPT, _DRAWN or the rule that drops a row.
    """

    rows: TextStore
    hashes: NDArray[np.uint64]
    fates: NDArray[np.uint8]

    @classmethod
    def open(cls, scratch: Path) -> "_Candidates":
        rows = TextStore(scratch / _ROWS_FILE)
        hashes = np.zeros((0, 2), np.uint64)
        if len(rows):  # an empty file cannot be mapped
            hashes = np.asarray(np.memmap(scratch / _HASHES_FILE, "<u8", "r").reshape(-1, 2))
        return cls(rows, hashes, mapped_zeros(scratch / "fates", np.uint8, len(rows)))

    def chunks(self) -> Iterator[tuple[list[tuple[str, str]], NDArray[np.uint8]]]:
        """Pairs and their fates, a view to write to, a record batch at a time."""
        starts = range(0, len(self.rows), BATCH_ROWS)
        for start, (src, tgt) in zip(starts, self.rows.chunks(), strict=True):
            yield list(zip(src, tgt, strict=True)), self.fates[start : start + BATCH_ROWS]


def _read_candidates(source: PairSource, report: CleaningReport, scratch: Path) -> float:
    """Write the candidates -> target characters for each source character in all rows of text."""
    rules, dropped = report.rules, report.dropped
    src_characters = tgt_characters = 0
    not_text: list[int] = []
    with (
        TextWriter.open(scratch / _ROWS_FILE) as rows,
        open(scratch / _HASHES_FILE, "wb") as hashes,
        pairs_bar(source.rows(), "reading", source.size()) as bar,
    ):
        for src_value, tgt_value in bar:
            report.total += 1
            src, tgt = as_single_line(src_value), as_single_line(tgt_value)
            if src is None or tgt is None:
                dropped["not_text"] += 1
                if len(not_text) < _NAMED_PLACES:
                    not_text.append(report.total - 1)
                continue
            src_characters += len(src)
            tgt_characters += len(tgt)
            report.line_breaks += src is not src_value or tgt is not tgt_value
            if rule := rules.drops(src, tgt):
                dropped[rule] += 1
                continue
            rows.add(src, tgt)
            hashes.write(_hashed(src) + _hashed(tgt))
    report.not_text_at = [source.place(row) for row in not_text]
    return tgt_characters / src_characters if src_characters and tgt_characters else 1.0


def _hashed(text: str) -> bytes:
    return blake2b(text.encode("utf-8"), digest_size=8).digest()


def _mark_duplicates(candidates: _Candidates, scratch: Path) -> None:
    keys = mapped_zeros(scratch / "keys", np.uint64, len(candidates.rows))
    for part in slices(len(keys)):
        hashes = candidates.hashes[part]
        # The factor gives a pair and the same pair with its sides swapped different keys.
        keys[part] = hashes[:, 0] * np.uint64(0x9E3779B97F4A7C15) + hashes[:, 1]
    repeated = repeats(keys, scratch)
    for part in slices(len(keys)):
        candidates.fates[part][repeated[part]] = _FATES["duplicate"]


def _judge(
    candidates: _Candidates, rules: CleaningRules, held_out: HeldOut, tgt_per_src: float
) -> None:
    """Mark the pairs that are out of ratio, and of the others those that are held out."""
    with pairs_bar(None, "cleaning", len(candidates.rows)) as bar:
        for pairs, fates in candidates.chunks():
            for row, pair in enumerate(pairs):
                if rules.out_of_ratio(*pair, tgt_per_src):
                    fates[row] = _FATES["length_ratio"]
                elif pair in held_out and fates[row] == _KEPT:
                    fates[row] = _FATES["held_out"]
            bar.update(len(pairs))


def _draw(part: str, count: int, candidates: _Candidates, path: Path) -> list[SentencePair]:
    """Move the ``count`` pairs whose hashes are nearest to the hash of the part's name to a file,
    and return them."""
    salt = np.frombuffer(_hashed(part), "<u8")[0]
    ranks, places = np.zeros(0, np.uint64), np.zeros(0, np.int64)
    for chunk in slices(len(candidates.rows)):
        found = np.flatnonzero(candidates.fates[chunk] == _KEPT) + chunk.start
        either_way = candidates.hashes[found, 0] + candidates.hashes[found, 1]
        ranks = np.concatenate([ranks, either_way ^ salt])
        places = np.concatenate([places, found])
        ranks, first = np.unique(ranks, return_index=True)  # equal pairs have equal ranks
        ranks, places = ranks[:count], places[first[:count]]
    if len(places) < count:
        raise OptionError(
            f"{field(part)}={count}: as many pairs cannot be drawn out of the {len(places)} "
            f"that cleaning leaves"
        )
    candidates.fates[places] = _DRAWN
    pairs = [candidates.rows[place] for place in sorted(places.tolist())]
    with TextWriter.open(path) as writer:
        for pair in pairs:
            writer.add(*pair)
    return pairs


def _write_train(candidates: _Candidates, drawn: HeldOut, path: Path) -> dict[str, str]:
    """Copy the pairs that are kept -> sha256 of each side."""
    src, tgt = sha256(), sha256()
    with TextWriter.open(path) as writer:
        for pairs, fates in candidates.chunks():
            kept = []
            for row in np.flatnonzero(fates == _KEPT).tolist():
                if pairs[row] in drawn:
                    fates[row] = _FATES["held_out"]
                else:
                    kept.append(pairs[row])
                    writer.add(*pairs[row])
            src.update(text_bytes(pair[0] for pair in kept))
            tgt.update(text_bytes(pair[1] for pair in kept))
    return {"src": src.hexdigest(), "tgt": tgt.hexdigest()}


def repeats(keys: NDArray[np.uint64], scratch: Path) -> NDArray[np.bool_]:
    """True for every key that equals an earlier one: (N,) -> (N,).

    scratch: a directory for mapped arrays, the result included.
    """
    repeated = _repeated(keys, scratch)
    answer = mapped_zeros(scratch / "repeats", np.bool_, len(keys))
    if not len(repeated):
        return answer
    seen = mapped_zeros(scratch / "seen", np.bool_, len(repeated))
    for chunk in slices(len(keys)):
        places = np.minimum(np.searchsorted(repeated, keys[chunk]), len(repeated) - 1)
        hits = np.flatnonzero(repeated[places] == keys[chunk])
        found, first = np.unique(places[hits], return_index=True)
        here = np.ones(len(hits), dtype=np.bool_)
        here[first[~seen[found]]] = False
        answer[chunk][hits] = here
        seen[found] = True
    return answer


def _repeated(keys: NDArray[np.uint64], scratch: Path) -> NDArray[np.uint64]:
    """The keys that occur several times, sorted, some of them repeated."""
    ordered = mapped_zeros(scratch / "sorted", np.uint64, len(keys))
    for chunk in slices(len(keys)):
        ordered[chunk] = keys[chunk]
    ordered.sort()
    kept = 0
    for chunk in slices(len(keys) - 1):
        part, following = ordered[chunk], ordered[chunk.start + 1 : chunk.stop + 1]
        equal = part[part == following]
        ordered[kept : kept + len(equal)] = equal  # never beyond what was read
        kept += len(equal)
    return ordered[:kept]
