"""From the rows of the corpora to cleaned text on disk. Memory does not grow with the rows.

Rows are read once. Those that pass the rules on a single pair go to a file, with a hash of each
side. The rules on the whole corpus mark them in an array on disk; the rest is copied.
"""

import json
import logging
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nmt import checks
from nmt.data.candidates import (
    DRAWN,
    FATES,
    HASHES_FILE,
    KEPT,
    ROWS_FILE,
    Candidates,
    Digests,
    Member,
)
from nmt.data.cleaning import CleaningReport, CleaningRules, HeldOut, as_single_line
from nmt.data.sides import is_copy
from nmt.data.sources import TrainingCorpus
from nmt.data.stores import TextWriter, pairs_bar
from nmt.data.text_files import SentencePair
from nmt.disk_cache import VARIABLE
from nmt.files import check_room, mapped_zeros, slices

log = logging.getLogger(__name__)

SUMMARY = "corpus.json"

_NAMED_PLACES = 3
_LOOKED_AT = 50_000  # rows that tell how large the whole will be
_COPIES = 2.2  # of the text, on disk at once: the candidates with those that are kept, or their ids
_BESIDE = 64  # bytes of each pair's hashes and the like


def part_file(part: str) -> str:
    """The name of the file that ``build_text`` writes for "train" or a part that is drawn."""
    return f"{part}.arrow"


