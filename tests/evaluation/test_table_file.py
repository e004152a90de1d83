"""A table of sentences is data too: what does not fit is refused in one line."""

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nmt.evaluation.result_files import SENTENCES, read_evaluation, read_table, write_evaluation
from nmt.evaluation.table_file import as_parquet, from_parquet
from tests.evaluation.test_result_files import LINES, scored

METRICS = ["bleu", "chrf", "chrf++", "ter"]


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    names = {"documents": ["a", "b", "a"], "labels": ["é", "x", "x"]}
    evaluation, table = scored(hit_limit=[True, False, False], **names)
    write_evaluation(evaluation, table, LINES, tmp_path)
    read = read_table(tmp_path, read_evaluation(tmp_path))
    assert read is not None and read.names == table.names
    assert {**read.numbers}.keys() == {**table.numbers}.keys()
    for name, column in table.numbers.items():
        np.testing.assert_array_equal(read.numbers[name], column)
    for metric in METRICS:
        np.testing.assert_array_equal(read.statistics[metric], table.statistics[metric])


def test_there_is_no_text_in_it() -> None:
    words = ["Geheimnis"] * 3
    content = as_parquet(scored(sources=words, references=[words], hypotheses=words)[1])
    rows = pq.read_table(io.BytesIO(content))
    assert not any(pa.types.is_string(field.type) for field in rows.schema)
    assert b"Geheimnis" not in content


def spoiled(change: Callable[[Any], Any]) -> bytes:
    file = io.BytesIO()
    pq.write_table(change(pq.read_table(io.BytesIO(as_parquet(scored()[1])))), file)
    return file.getvalue()


def put(rows: Any, name: str, values: Any) -> Any:
    return rows.set_column(rows.column_names.index(name), name, values)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: rows.slice(0, 2), "it has 2 rows for 3 sentences"),
        (lambda rows: rows.drop_columns(["ter.1", "ter.0"]), "lacks counts of ter"),
        (lambda rows: rows.drop_columns(["bleu.3"]), "lacks counts of bleu"),
        (lambda rows: rows.append_column("x", rows["repeats"]), "column 'x' .* is not known"),
        (lambda rows: rows.append_column("comet.0", rows["ter.0"]), "'comet.0'"),
        (lambda rows: rows.append_column("bleu.99999", rows["ter.0"]), "'bleu.99999'"),
        (lambda rows: rows.append_column("label", rows["ter.0"]), "'label' of the type double"),
        (lambda rows: put(rows, "repeats", pa.array([1, 0, None], pa.int32())), "is missing"),
        (lambda rows: put(rows, "repeats", pa.array([1, 0, -4], pa.int32())), "below 0"),
        (lambda rows: put(rows, "ter.0", pa.array([1.0, 0, np.inf])), "no finite number"),
        (lambda rows: rows.append_column("repeats", rows["repeats"]), "two columns of one name"),
        (lambda rows: rows.append_column("label", pa.array(["x" * 2**12] * 3)), "longer than"),
        (
            lambda rows: rows.append_column("label", pa.array([f"{k}" * 2**21 for k in range(3)])),
            "bytes",
        ),
    ],
)
def test_what_does_not_fit_is_refused(change: Callable[[Any], Any], said: str) -> None:
    with pytest.raises(ValueError, match=said) as raised:
        from_parquet(spoiled(change), 3, METRICS)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + bytes(90) + b"PAR1", b"{}"])
def test_no_parquet_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"[a-z]") as raised:
        from_parquet(content, 3, METRICS)
    assert "\n" not in str(raised.value)


def test_damage_of_any_byte_is_seen(tmp_path: Path) -> None:
    evaluation, table = scored()
    write_evaluation(evaluation, table, LINES, tmp_path)
    known, path = read_evaluation(tmp_path), tmp_path / SENTENCES
    whole = path.read_bytes()
    for place in (0, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(ValueError, match=r"sentences\.parquet is damaged"):
            read_table(tmp_path, known)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"sentences\.parquet is missing.*nmt-evaluate"):
        read_table(tmp_path, known)


def test_a_table_with_the_right_checksum_is_checked_too(tmp_path: Path) -> None:
    evaluation, table = scored()
    write_evaluation(evaluation, table, LINES, tmp_path)
    content = spoiled(lambda rows: rows.slice(0, 1))
    (tmp_path / SENTENCES).write_bytes(content)
    values = json.loads((tmp_path / "evaluation.json").read_text())
    values["table_sha256"] = hashlib.sha256(content).hexdigest()
    (tmp_path / "evaluation.json").write_text(json.dumps(values))
    with pytest.raises(ValueError, match=r"sentences\.parquet cannot be read: it has 1 rows"):
        read_table(tmp_path, read_evaluation(tmp_path))


def test_older_results_have_no_table(tmp_path: Path) -> None:
    evaluation, table = scored()
    write_evaluation(evaluation, table, LINES, tmp_path)
    values = json.loads((tmp_path / "evaluation.json").read_text())
    del values["table_sha256"]
    (tmp_path / "evaluation.json").write_text(json.dumps(values))
    assert read_table(tmp_path, read_evaluation(tmp_path)) is None
