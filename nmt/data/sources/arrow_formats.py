"""Columns of Arrow tables, which data sets of the hub are read as too; Parquet files."""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from nmt.data.sources import arrow_formats as arrow
from nmt.data.sources.base import TRANSLATION, Columns, FilesSource, missing, scan


def find(schema: pa.Schema, columns: Columns, place: str) -> list[tuple[str, ...]]:
    """Where the two columns are: names from the outermost to the innermost.

    Raises ValueError, with ``place``, for a column that is nowhere.
    """
    return [_find(schema, columns, column, place) for column in columns]


def pairs(
    table: pa.Table | pa.RecordBatch,
    paths: list[tuple[str, ...]],
    place: Callable[[int], str],
) -> Iterator[tuple[object, object]]:
    """The rows' values. place: of a row of this table, for the error where text is not UTF-8."""
    src, tgt = (_values(_column(table, path), place) for path in paths)
    return zip(src, tgt, strict=True)


def _find(schema: pa.Schema, columns: Columns, column: str, place: str) -> tuple[str, ...]:
    for path in ((column,), (TRANSLATION, column), tuple(column.split("."))):
        if _holds(schema, path):
            return path
    raise missing(place, columns, column, [name for field in schema for name in _names(field)])


def _holds(schema: pa.Schema, path: tuple[str, ...]) -> bool:
    inside = pa.struct(list(schema))
    for name in path:
        if not pa.types.is_struct(inside) or inside.get_field_index(name) < 0:
            return False
        inside = inside.field(name).type
    return True


def _names(field: pa.Field, prefix: str = "") -> Iterator[str]:
    if pa.types.is_struct(field.type):
        for inside in field.type:
            yield from _names(inside, f"{prefix}{field.name}.")
    else:
        yield f"{prefix}{field.name}"


def _column(table: pa.Table | pa.RecordBatch, path: tuple[str, ...]) -> pa.Array | pa.ChunkedArray:
    column = table.column(path[0])
    for name in path[1:]:
        column = pc.struct_field(column, name)  # None where the struct itself is None
    return column


def _values(column: pa.Array | pa.ChunkedArray, place: Callable[[int], str]) -> list[object]:
    try:
        values: list[object] = column.to_pylist()
    except UnicodeDecodeError:
        for row, cell in enumerate(column):
            try:
                cell.as_py()
            except UnicodeDecodeError as error:
                raise ValueError(f"{place(row)}: not valid UTF-8: {error.reason}") from None
        raise
    return values


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
