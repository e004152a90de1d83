"""The installed commands, one after the other, on a corpus of a few words."""

import json
import random
from pathlib import Path

import pytest

import nmt
from scripts.word_by_word import WORDS
from tests.console import SHORT, nmt_command

SMALL = ["model.embed_size=16", "model.hidden_size=16", *SHORT]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a corpus and, in runs/, two models trained on it by one sweep."""
    directory = tmp_path_factory.mktemp("place")
    choose = random.Random(1).choices
    arguments = ["data=files"]
    for part, size in {"train": 60, "valid": 8, "tests.small": 12}.items():
        sentences = [choose(list(WORDS), k=2 + n % 7) for n in range(size)]
        for side, words in {"src": WORDS.keys(), "tgt": WORDS.values()}.items():
            meaning = dict(zip(WORDS, words, strict=True))
            lines = [" ".join(meaning[word] for word in sentence) for sentence in sentences]
            (directory / f"{part}.{side}").write_text("".join(f"{line}\n" for line in lines))
            arguments.append(f"data.{part}.{side}={part}.{side}")
    nmt_command("train", "-m", "model=lstm,lstm_bahdanau", *arguments, *SMALL, at=directory)
    return directory


RUNS = ["runs/files-lstm-s1", "runs/files-lstm_bahdanau-s1"]


def test_training_leaves_runs_and_nothing_else(place: Path) -> None:
    assert sorted(path.name for path in (place / "runs").iterdir()) == [
        Path(run).name for run in RUNS
    ]
    assert [path.name for path in place.iterdir() if path.is_dir()] == ["runs"]
    for run in RUNS:
        steps = [json.loads(line) for line in (place / run / "metrics.jsonl").open()]
        assert steps[-1]["step"] == 6


def test_translating_is_a_filter(place: Path) -> None:
    out, err = nmt_command("translate", f"run={RUNS[1]}", at=place, text="one cat\n\nred dog é\n")
    assert out.count("\n") == 3
    assert out.split("\n")[1] == ""
    assert err == "" or err.startswith("translations: 3, of which\n")
    translations = nmt.Translator.load(place / RUNS[1]).translate(["one cat", "", "red dog é"])
    assert out == "".join(f"{translation.text}\n" for translation in translations)


def test_scores_are_compared(place: Path) -> None:
    settings = ["edges=[4,6]", "bootstrap.samples=20", "search=greedy"]
    out, err = nmt_command(
        "evaluate", "-m", f"run={','.join(RUNS)}", "test=small", *settings, at=place
    )
    assert out.count("BLEU by source length in words on small (12 sentences)") == 2
    for run in RUNS:
        directory = place / run / "evaluation" / "small"
        assert (directory / "hypotheses.txt").read_text().count("\n") == 12
        result = json.loads((directory / "evaluation.json").read_text())
        assert [row["label"] for row in result["buckets"]] == ["0-3", "4-5", "6+"]
        assert sum(row["n"] for row in result["buckets"]) == result["overall"]["n"] == 12
        assert result["search"]["_target_"] == "nmt.search.greedy.GreedySearch"
        assert result["seconds"] > 0
        assert f"{run}/evaluation/small/evaluation.json" in err
    out, err = nmt_command("compare", f"runs=[{','.join(RUNS)}]", "evaluation=small", at=place)
    assert "lstm_bahdanau" in out
    for name in ("comparison.md", "bleu_by_length.png", "bleu_by_length.svg"):
        assert f"runs/comparison-small/{name}" in err
        assert (place / "runs" / "comparison-small" / name).stat().st_size > 0