def build_text(
    directory: Path,
    corpora: Sequence[TrainingCorpus],
    rules: CleaningRules,
    *,
    given: Collection[SentencePair],
    draws: Mapping[str, int],
    other_language: Callable[[str, str], bool] | None = None,
) -> None:
    """Write train.arrow, an Arrow file for each part that is drawn, and corpus.json.

    The pairs of all corpora are cleaned as one text, in order, and stay in order; tags come last.
    given: the pairs of the validation and test sets that are not drawn.
    other_language: says of a pair whether a side is clearly in another language.
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
    tgt_per_src, members = _read_candidates(corpora, report, scratch, other_language)
    candidates = Candidates.open(scratch, members)
    if rules.drop_duplicates:
        _mark_duplicates(candidates, scratch)
    held_out: list[SentencePair] = []
    if rules.drop_held_out:
        held_out = [*given, *_untagged(given, corpora)]
    _judge(candidates, rules, HeldOut(held_out), tgt_per_src)
    _drop_copies(candidates, rules)
    drawn: list[SentencePair] = []
    for part, count in draws.items():
        drawn += _draw(part, count, candidates, directory / part_file(part))
        report.drawn[part] = count
    held_out = drawn if rules.drop_held_out else []
    train = directory / part_file("train")
    report.copies, fingerprints = _write_train(candidates, HeldOut(held_out), train)
    for member in members:
        member.count(candidates.fates)
        for rule, fate in FATES.items():
            report.dropped[rule] += member.fates.get(fate, 0)
    if not report.kept:
        raise ValueError("cleaning left no training pair:\n" + "\n".join(report.lines()))
    shutil.rmtree(scratch)
    summary = {
        "cleaning": report.as_dict(),
        "fingerprints": fingerprints,
        "corpora": [member.summary() for member in members],
    }
    (directory / SUMMARY).write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")


def _read_candidates(
    corpora: Sequence[TrainingCorpus],
    report: CleaningReport,
    scratch: Path,
    other_language: Callable[[str, str], bool] | None,
) -> tuple[float, list[Member]]:
    """Write the candidates -> target characters for each source character in all rows of text; and
    where the candidates of each corpus lie."""
    rules, dropped = report.rules, report.dropped
    src_characters = tgt_characters = 0
    members: list[Member] = []
    with (
        TextWriter.open(scratch / ROWS_FILE) as rows,
        open(scratch / HASHES_FILE, "wb") as hashes,
    ):
        for corpus in corpora:
            source, total, before = corpus.source, report.total, dict(dropped)
            not_text: list[int] = []
            what = f"reading {corpus.name}" if len(corpora) > 1 else "reading"
            with pairs_bar(source.rows(), what, source.size()) as bar:
                for src_value, tgt_value in bar:
                    report.total += 1
                    if report.total == _LOOKED_AT:
                        _check_room(source.size(), scratch)
                    src, tgt = as_single_line(src_value), as_single_line(tgt_value)
                    if src is None or tgt is None:
                        dropped["not_text"] += 1
                        if len(not_text) < _NAMED_PLACES:
                            not_text.append(report.total - total - 1)
                        continue
                    src_characters += len(src)
                    tgt_characters += len(tgt)
                    report.line_breaks += src is not src_value or tgt is not tgt_value
                    if rule := rules.drops(src, tgt):
                        dropped[rule] += 1
                        continue
                    if other_language and other_language(src, tgt):
                        dropped["language"] += 1
                        continue
                    rows.add(src, tgt)
                    hashes.write(_hashed(src) + _hashed(tgt))
            places = [source.place(row) for row in not_text]
            report.not_text_at = (report.not_text_at + places)[:_NAMED_PLACES]
            here = {rule: count - before[rule] for rule, count in dropped.items()}
            start, read = members[-1].end if members else 0, report.total - total
            members.append(Member(corpus, start, start + read - sum(here.values()), read, here))
    ratio = tgt_characters / src_characters if src_characters and tgt_characters else 1.0
    return ratio, members


def _check_room(rows: int | None, scratch: Path) -> None:
    """OSError unless there is room for as many rows as the source has, if it tells. The first of
    them are written."""
    if rows:
        written = (scratch / ROWS_FILE).stat().st_size / _LOOKED_AT
        needed = int(rows * (_COPIES * written + _BESIDE))
        said = check_room(scratch.parents[2], needed, "the prepared corpus", f"{VARIABLE}=")
        log.info("%s", said)


def _hashed(text: str) -> bytes:
    return blake2b(text.encode("utf-8"), digest_size=8).digest()


def _mark_duplicates(candidates: Candidates, scratch: Path) -> None:
    keys = mapped_zeros(scratch / "keys", np.uint64, len(candidates.rows))
    for part in slices(len(keys)):
        hashes = candidates.hashes[part]
        # The factor gives a pair and the same pair with its sides swapped different keys.
        keys[part] = hashes[:, 0] * np.uint64(0x9E3779B97F4A7C15) + hashes[:, 1]
    repeated = repeats(keys, scratch)
    for part in slices(len(keys)):
        candidates.fates[part][repeated[part]] = FATES["duplicate"]


def _untagged(
    given: Iterable[SentencePair], corpora: Iterable[TrainingCorpus]
) -> Iterator[SentencePair]:
    """The pairs whose source begins with the tag of a corpus, without it."""
    tags = {f"{corpus.tag} " for corpus in corpora if corpus.tag is not None}
    for src, tgt in given:
        for tag in tags:
            if src.startswith(tag):
                yield SentencePair(src.removeprefix(tag), tgt)


def _judge(
    candidates: Candidates, rules: CleaningRules, held_out: HeldOut, tgt_per_src: float
) -> None:
    """Mark the pairs that are out of ratio, and of the others those that are held out."""
    with pairs_bar(None, "cleaning", len(candidates.rows)) as bar:
        for _, pairs, fates in candidates.chunks():
            for row, pair in enumerate(pairs):
                if rules.out_of_ratio(*pair, tgt_per_src):
                    fates[row] = FATES["length_ratio"]
                elif pair in held_out and fates[row] == KEPT:
                    fates[row] = FATES["held_out"]
            bar.update(len(pairs))


def _drop_copies(candidates: Candidates, rules: CleaningRules) -> None:
    """Mark the pairs over the share of those whose target is their source, at equal distances."""
    if rules.max_copy_share == 1:
        return
    kept = copies = seen = 0
    for _, pairs, fates in candidates.chunks():
        rows = np.flatnonzero(fates == KEPT).tolist()
        kept += len(rows)
        copies += sum(is_copy(*pairs[row]) for row in rows)
    most = rules.most_copies(kept - copies)
    for _, pairs, fates in candidates.chunks():
        for row in np.flatnonzero(fates == KEPT).tolist():
            if copies > most and is_copy(*pairs[row]):
                if seen * most // copies == (seen + 1) * most // copies:
                    fates[row] = FATES["copy"]
                seen += 1


def _draw(part: str, count: int, candidates: Candidates, path: Path) -> list[SentencePair]:
    """Move the ``count`` pairs whose hashes are nearest to the hash of the part's name to a file,
    with their tags, and return them without."""
    salt = np.frombuffer(_hashed(part), "<u8")[0]
    ranks, places = np.zeros(0, np.uint64), np.zeros(0, np.int64)
    for chunk in slices(len(candidates.rows)):
        found = np.flatnonzero(candidates.fates[chunk] == KEPT) + chunk.start
        either_way = candidates.hashes[found, 0] + candidates.hashes[found, 1]
        ranks = np.concatenate([ranks, either_way ^ salt])
        places = np.concatenate([places, found])
        ranks, first = np.unique(ranks, return_index=True)  # equal pairs have equal ranks
        ranks, places = ranks[:count], places[first[:count]]
    if len(places) < count:
        raise checks.OptionError(
            f"{checks.field(part)}={count}: as many pairs cannot be drawn out of the {len(places)} "
            f"that cleaning leaves"
        )
    candidates.fates[places] = DRAWN
    chosen = sorted(places.tolist())
    pairs = [candidates.rows[place] for place in chosen]
    with TextWriter.open(path) as writer:
        for place, (src, tgt) in zip(chosen, pairs, strict=True):
            writer.add(candidates.corpus_of(place).tagged(src), tgt)
    return pairs


def _write_train(candidates: Candidates, drawn: HeldOut, path: Path) -> tuple[int, dict[str, str]]:
    """Copy the pairs that are kept, with their tags -> how many have a target that is their source,
    and the sha256 of each side."""
    copies = 0
    several = len(candidates.members) > 1
    whole = Digests() if several else candidates.members[0].digests
    with TextWriter.open(path) as writer:
        for member, pairs, fates in candidates.chunks():
            kept = []
            for row in np.flatnonzero(fates == KEPT).tolist():
                if pairs[row] in drawn:
                    fates[row] = FATES["held_out"]
                else:
                    copies += is_copy(*pairs[row])
                    kept.append((member.corpus.tagged(pairs[row][0]), pairs[row][1]))
                    writer.add(*kept[-1])
            member.digests.update(kept)
            if several:
                whole.update(kept)
    return copies, whole.hexadecimal()


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
