"""Parquet files, read batch by batch."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from nmt.data.sources import arrow_formats as arrow
from nmt.data.sources.columns import Columns
from nmt.data.sources.files import FilesSource, scan

_BATCH_ROWS = 4096


class ParquetSource(FilesSource):
    """Columns of text, top-level or inside others."""

    def __init__(self, paths: Sequence[Path], columns: Columns, most: int | None = None) -> None:
        super().__init__(len(paths), most)
        self._paths = paths
        self._columns = columns

    def _read(self, index: int, most: int | None) -> Iterator[tuple[object, object]]:
        return islice(self._all(index), most)

    def _all(self, index: int) -> Iterator[tuple[object, object]]:
        with _opened(self._paths[index]) as file:
            paths = arrow.find(file.schema_arrow, self._columns, str(self._paths[index]))
            start = 0
            batches = file.iter_batches(_BATCH_ROWS, columns=[".".join(path) for path in paths])
            while (batch := self._next(batches, index)) is not None:

                def place(row: int, start: int = start) -> str:
                    return self._place(index, start + row)

                yield from arrow.pairs(batch, paths, place)
                start += batch.num_rows

    def _next(self, batches: Iterator[pa.RecordBatch], index: int) -> pa.RecordBatch | None:
        try:
            return next(batches, None)
        except (pa.ArrowException, OSError) as error:
            raise ValueError(f"{self._paths[index]} is damaged: {error}") from None

    def _place(self, index: int, row: int) -> str:
        return f"{self._paths[index]}, row {row}"

    def _count(self, index: int) -> int:
        with _opened(self._paths[index]) as file:
            return int(file.metadata.num_rows)

    @cached_property
    def _digests(self) -> list[str]:
        return [scan(path).sha256 for path in self._paths]

    def identity(self) -> dict[str, Any]:
        return {
            "format": "parquet",
            "files": self._digests,
            "columns": list(self._columns),
            "most": self._most,
        }

    def size(self) -> int | None:
        return self._at_most(sum(map(self._count, range(len(self._paths)))))


def _opened(path: Path) -> pq.ParquetFile:
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a directory: name the files in it")
    try:
        return pq.ParquetFile(path, memory_map=True)
    except FileNotFoundError:
        raise FileNotFoundError(f"no such file: {path}") from None
    except pa.ArrowInvalid as error:
        raise ValueError(f"{path} is no Parquet file: {error}") from None
