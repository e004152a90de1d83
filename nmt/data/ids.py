"""Pairs of token ids on disk: an Arrow file of two columns of lists, mapped into memory."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from nmt.data.batch import Ids
from nmt.disk_cache import Cache
from nmt.data.stores import ROWS, BatchWriter, TextStore, map_batches
from nmt.progress import progress
from nmt.tokenizer import Tokenizer

_FORMAT = 1  # of what is kept on disk
_IDS, _LENGTHS, _SUMMARY = "ids.arrow", "lengths", "ids.json"
_SCHEMA = pa.schema([("src", pa.list_(pa.int32())), ("tgt", pa.list_(pa.int32()))])


class Chunk(NamedTuple):
    """Ids of some thousands of pairs."""

    src: Sequence[Ids]
    tgt: Sequence[Ids]


class IdsStore:
    """What ``write_ids`` wrote, as EncodedPairs.

    longest_source: most source tokens. tokens: of each side in all. EOS is counted nowhere.
    """

    def __init__(self, directory: Path) -> None:
        summary = json.loads((directory / _SUMMARY).read_text(encoding="utf-8"))
        self.longest_source: int = summary["longest_source"]
        self.tokens: dict[str, int] = summary["tokens"]
        lengths = np.memmap(directory / _LENGTHS, "<i4", "r").reshape(-1, 2)
        self.lengths: NDArray[np.int32] = np.asarray(lengths)
        self._batches = [
            [(column.offsets.to_numpy(), column.values.to_numpy()) for column in batch.columns]
            for batch in map_batches(directory / _IDS)
        ]

    def __getitem__(self, row: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        batch, place = divmod(row, ROWS)
        (src_offsets, src), (tgt_offsets, tgt) = self._batches[batch]
        return (
            src[src_offsets[place] : src_offsets[place + 1]],
            tgt[tgt_offsets[place] : tgt_offsets[place + 1]],
        )


def encoded(
    text: TextStore, fingerprints: dict[str, str], tokenizer: Tokenizer, cache: Cache, threads: int
) -> IdsStore:
    """The best segmentation of every pair, made once for the same text and tokenizer.

    fingerprints: of the text. threads: to encode with; they change nothing.
    """

    def chunks(done: Callable[[int], object]) -> Iterator[Chunk]:
        for src, tgt in text.chunks():
            yield Chunk(
                tokenizer.encode_src(src, threads=threads),
                tokenizer.encode_tgt(tgt, threads=threads),
            )
            done(len(src))

    def build(directory: Path) -> None:
        with progress(None, "encoding", len(text)) as bar:
            write_ids(directory, chunks(bar.update))

    key = {"format": _FORMAT, "text": fingerprints, "tokenizer": tokenizer.sha256()}
    return IdsStore(cache.entry("ids", key, build))


def sampled(
    text: TextStore, tokenizer: Tokenizer, cache: Cache, *, sampling: float, seed: int
) -> IdsStore:
    """A random segmentation of every pair, on disk as long as it is in use."""
    src = tokenizer.sample_src((pair.src for pair in text), sampling=sampling, seed=seed)
    tgt = tokenizer.sample_tgt((pair.tgt for pair in text), sampling=sampling, seed=seed)
    sizes = (len(src) for src, _ in text.chunks())
    chunks = (Chunk(list(islice(src, size)), list(islice(tgt, size))) for size in sizes)
    with cache.scratch() as directory:
        write_ids(directory, chunks)
        return IdsStore(directory)  # the files stay mapped when their names are gone


def write_ids(directory: Path, chunks: Iterable[Chunk]) -> None:
    """Write ids that come in chunks of ``ROWS`` pairs, the last one smaller."""
    longest, tokens = 0, np.zeros(2, dtype=np.int64)
    with (
        closing(BatchWriter(directory / _IDS, _SCHEMA)) as writer,
        open(directory / _LENGTHS, "wb") as file,
    ):
        for chunk in chunks:
            lengths = np.array([list(map(len, side)) for side in chunk], dtype="<i4")  # (2, rows)
            file.write(np.ascontiguousarray(lengths.T).data)
            writer.write([_lists(*side) for side in zip(chunk, lengths, strict=True)])
            longest = max(longest, int(lengths[0].max()))
            tokens += lengths.sum(axis=1)
    counts = dict(zip(("src", "tgt"), tokens.tolist(), strict=True))
    summary = {"longest_source": longest, "tokens": counts}
    (directory / _SUMMARY).write_text(json.dumps(summary) + "\n", encoding="utf-8")


def _lists(rows: Sequence[Ids], lengths: NDArray[np.int32]) -> pa.Array:
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    values = np.fromiter(chain.from_iterable(rows), dtype=np.int32, count=int(offsets[-1]))
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values))
