"""An ``evaluation.json`` is data too: it is refused in one line that names it, or shown."""

import copy
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nmt.evaluation.result_files import find_evaluation, read_evaluation
from nmt.report.tables import evaluation_tables
from tests.evaluation.test_result_files import LINES, made, write

Change = Callable[[dict[str, Any]], object]


def first(values: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = values["buckets"][0]
    return row


SPOILED: dict[str, tuple[Change | str, str]] = {
    "nested": ("[" * 100_000, "nested too deeply"),
    "long": ('"' + "x" * 2**24 + '"', "bytes, where at most"),
    "list": ("[]", "cannot be read"),
    "number": ("5", "cannot be read"),
    "NaN": ('{"seconds": NaN}', "no finite number"),
    "key twice": ('{"seconds": 1, "seconds": 2}', "stands twice"),
    "version": (lambda v: v.update(format_version=[2]), "format_version"),
    "n in words": (lambda v: first(v).update(n="many"), r"buckets\[0\].n must be"),
    "n of 2^70": (lambda v: first(v).update(n=2**70), r"buckets\[0\].n must be"),
    "score in words": (lambda v: first(v).update(bleu="high"), "value must be"),
    "interval of three": (lambda v: first(v).update(bleu_ci=[1, 2, 3]), "interval must be"),
    "no score": (lambda v: first(v).pop("bleu"), "cannot be read"),
    "ratio": (lambda v: first(v).update(length_ratio={}), "length_ratio must be"),
    "bucket that is a list": (lambda v: v.update(buckets=[[]]), "cannot be read"),
    "overall": (lambda v: v.update(overall=None), "cannot be read"),
    "bootstrap": (lambda v: v.update(bootstrap={"level": "x"}), "level must be"),
    "samples": (lambda v: v["bootstrap"].update(samples=10**12), "samples must be at most 100,000"),
    "signatures": (lambda v: v.update(signatures={}), "no signature of BLEU"),
    "signature": (lambda v: v["signatures"].update(bleu=1), "must be of the type str"),
    "buckets of one name": (lambda v: v["buckets"].append(first(v)), "buckets of one name"),
    "many buckets": (lambda v: v.update(buckets=[first(v)] * 2000), "or too many"),
    "seconds": (lambda v: v.update(seconds="1"), "seconds must be"),
    "edges": (lambda v: v.update(edges="10"), "edges must be"),
    "test set": (lambda v: v.update(test_set={"name": 1}), "cannot be read"),
    "cut": (lambda v: v.update(by="colour"), "by must be one of"),
    "many quantiles": (lambda v: v.update(quantiles=2**60), "too many buckets"),
    "many edges": (lambda v: v.update(edges=[*range(1, 5000)]), "too many buckets"),
    "checksum": (lambda v: v.update(table_sha256=5), "table_sha256 must be"),
    "unknown": (lambda v: v.update(bomb=1), "has no 'bomb'"),
}


@pytest.mark.parametrize("name", SPOILED)
def test_it_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    write(made(), LINES, tmp_path)
    path = tmp_path / "evaluation.json"
    change, message = SPOILED[name]
    if isinstance(change, str):
        path.write_text(change)
    else:
        values = copy.deepcopy(json.loads(path.read_text()))
        change(values)
        path.write_text(json.dumps(values))
    with pytest.raises(ValueError, match=message) as raised:
        read_evaluation(tmp_path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 1000


def test_a_terminal_takes_nothing_in_it_for_a_command(tmp_path: Path) -> None:
    write(made(system="a\x1b[2J\nb"), LINES, tmp_path)
    (table,) = evaluation_tables(read_evaluation(tmp_path))[:1]
    assert table.text().startswith("a?[2J?b: ")


@pytest.mark.parametrize("name", ["evaluation.json", "sentences.parquet", "hypotheses.txt"])
@pytest.mark.parametrize("held", [".", "evaluation/test"])
def test_no_file_of_it_is_a_link_to_elsewhere(name: str, held: str, tmp_path: Path) -> None:
    """A report would show the user's own text, which the link leads to."""
    write(made(), LINES, tmp_path / "result" / held)
    assert find_evaluation(tmp_path / "result", "test")
    path = tmp_path / "result" / held / name
    path.rename(tmp_path / "precious")
    path.symlink_to(tmp_path / "precious")
    with pytest.raises(ValueError, match="leads out of") as raised:
        find_evaluation(tmp_path / "result", "test")
    assert str(path.name) in str(raised.value)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_it_is_not_read_from_a_pipe(tmp_path: Path) -> None:
    write(made(), LINES, tmp_path)
    (tmp_path / "hypotheses.txt").unlink()
    os.mkfifo(tmp_path / "hypotheses.txt")
    with pytest.raises(ValueError, match="neither a file nor a directory"):
        find_evaluation(tmp_path, "test")


def test_it_may_lie_behind_a_link(tmp_path: Path) -> None:
    write(made(), LINES, tmp_path / "run" / "evaluation" / "test")
    (tmp_path / "latest").symlink_to(tmp_path / "run")
    assert read_evaluation(find_evaluation(tmp_path / "latest", "test")) == made()
