"""A source of text of one's own: comma-separated values, whose quotes are no text."""

import csv
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from nmt.data.sources.open_source import columns_of, paths_of
from nmt.data.sources.pair_source import ColumnsSource, PairSource


class CsvSource(ColumnsSource):
    """Files with a header; a row that lacks a column has None there."""

    def _options(self) -> dict[str, Any]:
        return {"format": "quoted"}

    def _file_rows(self, index: int, most: int | None) -> Iterator[tuple[object, object]]:
        with open(self._paths[index], encoding="utf-8", newline="") as file:
            for row in islice(csv.DictReader(file), most):
                yield row.get(self._columns.src), row.get(self._columns.tgt)

    def _place(self, index: int, row: int) -> str:
        return f"{self._paths[index]}, row {row}"

    def size(self) -> int | None:
        return None  # a row may span several lines


def open_csv(data: Mapping[str, Any], part: str, most: int | None) -> PairSource:
    """What ``FORMATS`` is given for it."""
    return CsvSource(paths_of(data, part), columns_of(data), most)
