"""Sentence pairs on disk: an Arrow file of two columns of text, mapped into memory.

``datasets.Dataset.from_file`` and every other reader of Arrow's stream format open it too. What a
program holds of it is pages that the system may take back at any time, however large the corpus.
"""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa

from nmt.data.text_files import SentencePair

ROWS = 8192  # pairs in every record batch but the last


class TextStore:
    """The pairs of a file that ``TextWriter`` wrote, by number or in order."""

    def __init__(self, path: str | Path) -> None:
        self._batches = map_batches(path)
        self._size: int = sum(batch.num_rows for batch in self._batches)

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, row: int) -> SentencePair:
        if not 0 <= row < self._size:
            raise IndexError(row)
        batch, place = divmod(row, ROWS)
        src, tgt = self._batches[batch].columns
        return SentencePair(src[place].as_py(), tgt[place].as_py())

    def __iter__(self) -> Iterator[SentencePair]:
        for src, tgt in self.chunks():
            yield from map(SentencePair, src, tgt)

    def chunks(self) -> Iterator[tuple[list[str], list[str]]]:
        """Sources and targets, some thousands at a time."""
        for batch in self._batches:
            src, tgt = batch.columns
            yield src.to_pylist(), tgt.to_pylist()

    def drawn(self, most: int) -> "Drawn":
        """At most so many pairs, drawn at random without replacement; always the same ones."""
        return Drawn(self, most)


class Drawn:
    """A random sample of a store in the store's order, as often as it is iterated over."""

    def __init__(self, store: TextStore, most: int) -> None:
        self._store = store
        self._size = min(most, len(store))

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[SentencePair]:
        random = np.random.default_rng(0)
        there, wanted = len(self._store), self._size
        for src, tgt in self._store.chunks():
            # How many of a uniform sample fall into this chunk, then which.
            here = int(random.hypergeometric(wanted, there - wanted, len(src)))
            for row in np.sort(random.choice(len(src), here, replace=False)).tolist():
                yield SentencePair(src[row], tgt[row])
            there, wanted = there - len(src), wanted - here


class TextWriter:
    """Writes pairs, some thousands at a time; a context that finishes the file at its end."""

    _SCHEMA = pa.schema([("src", pa.string()), ("tgt", pa.string())])

    def __init__(self, path: str | Path) -> None:
        self._writer = BatchWriter(path, self._SCHEMA)
        self._src: list[str] = []
        self._tgt: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._flush()
        finally:
            self._writer.close()

    def add(self, src: str, tgt: str) -> None:
        self._src.append(src)
        self._tgt.append(tgt)
        if len(self._src) == ROWS:
            self._flush()

    def _flush(self) -> None:
        if self._src:
            self._writer.write([pa.array(self._src, pa.string()), pa.array(self._tgt, pa.string())])
        self._src, self._tgt = [], []


class BatchWriter:
    """Record batches of one schema, into a file in Arrow's stream format."""

    def __init__(self, path: str | Path, schema: pa.Schema) -> None:
        self._schema = schema
        self._file = pa.OSFile(str(path), "wb")
        self._writer = pa.ipc.new_stream(self._file, schema)

    def write(self, columns: list[pa.Array]) -> None:
        self._writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=self._schema))

    def close(self) -> None:
        try:
            self._writer.close()
        finally:
            self._file.close()


def map_batches(path: str | Path) -> list[pa.RecordBatch]:
    """The record batches of a file, in memory that is the file's."""
    return list(pa.ipc.open_stream(pa.memory_map(str(path))))
