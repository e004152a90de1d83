"""Parquet: values as they are stored, whatever type they have."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nmt.data.sources import PairSource, open_source


def opened(*paths: Path, **options: Any) -> PairSource:
    columns = {"src_column": "en", "tgt_column": "fr"}
    data = {"format": "parquet", "train": list(map(str, paths)), **columns, **options}
    return open_source(data, "train")


def parquet(path: Path, table: Any, **options: Any) -> Path:
    pq.write_table(table if isinstance(table, pa.Table) else pa.table(table), path, **options)
    return path


def test_every_value_stands_as_it_is(tmp_path: Path) -> None:
    texts = ['"', "NA", "null", "", "a\tb", "a\nb", "a\rb\r", "\u2028", "\0", "\ufeff", None, "é"]
    numbers = [*range(10), None, 11]
    path = parquet(tmp_path / "x.parquet", {"en": texts, "fr": numbers, "id": numbers})
    assert list(opened(path).rows()) == list(zip(texts, numbers, strict=True))
    assert list(opened(path, src_column="fr", tgt_column="en").rows()) == list(
        zip(numbers, texts, strict=True)
    )


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()])
def test_every_kind_of_text_is_read(tmp_path: Path, kind: pa.DataType) -> None:
    texts = pa.array(["a", None, "a"], kind)
    path = parquet(tmp_path / "x.parquet", {"en": texts, "fr": texts})
    assert list(opened(path).rows()) == [("a", "a"), (None, None), ("a", "a")]
    coded = pa.array(["a", None, "a"]).dictionary_encode()
    path = parquet(tmp_path / "y.parquet", {"en": coded, "fr": coded})
    assert list(opened(path).rows()) == [("a", "a"), (None, None), ("a", "a")]


def test_columns_are_found_in_translation_and_along_dots(tmp_path: Path) -> None:
    rows = [
        {"en": "top", "translation": {"en": "in", "fr": "dedans"}, "a": {"b": "x"}, "c.d": "y"},
        {"en": "2", "translation": None, "a": {"b": None}, "c.d": None},
    ]
    path = parquet(tmp_path / "x.parquet", pa.Table.from_pylist(rows))
    assert list(opened(path).rows()) == [("top", "dedans"), ("2", None)]
    for columns, expected in (
        (("a.b", "c.d"), ("x", "y")),
        (("translation.fr", "translation.en"), ("dedans", "in")),
    ):
        source = opened(path, src_column=columns[0], tgt_column=columns[1])
        assert list(source.rows()) == [expected, (None, None)]


def test_many_batches_row_groups_and_files_stay_in_order(tmp_path: Path) -> None:
    numbers = list(range(10_000))
    first = parquet(tmp_path / "a.parquet", {"en": numbers, "fr": numbers}, row_group_size=1500)
    second = parquet(tmp_path / "b.parquet", {"fr": [-1], "en": [-2]})
    source = opened(first, second)
    assert list(source.rows()) == [*zip(numbers, numbers, strict=True), (-2, -1)]
    assert source.size() == 10_001
    assert source.place(9999) == f"{first}, row 9999"
    assert source.place(10_000) == f"{second}, row 0"
    limited = opened(first, second, max_pairs=7000)
    assert [src for src, _ in limited.rows()] == numbers[:7000]
    assert limited.size() == 7000


def test_identity_is_of_content_and_columns(tmp_path: Path) -> None:
    table = {"en": ["a"], "fr": ["b"]}
    first, same = parquet(tmp_path / "a.parquet", table), parquet(tmp_path / "b.parquet", table)
    other = parquet(tmp_path / "c.parquet", {"en": ["a"], "fr": ["c"]})
    assert opened(first).identity() == opened(same).identity()
    assert opened(first).identity() != opened(other).identity()
    swapped = opened(first, src_column="fr", tgt_column="en")
    assert swapped.identity() != opened(first).identity()


def test_what_is_no_such_table_is_refused(tmp_path: Path) -> None:
    path = parquet(tmp_path / "x.parquet", {"en": ["a"], "de": ["b"], "t": [{"x": 1}]})
    with pytest.raises(
        ValueError, match=r"x\.parquet: no column 'fr'; there are: .en., .de., .t\.x.\."
    ):
        next(opened(path).rows())
    (tmp_path / "text").write_text("en\tfr\n")
    with pytest.raises(ValueError, match="text is no Parquet file"):
        next(opened(tmp_path / "text").rows())
    with pytest.raises(FileNotFoundError, match=r"no such file: .*missing"):
        next(opened(tmp_path / "missing").rows())
    with pytest.raises(IsADirectoryError, match="is a directory: name a file in it"):
        next(opened(tmp_path).rows())


def test_text_that_is_not_utf8_is_located(tmp_path: Path) -> None:
    broken = pa.array([*[b"x"] * 5000, b"gr\xf6\xdfer"]).view(pa.string())
    path = parquet(tmp_path / "x.parquet", {"en": broken, "fr": broken})
    with pytest.raises(ValueError, match=r"x\.parquet, row 5000: not valid UTF-8"):
        list(opened(path).rows())


def test_damage_is_told_with_the_file(tmp_path: Path) -> None:
    texts = [f"text {n}" for n in range(5000)]
    path = parquet(tmp_path / "x.parquet", {"en": texts, "fr": texts})
    content = bytearray(path.read_bytes())
    content[4:2000] = bytes(1996)
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"x\.parquet is damaged"):
        list(opened(path).rows())
