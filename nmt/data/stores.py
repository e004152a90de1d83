"""Sentence pairs on disk, as text and as token ids: Arrow files, mapped into memory.

A program holds them as memory pages that the system may take back at any time, however large the
corpus. ``datasets.Dataset.from_file`` and other readers of Arrow's stream format open them too.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Self, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from tqdm import tqdm

from nmt.data.statistics import TextCounter, TextStatistics
from nmt.data.text_files import Ids, SentencePair
from nmt.disk_cache import DiskCache
from nmt.tokenizer import Tokenizer


def pairs_bar(items: Iterable[Any] | None, what: str, total: int | None) -> "tqdm[Any]":
    """A progress bar of pairs; it counts ``items`` itself, or without items is updated."""
    return tqdm(items, what, total, unit=" pairs", unit_scale=True, disable=None, leave=False)


BATCH_ROWS = 8192  # pairs in every record batch but the last


class TextStore:
    """The pairs of a file that ``TextWriter`` wrote, by number or in order."""

    def __init__(self, path: str | Path) -> None:
        self._path = path
        self._batches = map_batches(path)
        self._size: int = sum(batch.num_rows for batch in self._batches)

    def __reduce__(self) -> tuple[type[Self], tuple[str | Path]]:
        return type(self), (self._path,)

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, row: int) -> SentencePair:
        if not 0 <= row < self._size:
            raise IndexError(row)
        batch, place = divmod(row, BATCH_ROWS)
        src, tgt = self._batches[batch].columns
        return SentencePair(src[place].as_py(), tgt[place].as_py())

    def __iter__(self) -> Iterator[SentencePair]:
        for src, tgt in self.chunks():
            yield from map(SentencePair, src, tgt)

    def chunks(self) -> Iterator[tuple[list[str], list[str]]]:
        """Sources and targets, a record batch at a time."""
        for batch in self._batches:
            src, tgt = batch.columns
            yield src.to_pylist(), tgt.to_pylist()

    def drawn(self, most: int) -> "Drawn":
        """At most ``most`` pairs, see ``Drawn``."""
        return Drawn(self, most)


class Drawn:
    """At most ``most`` pairs of a store, drawn at random without replacement, in the store's
    order. Every iteration gives the same pairs."""

    def __init__(self, store: TextStore, most: int) -> None:
        self._store = store
        self._size = min(most, len(store))

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[SentencePair]:
        random = np.random.default_rng(0)
        left, wanted = len(self._store), self._size
        for src, tgt in self._store.chunks():
            # First how many pairs of a uniform sample fall into this chunk, then which.
            here = int(random.hypergeometric(wanted, left - wanted, len(src)))
            for row in np.sort(random.choice(len(src), here, replace=False)).tolist():
                yield SentencePair(src[row], tgt[row])
            left, wanted = left - len(src), wanted - here


class TextWriter:
    """Takes pairs and writes them, a record batch at a time."""

    _SCHEMA = pa.schema([("src", pa.string()), ("tgt", pa.string())])

    def __init__(self, stream: pa.RecordBatchStreamWriter) -> None:
        self._stream = stream
        self._pairs: list[tuple[str, str]] = []

    @classmethod
    @contextmanager
    def open(cls, path: str | Path) -> Iterator[Self]:
        """A writer of a new file, which is complete at the end of the context."""
        with _new_stream(path, cls._SCHEMA) as stream:
            writer = cls(stream)
            yield writer
            writer._flush()

    def add(self, src: str, tgt: str) -> None:
        self._pairs.append((src, tgt))
        if len(self._pairs) == BATCH_ROWS:
            self._flush()

    def _flush(self) -> None:
        if self._pairs:
            columns = [pa.array(side, pa.string()) for side in zip(*self._pairs, strict=True)]
            self._stream.write_batch(pa.RecordBatch.from_arrays(columns, schema=self._SCHEMA))
        self._pairs = []


@contextmanager
def _new_stream(path: str | Path, schema: pa.Schema) -> Iterator[pa.RecordBatchStreamWriter]:
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, schema) as stream:
        yield stream


def map_batches(path: str | Path) -> list[pa.RecordBatch]:
    """The record batches of a file, mapped into memory."""
    return list(pa.ipc.open_stream(pa.memory_map(str(path))))


_FORMAT = 2  # of the files that ``write_ids`` writes
_IDS, _LENGTHS, _SUMMARY = "ids.arrow", "lengths", "ids.json"
_SCHEMA = pa.schema([("src", pa.list_(pa.int32())), ("tgt", pa.list_(pa.int32()))])


Chunk: TypeAlias = tuple[Sequence[Ids], Sequence[Ids]]
"""Source ids and target ids of some thousands of pairs."""


class IdsStore:
    """EncodedPairs from the files that ``write_ids`` wrote.

    longest_source: most tokens of a source, tokens: of all "src" and all "tgt", both without EOS.
    statistics: of the text; None of a random segmentation.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        summary = json.loads((directory / _SUMMARY).read_text(encoding="utf-8"))
        self.longest_source: int = summary["longest_source"]
        self.tokens: dict[str, int] = summary["tokens"]
        text = summary.get("text")
        self.statistics = None if text is None else TextStatistics.from_dict(text)
        self.lengths: NDArray[np.int32] = np.asarray(
            np.memmap(directory / _LENGTHS, "<i4", "r").reshape(-1, 2)
        )
        self._batches = [
            [(column.offsets.to_numpy(), column.values.to_numpy()) for column in batch.columns]
            for batch in map_batches(directory / _IDS)
        ]

    def __reduce__(self) -> tuple[type[Self], tuple[Path]]:
        return type(self), (self._directory,)

    def __getitem__(self, row: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        batch, place = divmod(row, BATCH_ROWS)
        (src_offsets, src), (tgt_offsets, tgt) = self._batches[batch]
        return (
            src[src_offsets[place] : src_offsets[place + 1]],
            tgt[tgt_offsets[place] : tgt_offsets[place + 1]],
        )


def encoded(
    text: TextStore,
    fingerprints: dict[str, str],
    tokenizer: Tokenizer,
    cache: DiskCache,
    threads: int,
    src_lang: str = "",
) -> IdsStore:
    """The best segmentation of every pair, computed once for each text and tokenizer, whatever
    the number of threads. fingerprints: of the text. src_lang: says where a sentence ends."""

    def build(directory: Path) -> None:
        counter = TextCounter(src_lang, len(text))
        with pairs_bar(None, "encoding", len(text)) as bar:

            def chunks() -> Iterator[Chunk]:
                for src, tgt in text.chunks():
                    ids = tokenizer.encode_src(src, threads=threads)
                    tgt_ids = tokenizer.encode_tgt(tgt, threads=threads)
                    counter.add(src, ids, tgt_ids)
                    yield ids, tgt_ids
                    bar.update(len(src))

            write_ids(directory, chunks(), counter)

    key = {"format": _FORMAT, "text": fingerprints, "tokenizer": tokenizer.sha256()}
    key |= {"src_lang": src_lang}
    return IdsStore(cache.entry("ids", key, build))


Change: TypeAlias = Callable[[int, list[str], list[str]], Mapping[int, tuple[str, str]]]
"""(number of the first pair, sources, targets) -> row -> the changed pair, in the order of rows."""


def write_augmented(
    directory: Path,
    text: TextStore,
    ids: IdsStore,
    tokenizer: Tokenizer,
    *,
    change: Change,
    threads: int,
) -> None:
    """Writes the best segmentation of every pair, of changed ones as they are after the change.
    ids: of the text; the pairs that do not change keep theirs."""

    def chunks() -> Iterator[Chunk]:
        first = 0
        for src, tgt in text.chunks():
            changed = change(first, src, tgt)
            lines = [[pair[side] for pair in changed.values()] for side in (0, 1)]
            new_src = tokenizer.encode_src(lines[0], threads=threads, placeholders=True)
            new_tgt = tokenizer.encode_tgt(lines[1], threads=threads, placeholders=True)
            new = dict(zip(changed, zip(new_src, new_tgt, strict=True), strict=True))
            pairs = [new[row] if row in new else ids[first + row] for row in range(len(src))]
            yield [pair[0] for pair in pairs], [pair[1] for pair in pairs]
            first += len(src)

    write_ids(directory, chunks())


def write_sampled(
    directory: Path,
    text: TextStore,
    tokenizer: Tokenizer,
    *,
    sampling: float,
    seed: int,
    change: Change | None = None,
) -> None:
    """Writes a random segmentation of every pair, of changed ones as they are after the change."""

    def unchanged() -> Iterator[Chunk]:
        src = tokenizer.sample_src((pair.src for pair in text), sampling=sampling, seed=seed)
        tgt = tokenizer.sample_tgt((pair.tgt for pair in text), sampling=sampling, seed=seed)
        for sources, _ in text.chunks():
            yield list(islice(src, len(sources))), list(islice(tgt, len(sources)))

    def changed(change: Change) -> Iterator[Chunk]:
        first = 0
        for sides in text.chunks():
            new = change(first, *sides)
            chunk = []
            for side, sample in enumerate((tokenizer.sample_src, tokenizer.sample_tgt)):
                draw = partial(sample, sampling=sampling, seed=_WIDTH * seed + first)
                plain = draw([line for row, line in enumerate(sides[side]) if row not in new])
                masked = draw([pair[side] for pair in new.values()], placeholders=True)
                rows = range(len(sides[side]))
                chunk.append([next(masked if row in new else plain) for row in rows])
            yield chunk[0], chunk[1]
            first += len(sides[0])

    write_ids(directory, unchanged() if change is None else changed(change))


_WIDTH = 2**40  # more than there are pairs


def write_ids(directory: Path, chunks: Iterable[Chunk], counter: TextCounter | None = None) -> None:
    """Write ids that come in chunks of ``BATCH_ROWS`` pairs, the last one smaller.

    counter: has counted the text when the last chunk has come.
    """
    longest, tokens = 0, np.zeros(2, dtype=np.int64)
    with _new_stream(directory / _IDS, _SCHEMA) as stream, open(directory / _LENGTHS, "wb") as file:
        for chunk in chunks:
            lengths = np.array([list(map(len, side)) for side in chunk], dtype="<i4")  # (2, rows)
            file.write(np.ascontiguousarray(lengths.T).data)
            columns = []
            for rows, sizes in zip(chunk, lengths, strict=True):
                offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
                ids = np.concatenate([np.asarray(row, dtype=np.int32) for row in rows])
                columns.append(pa.ListArray.from_arrays(pa.array(offsets), pa.array(ids)))
            stream.write_batch(pa.RecordBatch.from_arrays(columns, schema=_SCHEMA))
            longest = max(longest, int(lengths[0].max()))
            tokens += lengths.sum(axis=1)
    counts = dict(zip(("src", "tgt"), tokens.tolist(), strict=True))
    summary: dict[str, Any] = {"longest_source": longest, "tokens": counts}
    if counter:
        summary["text"] = counter.statistics().as_dict()
    (directory / _SUMMARY).write_text(json.dumps(summary) + "\n", encoding="utf-8")
