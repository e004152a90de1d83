"""A ``SentenceTable`` as a Parquet file: a row for each sentence, typed columns, no text.

Columns: those of ``NUMBERS`` as whole numbers of 32 bits, those of ``NAMES`` as text, and for each
metric NAME its counts NAME.0, NAME.1 ... as floating-point numbers of 64 bits.
"""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nmt.evaluation.metrics import Counts
from nmt.evaluation.scorer import Statistics
from nmt.evaluation.sentence_table import NAMES, NUMBERS, SentenceTable

MOST_SENTENCES = 2_000_000
LONGEST_NAME = 1000
MOST_COUNTS = 1000
"""Of one metric."""


def as_parquet(table: SentenceTable) -> bytes:
    """The content of the file."""
    import pyarrow as pa  # takes longer than scoring a small test set
    import pyarrow.parquet as pq

    def array(kind: Any, values: Any, dtype: Any) -> Any:
        """An array of numbers. ``pa.array`` makes the same, and imports pandas to do it."""
        whole = np.ascontiguousarray(values, dtype)
        return pa.Array.from_buffers(kind, len(whole), [None, pa.py_buffer(whole)])

    columns = {n: array(pa.int32(), column, np.int32) for n, column in table.numbers.items()}
    columns |= {name: pa.array(column, pa.string()) for name, column in table.names.items()}
    counts = {
        f"{metric}.{k}": array(pa.float64(), of_it[:, k], np.float64)
        for metric, of_it in table.statistics.counts.items()
        for k in range(of_it.shape[1])
    }
    packing = dict.fromkeys([*table.numbers, *table.names], "PLAIN")
    packing |= dict.fromkeys(counts, "BYTE_STREAM_SPLIT")  # a seventh smaller
    file = io.BytesIO()
    pq.write_table(
        pa.Table.from_arrays([*columns.values(), *counts.values()], [*columns, *counts]),
        file,
        compression="zstd",
        use_dictionary=False,
        column_encoding=packing,
        write_statistics=False,
    )
    return file.getvalue()


def from_parquet(content: bytes, sentences: int, metrics: Sequence[str]) -> SentenceTable:
    """The table in a file that may come from anybody. Raises ValueError unless it has so many rows,
    and the counts of exactly these metrics; both are checked before columns are read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        held = pq.read_metadata(pa.BufferReader(content)).schema.names
        with_names = [name for name in NAMES if name in held]
        file = pq.ParquetFile(pa.BufferReader(content), read_dictionary=with_names)
        if not file.metadata.num_rows == sentences <= MOST_SENTENCES:
            raise ValueError(f"it has {file.metadata.num_rows:,} rows for {sentences:,} sentences")
        groups = (file.metadata.row_group(k) for k in range(file.metadata.num_row_groups))
        if (size := sum(group.total_byte_size for group in groups)) > _most_bytes(sentences):
            raise ValueError(f"it would take {size:,} bytes of memory")
        types = {field.name: field.type for field in file.schema_arrow}
        text = pa.dictionary(pa.int32(), pa.string())
        known = {**dict.fromkeys(NUMBERS, pa.int32()), **dict.fromkeys(NAMES, text)}
        for name, kind in types.items():
            metric, _, place = name.rpartition(".")
            is_count = metric in metrics and place.isdecimal() and int(place) < MOST_COUNTS
            wanted = pa.float64() if is_count else known.get(name)
            if kind != wanted:
                raise ValueError(f"its column {name!r:.100} of the type {kind} is not known")
        if len(types) < len(file.schema_arrow):
            raise ValueError("it has two columns of one name")
        read = file.read()
        if any(column.null_count for column in read.columns):
            raise ValueError("a value is missing")
        counts = {metric: _counts(read, metric) for metric in metrics}
        numbers = {name: _array(read[name], np.int32) for name in NUMBERS if name in types}
        names = {name: _names(read[name]) for name in NAMES if name in types}
    except (pa.ArrowException, OSError) as error:
        raise ValueError(" ".join(str(error).split())) from error
    if any((column < 0).any() for column in numbers.values()):
        raise ValueError("a number is below 0")
    return SentenceTable(statistics=Statistics(counts), numbers=numbers, names=names)


def _counts(read: Any, metric: str) -> Counts:
    names = [name for name in read.column_names if name.rpartition(".")[0] == metric]
    if not names or names != [f"{metric}.{k}" for k in range(len(names))]:
        raise ValueError(f"it lacks counts of {metric}")
    counts: Counts = np.stack([_array(read[name], np.float64) for name in names], axis=1)
    if not np.isfinite(counts).all():
        raise ValueError(f"a count of {metric} is no finite number")
    return counts


def _array(column: Any, dtype: Any) -> NDArray[Any]:
    """A column of numbers without missing ones; ``to_numpy`` would import pandas."""
    parts = [
        np.frombuffer(chunk.buffers()[1], dtype)[chunk.offset : chunk.offset + len(chunk)]
        for chunk in column.chunks
    ]
    return np.concatenate(parts)


def _names(column: Any) -> tuple[str, ...]:
    """A column of text, of which each name is in memory once."""
    names: list[str] = []
    for chunk in column.chunks:
        known = chunk.dictionary.to_pylist()
        if any(name is None or len(name) > LONGEST_NAME for name in known):
            raise ValueError(f"a name is missing, or longer than {LONGEST_NAME} characters")
        names += [known[place] for place in chunk.indices.to_pylist()]
    return tuple(names)


def _most_bytes(sentences: int) -> int:
    """The memory that a table may take, with hundreds of counts and long names."""
    return 2**20 + 4000 * sentences
