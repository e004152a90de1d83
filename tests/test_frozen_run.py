"""A run of format 1, as the program wrote it before its modules moved: it has memorised its pairs,
so that what it translates does not hang on rounding."""

import shutil
from pathlib import Path

import pytest

from nmt import Translator
from nmt.run_directory import RunDirectory

FROZEN = Path(__file__).parent / "frozen_run"
PAIRS = [line.split("\t") for line in (FROZEN / "pairs.tsv").read_text().splitlines()[1:]]


def test_it_translates_as_it_did() -> None:
    translator = Translator.load(FROZEN / "format_1", device="cpu")
    translations = translator.translate([src for src, _ in PAIRS])
    assert [one.text for one in translations] == [tgt for _, tgt in PAIRS]
    assert all(one.flags == () for one in translations)


def test_its_test_set_is_there() -> None:
    sources, references = RunDirectory.open(FROZEN / "format_1").test_set("small")
    assert list(zip(sources, references, strict=True)) == [tuple(pair) for pair in PAIRS]


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The frozen run and its corpus, where they may be written to."""
    shutil.copytree(FROZEN, tmp_path, dirs_exist_ok=True)
    return tmp_path
