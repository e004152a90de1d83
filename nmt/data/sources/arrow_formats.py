"""Columns of Arrow tables, which Parquet files and data sets of the hub are read as."""

from collections.abc import Callable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from nmt.data.sources.columns import TRANSLATION, Columns, missing


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
