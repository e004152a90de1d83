"""A corpus in memory, for what works on any."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from nmt.data.build_corpus import SUMMARY, build_text, part_file
from nmt.data.cleaning import CleaningReport, CleaningRules
from nmt.data.sources import PairSource, TrainingCorpus
from nmt.data.stores import TextStore
from nmt.data.text_files import SentencePair


class FakeSource(PairSource):
    """Rows of a list. read: how many times they were asked for."""

    def __init__(self, rows: Sequence[tuple[object, object]]) -> None:
        self._rows = rows
        self.read = 0

    def rows(self) -> Iterator[tuple[object, object]]:
        self.read += 1
        return iter(self._rows)

    def place(self, row: int) -> str:
        return f"fake:{row + 1}"

    def identity(self) -> dict[str, Any]:
        return {"rows": repr(self._rows)}

    def size(self) -> int | None:
        return None


def built(
    rows: Sequence[tuple[object, object]],
    rules: CleaningRules,
    given: Sequence[SentencePair] = (),
    draws: Mapping[str, int] | None = None,
) -> tuple[dict[str, list[SentencePair]], CleaningReport]:
    """What build_text makes of the rows: part -> pairs, and the report."""
    draws = draws or {}
    with TemporaryDirectory() as name:
        directory = Path(name)
        build_text(directory, [TrainingCorpus(FakeSource(rows))], rules, given=given, draws=draws)
        parts = {part: list(TextStore(directory / part_file(part))) for part in ("train", *draws)}
        summary = json.loads((directory / SUMMARY).read_text())
        files = {path.name for path in directory.iterdir()}
        assert files == {SUMMARY, *map(part_file, parts)}
    return parts, CleaningReport.from_dict(summary["cleaning"])


def clean(
    rows: Sequence[tuple[object, object]], rules: CleaningRules, held_out: Sequence[SentencePair]
) -> tuple[list[SentencePair], CleaningReport]:
    """The training pairs that are left, and what became of the others."""
    parts, report = built(rows, rules, held_out)
    return parts["train"], report
