"""Columns of Arrow tables, for data sets of the hub too; Parquet files."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from nmt.data.sources import pair_source
from nmt.data.sources.pair_source import Columns, ColumnsSource
from nmt.data.text_files import opened


def batch_rows(
    batches: Iterator[pa.Table | pa.RecordBatch],
    columns: Columns,
    name: str,
    place: Callable[[int], str],
    worded: Callable[[], AbstractContextManager[None]],
) -> Iterator[tuple[object, object]]:
    """The values of both columns in each row, a batch at a time.

    name, place: of the whole and of one row, for messages. worded: the context in which a batch is
    fetched; it words the errors of that.

    Raises ValueError for a column that does not exist, and for text that is not UTF-8.
    """
    start = 0
    while True:
        with worded():
            batch = next(batches, None)
        if batch is None:
            return
        paths = paths_of_columns(batch.schema, columns, name)
        src, tgt = (_values(batch, path, start, place) for path in paths)
        yield from zip(src, tgt, strict=True)
        start += batch.num_rows


def paths_of_columns(schema: pa.Schema, columns: Columns, name: str) -> list[tuple[str, ...]]:
    """The path of each column, outermost name first. ValueError, with ``name``, for a column that
    does not exist."""
    return [_path_of_column(schema, columns, column, name) for column in columns]


def _path_of_column(schema: pa.Schema, columns: Columns, column: str, name: str) -> tuple[str, ...]:
    for path in pair_source.column_paths(column):
        inside = pa.struct(list(schema))
        for key in path:
            if not pa.types.is_struct(inside) or inside.get_field_index(key) < 0:
                break
            inside = inside.field(key).type
        else:
            return path
    names = [inner for field in schema for inner in _names(field)]
    raise pair_source.missing(name, columns, column, names)


def _names(field: pa.Field, prefix: str = "") -> Iterator[str]:
    if pa.types.is_struct(field.type):
        for inside in field.type:
            yield from _names(inside, f"{prefix}{field.name}.")
    else:
        yield f"{prefix}{field.name}"


def _values(
    table: pa.Table | pa.RecordBatch, path: tuple[str, ...], start: int, place: Callable[[int], str]
) -> list[object]:
    """The values of the column at ``path``. start: the number of the first row, for messages."""
    column = table.column(path[0])
    for name in path[1:]:
        column = pc.struct_field(column, name)  # None where the struct itself is None
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
    """Text columns of Parquet files, top-level or inside other columns."""

    def _options(self) -> dict[str, Any]:
        return {"format": "parquet"}

    def _file_rows(self, index: int, most: int | None) -> Iterator[tuple[object, object]]:
        path, place = self._paths[index], partial(self._place, index)
        with _opened(path) as file:
            found = paths_of_columns(file.schema_arrow, self._columns, str(path))
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
        return pair_source.at_most(sum(map(self._count, range(len(self._paths)))), self._most)


def _opened(path: Path) -> pq.ParquetFile:
    opened(path, packed=True).close()  # OSError for a file that cannot be read
    try:
        return pq.ParquetFile(path, memory_map=True)
    except pa.ArrowInvalid as error:
        raise ValueError(f"{path} is no Parquet file: {error}") from None


@contextmanager
def _damage_worded(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"{path} is damaged: {error}") from None
