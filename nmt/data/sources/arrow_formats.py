"""Columns of Arrow tables, which data sets of the hub are read as too; Parquet files."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from nmt.data.sources.pair_source import TRANSLATION, Columns, ColumnsSource, at_most, missing

ColumnPath = tuple[str, ...]
"""Names from the outermost column to the innermost."""


def batch_rows(
    batches: Iterator[pa.Table | pa.RecordBatch],
    columns: Columns,
    name: str,
    place: Callable[[int], str],
    worded: Callable[[], AbstractContextManager[None]],
) -> Iterator[tuple[object, object]]:
    """The values in both columns of each row, a batch at a time.

    name, place: of the whole and of one row, for messages. worded: the context in which a batch is
    fetched, which words what goes wrong there.

    Raises ValueError for a column that is nowhere, and for text that is not UTF-8.
    """
    start = 0
    while True:
        with worded():
            batch = next(batches, None)
        if batch is None:
            return
        paths = column_paths(batch.schema, columns, name)
        src, tgt = (_values(_column(batch, path), start, place) for path in paths)
        yield from zip(src, tgt, strict=True)
        start += batch.num_rows


def column_paths(schema: pa.Schema, columns: Columns, name: str) -> list[ColumnPath]:
    """Where the two columns are; ValueError, with ``name``, for one that is nowhere."""
    return [_column_path(schema, columns, column, name) for column in columns]


def _column_path(schema: pa.Schema, columns: Columns, column: str, name: str) -> ColumnPath:
    for path in ((column,), (TRANSLATION, column), tuple(column.split("."))):
        if _holds(schema, path):
            return path
    raise missing(name, columns, column, [inner for field in schema for inner in _names(field)])


def _holds(schema: pa.Schema, path: ColumnPath) -> bool:
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


def _column(table: pa.Table | pa.RecordBatch, path: ColumnPath) -> pa.Array | pa.ChunkedArray:
    column = table.column(path[0])
    for name in path[1:]:
        column = pc.struct_field(column, name)  # None where the struct itself is None
    return column


def _values(
    column: pa.Array | pa.ChunkedArray, start: int, place: Callable[[int], str]
) -> list[object]:
    """start: number of the first row."""
    try:
        values: list[object] = column.to_pylist()
    except UnicodeDecodeError:
        for row, cell in enumerate(column, start):
            try:
                cell.as_py()
            except UnicodeDecodeError as error:
                raise ValueError(f"{place(row)}: not valid UTF-8: {error.reason}") from None
        raise
    return values


_BATCH_ROWS = 4096


class ParquetSource(ColumnsSource):
    """Columns of text, top-level or inside others."""

    def _options(self) -> dict[str, Any]:
        return {"format": "parquet"}

    def _file_rows(self, index: int, most: int | None) -> Iterator[tuple[object, object]]:
        path, place = self._paths[index], partial(self._place, index)
        with _opened(path) as file:
            found = column_paths(file.schema_arrow, self._columns, str(path))
            batches = file.iter_batches(_BATCH_ROWS, columns=list(map(".".join, found)))
            worded = partial(_damage_worded, path)
            rows = batch_rows(batches, self._columns, str(path), place, worded)
            yield from islice(rows, most)

    def _place(self, index: int, row: int) -> str:
        return f"{self._paths[index]}, row {row}"

    def _count(self, index: int) -> int:
        with _opened(self._paths[index]) as file:
            return int(file.metadata.num_rows)

    def size(self) -> int | None:
        return at_most(sum(map(self._count, range(len(self._paths)))), self._most)


def _opened(path: Path) -> pq.ParquetFile:
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a directory: name the files in it")
    try:
        return pq.ParquetFile(path, memory_map=True)
    except FileNotFoundError:
        raise FileNotFoundError(f"no such file: {path}") from None
    except pa.ArrowInvalid as error:
        raise ValueError(f"{path} is no Parquet file: {error}") from None


@contextmanager
def _damage_worded(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"{path} is damaged: {error}") from None
