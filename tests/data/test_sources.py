"""What all sources have in common, and the plain text files among them."""

import gzip
import os
from pathlib import Path
from typing import Any

import pytest

from nmt.data.sources import absolute, open_source
from nmt.data.sources.text_formats import TextSource


def write(path: Path, *lines: str) -> str:
    content = "".join(f"{line}\n" for line in lines).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return str(path)


def text(directory: Path, **options: Any) -> dict[str, Any]:
    """A ``data`` section of two pairs of files, of 3 and 2 rows."""
    src = [
        write(directory / "a.de", "eins", "zwei", "drei"),
        write(directory / "b.de", "vier", "fünf"),
    ]
    tgt = [
        write(directory / "a.en", "one", "two", "three"),
        write(directory / "b.en", "four", "five"),
    ]
    part = {"src": src, "tgt": tgt}
    return {"format": "text", "train": part, "valid": part, "tests": {"x.y": part}, **options}


PAIRS = [("eins", "one"), ("zwei", "two"), ("drei", "three"), ("vier", "four"), ("fünf", "five")]


@pytest.mark.parametrize("part", ["train", "valid", "tests.x.y"])
def test_rows_of_a_part_can_be_read_again(tmp_path: Path, part: str) -> None:
    source = open_source(text(tmp_path), part)
    half_read = source.rows()
    next(half_read)
    assert list(source.rows()) == PAIRS
    assert list(source.rows()) == PAIRS
    assert list(half_read) == PAIRS[1:]


def test_places_are_told_before_reading_and_after(tmp_path: Path) -> None:
    expected = [f"{tmp_path}/a.de:{n} and {tmp_path}/a.en:{n}" for n in (1, 2, 3)]
    expected += [f"{tmp_path}/b.de:{n} and {tmp_path}/b.en:{n}" for n in (1, 2)]
    source = open_source(text(tmp_path), "train")
    for _ in range(2):
        assert [source.place(row) for row in range(5)] == expected
        list(source.rows())


@pytest.mark.parametrize("most", [1, 3, 4, 9])
def test_training_pairs_are_limited_from_the_start(tmp_path: Path, most: int) -> None:
    data = text(tmp_path, max_pairs=most)
    train = open_source(data, "train")
    assert list(train.rows()) == PAIRS[:most]
    assert train.size() == min(most, 5)
    assert [train.place(row)[-4:] for row in range(min(most, 5))] == [
        f"en:{n}" for n in (1, 2, 3, 1, 2)
    ][:most]
    assert list(open_source(data, "valid").rows()) == PAIRS


def test_what_lies_beyond_the_limit_is_not_read(tmp_path: Path) -> None:
    data = text(tmp_path, max_pairs=2)
    write(tmp_path / "a.de", "eins", "zwei")
    (tmp_path / "b.de").write_bytes(b"\xff\n")
    assert list(open_source(data, "train").rows()) == PAIRS[:2]


def test_the_number_of_rows_is_known_unless_it_is_packed(tmp_path: Path) -> None:
    data = text(tmp_path)
    assert open_source(data, "train").size() == 5
    (tmp_path / "b.de").write_text("vier\nfünf", encoding="utf-8")
    assert open_source(data, "train").size() == 5
    src, tgt = write(tmp_path / "c.de.gz", "a", "b"), write(tmp_path / "c.en.gz", "c", "d")
    assert open_source(data | {"train": {"src": src, "tgt": tgt}}, "train").size() is None


def test_identity_is_of_content_and_not_of_place(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    here = open_source(text(first), "train").identity()
    data = text(second)
    assert open_source(data, "train").identity() == here
    assert open_source(data, "valid").identity() == here
    assert open_source(data | {"max_pairs": 3}, "train").identity() != here
    part = data["train"]
    swapped = {"src": part["tgt"], "tgt": part["src"]}
    turned = {"src": part["src"][::-1], "tgt": part["tgt"][::-1]}
    for other in (swapped, turned, {"src": part["src"][:1], "tgt": part["tgt"][:1]}):
        assert open_source(data | {"train": other}, "train").identity() != here
    write(second / "a.en", "one", "two", "Three")
    assert open_source(data, "train").identity() != here


def test_files_out_of_step_are_told_after_their_last_pair(tmp_path: Path) -> None:
    data = text(tmp_path)
    write(tmp_path / "a.en", "one", "two", "three", "four", "five")
    rows = open_source(data, "train").rows()
    assert [next(rows) for _ in range(3)] == PAIRS[:3]
    with pytest.raises(ValueError, match=r"a\.de has 3 lines, but .*a\.en has 5:"):
        next(rows)


def test_invalid_utf8_is_located(tmp_path: Path) -> None:
    data = text(tmp_path)
    (tmp_path / "b.en").write_bytes(b"four\nf\xefve\n")
    with pytest.raises(ValueError, match=r"b\.en:2: not valid UTF-8"):
        list(open_source(data, "train").rows())


def test_what_cannot_be_read_twice_is_refused_before_it_is_read(tmp_path: Path) -> None:
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        source = TextSource([(tmp_path / "pipe", tmp_path / "pipe")])
        with pytest.raises(OSError, match=r"pipe is a pipe or a device: .* save it"):
            source.identity()
    for path, error in ((tmp_path / "missing", "no such file"), (tmp_path, "is a directory")):
        with pytest.raises(OSError, match=error):
            TextSource([(path, path)]).identity()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"format": "docx"}, "format must be one of text, .*hub.*, got 'docx'"),
        ({"max_pairs": 0}, "max_pairs must be a whole number of at least 1, got 0"),
        ({"max_pair": 3}, "unknown option max_pair: did you mean max_pairs"),
        ({"streaming": True}, "unknown option streaming"),
        ({"train": {"src": "x", "tgt": None}}, "train.tgt must be a path .*, got None"),
        ({"train": {"src": "x", "tgt": []}}, r"train.tgt must be a path .*, got \[\]"),
        ({"train": {"src": "x", "tgt": [1]}}, r"train.tgt must be a path .*, got \[1\]"),
        ({"train": {"src": "x", "ref": "y"}}, "unknown option train.ref"),
        ({"train": {"src": ["x", "y"], "tgt": "z"}}, "2 source files against 1 target files"),
        ({"train": "x"}, "train.src and train.tgt must each be .*train='x'"),
    ],
)
def test_mistakes_in_options_are_told(
    tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        open_source(text(tmp_path) | options, "train")


def test_a_test_set_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"tests\.news\.src .* got tests\.news=None"):
        open_source(text(tmp_path), "tests.news")


def test_paths_made_absolute_hold_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    data = {
        "format": "text",
        "src_lang": "de",
        "train": {"src": ["a.de", "~/b.de"], "tgt": ["a.en", "b.en"]},
        "valid": 3,
        "tests": {"x": {"src": "a.de", "tgt": "a.en"}, "y": 2},
    }
    found = absolute(data)
    monkeypatch.chdir("/")
    assert list(open_source(found, "train").rows()) == PAIRS
    assert list(open_source(found, "tests.x").rows()) == PAIRS[:3]
    assert (found["valid"], found["tests"]["y"], found["src_lang"]) == (3, 2, "de")
