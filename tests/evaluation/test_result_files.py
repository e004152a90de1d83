import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from nmt.evaluation.bootstrap import Bootstrap
from nmt.evaluation.evaluation import Evaluation
from nmt.evaluation.from_table import evaluate_translations as evaluate
from nmt.evaluation.recipe import Scoring
from nmt.evaluation.result_files import (
    check_free,
    directory_in_run,
    find_evaluation,
    read_evaluation,
    write_evaluation,
)
from nmt.evaluation.sentence_table import SentenceTable

LINES = ["Ein Hund\u2028läuft .", "", "ein\rHund"]


def scored(**changes: Any) -> tuple[Evaluation, SentenceTable]:
    arguments = {
        "system": "toy",
        "test_set": "test",
        "sources": LINES,
        "references": [LINES],
        "hypotheses": LINES,
        "scoring": Scoring(bootstrap=Bootstrap(samples=5)),
        "search": {"_target_": "nmt.search.beam.BeamSearch", "beam_size": 5},
        "text": {"sentences": "line", "normalization": "none"},
        **changes,
    }
    return evaluate(**arguments)


def made(**changes: Any) -> Evaluation:
    return scored(**changes)[0]


def write(
    evaluation: Evaluation, lines: list[str], directory: Path, *, overwrite: bool = False
) -> list[Path]:
    """With the table of three sentences, which fits no other metrics than those of ``made``."""
    table = scored()[1]
    return write_evaluation(evaluation, table, lines, directory, overwrite=overwrite)


def test_what_is_stored_is_read_again(tmp_path: Path) -> None:
    evaluation = made(seconds=2.5)
    paths = write(evaluation, LINES, tmp_path / "evaluation" / "test")
    assert read_evaluation(tmp_path / "evaluation" / "test") == evaluation
    assert sorted(paths) == sorted((tmp_path / "evaluation" / "test").iterdir())
    assert paths[0].read_bytes().decode() == "".join(f"{line}\n" for line in LINES)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"search": {"beam_size": 1}}, "search.beam_size is 5 there and 1 here"),
        ({"search": {}}, "search.beam_size is 5 there and not set here"),
        ({"system": "other"}, "system is toy there and other here"),
        ({"sources": ["x"] * 3}, "test_set.sha256_src"),
        ({"text": {"sentences": "auto"}}, "text.sentences is line there and auto here"),
        ({"documents": ["x"] * 3}, "test_set.sha256_documents is None there"),
        ({"scoring": Scoring(bootstrap=Bootstrap(samples=5), metrics=["bleu"])}, "signatures.ter"),
        ({"scoring": Scoring(edges=(5,))}, r"edges is \[10, 20, 30, 40, 50, 60\] there"),
        ({"scoring": Scoring(tokenize="none")}, "signatures.bleu"),
        ({"scoring": Scoring()}, "bootstrap.samples is 5 there and 1000 here"),
    ],
)
def test_a_result_made_in_another_way_is_kept(
    tmp_path: Path, changes: dict[str, Any], named: str
) -> None:
    first, second = made(), made(**changes)
    write(first, LINES, tmp_path)
    with pytest.raises(ValueError, match=f"{named}.*name=.*overwrite=true"):
        write(second, LINES, tmp_path)
    with pytest.raises(ValueError, match=named):
        check_free(tmp_path, second)
    assert read_evaluation(tmp_path) == first
    write(second, LINES, tmp_path, overwrite=True)
    assert read_evaluation(tmp_path) == second


def test_a_result_made_in_the_same_way_is_replaced(tmp_path: Path) -> None:
    write(made(seconds=1.0), LINES, tmp_path)
    again = made(seconds=2.0, hypotheses=["better", "", "words"])
    write(again, ["better", "", "words"], tmp_path)
    assert read_evaluation(tmp_path) == again


def test_a_result_of_more_metrics_replaces_one_of_fewer(tmp_path: Path) -> None:
    few = Scoring(bootstrap=Bootstrap(samples=5), metrics=["bleu", "chrf"])
    write(made(scoring=few), LINES, tmp_path)
    write(made(), LINES, tmp_path)
    assert read_evaluation(tmp_path) == made()


def test_a_failure_leaves_the_old_result_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(made(seconds=1.0), LINES, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        write(made(hypotheses=["a", "b", "c"]), ["a", "b", "c"], tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_hypothesis_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="hypothesis 2 holds a line break"):
        write(made(), ["a", "b\nc", "d"], tmp_path)
    assert not list(tmp_path.iterdir())


def test_damage_is_named_with_the_file(tmp_path: Path) -> None:
    write(made(), LINES, tmp_path)
    path = tmp_path / "evaluation.json"
    whole = json.loads(path.read_text())
    for text, message in (
        ("", "Expecting value"),
        (json.dumps(whole | {"format_version": 4}), "format_version 4, .* reads 1, 2, 3"),
        (json.dumps({k: v for k, v in whole.items() if k != "edges"}), "lacks 'edges'"),
        (json.dumps(whole | {"colour": "red"}), "colour"),
        ("[]", "evaluation.json cannot be read"),
    ):
        path.write_text(text)
        with pytest.raises(ValueError, match=message) as raised:
            read_evaluation(tmp_path)
        assert str(path) in str(raised.value)
        with pytest.raises(ValueError, match="overwrite=true"):
            check_free(tmp_path, made())
        check_free(tmp_path, made(), overwrite=True)


def test_an_evaluation_is_found_by_name_or_as_the_directory_itself(tmp_path: Path) -> None:
    ours, theirs = made(system="ours"), made(system="theirs")
    write(ours, LINES, tmp_path / "run" / "evaluation" / "test")
    write(theirs, LINES, tmp_path / "output")
    assert read_evaluation(find_evaluation(tmp_path / "run", "test")) == ours
    assert read_evaluation(find_evaluation(tmp_path / "output", "test")) == theirs
    with pytest.raises(FileNotFoundError, match=r"no evaluation valid \(it has: test\)"):
        find_evaluation(tmp_path / "run", "valid")
    with pytest.raises(FileNotFoundError, match=r"it has: none.*nmt-evaluate run="):
        find_evaluation(tmp_path, "test")
    with pytest.raises(FileNotFoundError, match="no such run"):
        find_evaluation(tmp_path / "nowhere", "test")


@pytest.mark.parametrize("name", ["", "..", "a/b", "/a", "../other"])
def test_a_name_cannot_lead_out_of_the_run(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="plain name"):
        directory_in_run(tmp_path, name)
    assert directory_in_run(tmp_path, "test_2016") == tmp_path / "evaluation" / "test_2016"
