"""What a part of a corpus offers, whatever it is kept in."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any


class PairSource(ABC):
    """One part of a corpus (training, validation or a test set), read as often as one likes."""

    @abstractmethod
    def rows(self) -> Iterator[tuple[object, object]]:
        """(source, target) of each row as it stands, one at a time: memory stays flat.

        A value may be anything that the format can hold: text, a number, None where the row lacks
        it. A single bad row is no error; it is for the caller to judge.

        Raises OSError for what cannot be read, ValueError for what is damaged, is not UTF-8, or
        lacks a side altogether. Either may come after many rows.
        """

    @abstractmethod
    def place(self, row: int) -> str:
        """Where row ``row``, counted from 0, stands: "train.tsv:17", with lines counted from 1,
        or "x.parquet, row 17", with rows counted from 0, as those who read such files count."""

    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """What tells these rows from others: plain values that change when the rows do.

        Depends on content and options, not on where files lie. Takes no longer than reading the
        bytes once. Raises OSError for a file that cannot be read.
        """

    @abstractmethod
    def size(self) -> int | None:
        """How many rows there are, where that is known without reading them all."""
