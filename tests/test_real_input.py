"""Text as people write it: no line, no span is lost in silence, whatever the batch.

The frozen run has memorised a few pairs: it knows no other text, and has no symbols to copy with.
So what it makes of these documents is often wrong, and must then carry a flag.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from nmt import Translator
from nmt.commands.translate import main as translate
from nmt.search.greedy import GreedySearch
from nmt.text.spans import has_letters
from scripts.random_documents import Line, random_document
from tests.launching import Outcome, _logging_restored, command

__all__ = ["_logging_restored", "command"]

FROZEN = Path(__file__).parent / "frozen_run"
SENTENCES = [
    line.split("\t")[0] for line in (FROZEN / "pairs.tsv").read_text("utf-8").splitlines()[1:]
]
SEEDS = range(2)


@pytest.fixture(scope="module")
def translator() -> Translator:
    return Translator.load(FROZEN / "format_1", search=GreedySearch(), device="cpu")


@pytest.fixture(scope="module", params=SEEDS)
def document(request: pytest.FixtureRequest) -> list[Line]:
    return random_document(SENTENCES, 40, request.param)


@pytest.mark.parametrize("sentences", ["auto", "split"])
def test_every_line_comes_out_and_every_span_is_there_or_flagged(
    translator: Translator, document: list[Line], sentences: str
) -> None:
    found = translator.translate([line.text for line in document], sentences=sentences)
    assert len(found) == len(document)
    for line, one in zip(document, found, strict=True):
        assert bool(one.text.strip()) == bool(line.text.strip()) or "copy" in one.flags
        if line.text.strip() and not has_letters(line.text):
            assert one.text.strip() == line.text.strip()
        there = all(one.text.count(span) >= n for span, n in Counter(line.spans).items())
        assert there or "copy" in one.flags, (line, one)


def test_nothing_depends_on_the_batch(translator: Translator, document: list[Line]) -> None:
    lines = [line.text for line in document[:20]]
    together = translator.translate(lines, sentences="split")
    small = replace(translator, batch_tokens=1)
    for one, alone in zip(together, small.translate(lines, sentences="split"), strict=True):
        assert alone.score == pytest.approx(one.score, abs=1e-4)
        assert alone.text == one.text or abs(alone.score - one.score) < 1e-4
        assert alone.flags == one.flags or alone.text != one.text


def test_the_command_gives_what_python_gives(
    translator: Translator, command: Callable[..., Outcome], tmp_path: Path
) -> None:
    document = random_document(SENTENCES, 40, seed=9)
    document[0] = Line(document[0].text.lstrip("\ufeff"), None)  # a file's mark of byte order
    (tmp_path / "in").write_text("".join(line.text + "\n" for line in document), "utf-8")
    options = ("search=greedy", "device=cpu", "format=jsonl", "sentences=split")
    places = (f"run={FROZEN / 'format_1'}", "input=in", "output=out")
    done = command("translate", *places, *options, work=translate)
    assert done.code == 0, done.err
    rows = [json.loads(row) for row in (tmp_path / "out").read_text("utf-8").splitlines()]
    assert [row["src"] for row in rows] == [line.text for line in document]
    found = translator.translate([line.text for line in document], sentences="split")
    for row, one in zip(rows, found, strict=True):
        assert row["score"] == pytest.approx(one.score, abs=1e-4)
        assert row["text"] == one.text or abs(row["score"] - one.score) < 1e-4
