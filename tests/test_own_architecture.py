"""An architecture that nmt does not know, by one file and one YAML beside the corpus."""

import json
import shutil
from pathlib import Path

import pytest

from tests.console import SHORT, TSV, nmt_command, run_command, write_tsv

OWN = Path(__file__).parent / "own_architecture"
TRUSTED = "trusted_packages=[bag_of_words]"
RUN = "runs/tsv-bag_of_words-s1"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a model of that architecture was trained."""
    directory = tmp_path_factory.mktemp("place")
    write_tsv(directory / "pairs.tsv")
    shutil.copytree(OWN, directory, dirs_exist_ok=True)
    arguments = ["--config-dir", "configs", "model=bag_of_words", "model.hidden_size=16"]
    nmt_command("train", *arguments, *TSV, *SHORT, TRUSTED, at=directory)
    return directory


def test_it_trains_translates_and_is_evaluated(place: Path) -> None:
    arguments = [f"run={RUN}", TRUSTED, "device=cpu"]
    out, _ = nmt_command("translate", *arguments, at=place, text="one cat\n\nred dog\n")
    assert out.count("\n") == 3
    nmt_command("evaluate", *arguments, "test=small", "bootstrap.samples=10", at=place)
    result = json.loads((place / RUN / "evaluation" / "small" / "evaluation.json").read_text())
    assert result["overall"]["n"] == 12


def test_it_runs_only_where_it_is_trusted(place: Path) -> None:
    done = run_command("translate", f"run={RUN}", at=place, text="one cat\n")
    assert done.returncode == 2
    assert b"bag_of_words.BagOfWords is not in nmt" in done.stderr
    assert b"trusted_packages" in done.stderr
