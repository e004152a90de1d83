"""A ``SentenceTable`` as a Parquet file: a row for each sentence, typed columns, no text.

Columns: those of ``NUMBERS`` as whole numbers of 32 bits, those of ``NAMES`` as text, and for each
metric NAME its counts NAME.0, NAME.1 ... as floating-point numbers of 64 bits.
"""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from nmt.evaluation.metrics import Counts
from nmt.evaluation.scorer import Statistics
from nmt.evaluation.sentence_table import NAMES, NUMBERS, SentenceTable

MOST_SENTENCES = 2_000_000
MOST_COUNTS = 1000
"""Of one metric."""


def as_parquet(table: SentenceTable) -> bytes:
    """The content of the file."""
    import pyarrow as pa  # takes longer than scoring a small test set
    import pyarrow.parquet as pq

    columns = {name: pa.array(column, pa.int32()) for name, column in table.numbers.items()}
    columns |= {name: pa.array(column, pa.string()) for name, column in table.names.items()}
    counts = {
        f"{metric}.{k}": pa.array(of_it[:, k], pa.float64())
        for metric, of_it in table.statistics.counts.items()
        for k in range(of_it.shape[1])
    }
    packing = dict.fromkeys([*table.numbers, *table.names], "PLAIN")
    packing |= dict.fromkeys(counts, "BYTE_STREAM_SPLIT")  # a seventh smaller
    file = io.BytesIO()
    pq.write_table(
        pa.table(columns | counts),
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
        file = pq.ParquetFile(pa.BufferReader(content))
        if not file.metadata.num_rows == sentences <= MOST_SENTENCES:
            raise ValueError(f"it has {file.metadata.num_rows:,} rows for {sentences:,} sentences")
        types = {field.name: field.type for field in file.schema_arrow}
        known = {**dict.fromkeys(NUMBERS, pa.int32()), **dict.fromkeys(NAMES, pa.string())}
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
        numbers = {name: read[name].to_numpy() for name in NUMBERS if name in types}
        names = {name: tuple(read[name].to_pylist()) for name in NAMES if name in types}
    except (pa.ArrowException, OSError) as error:
        raise ValueError(" ".join(str(error).split())) from error
    if any((column < 0).any() for column in numbers.values()):
        raise ValueError("a number is below 0")
    return SentenceTable(statistics=Statistics(counts), numbers=numbers, names=names)


def _counts(read: Any, metric: str) -> Counts:
    names = [name for name in read.column_names if name.rpartition(".")[0] == metric]
    if not names or names != [f"{metric}.{k}" for k in range(len(names))]:
        raise ValueError(f"it lacks counts of {metric}")
    counts: Counts = np.stack([read[name].to_numpy() for name in names], axis=1)
    if not np.isfinite(counts).all():
        raise ValueError(f"a count of {metric} is no finite number")
    return counts
