"""The corpus as the ``data`` options describe it."""

import hashlib
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from nmt.data import build_corpus, candidates
from nmt.data import stores as store
from nmt.data.corpus import ParallelCorpus, load_corpus
from nmt.data.text_files import read_lines
from nmt.disk_cache import DiskCache
from nmt.files import fingerprint

TEXTS = {
    "train.de": "ein Hund\nzwei Hunde\n\nein Hund\ndrei Katzen\n",
    "train.en": "a dog\ntwo dogs\nempty\na dog\nthree cats\n",
    "valid.de": "drei Katzen\n\nein Haus\nein Haus\n",
    "valid.en": "some cats\n\na house\na house\n",
    "test.de": "  eine Maus \n" + "sehr " * 300 + "lang\n",
    "test.en": "a mouse\nlong\n",
}


@pytest.fixture
def options(tmp_path: Path) -> dict[str, Any]:
    for name, text in TEXTS.items():
        (tmp_path / name).write_text(text, encoding="utf-8", newline="")

    def named(name: str) -> dict[str, str]:
        return {"src": str(tmp_path / f"{name}.de"), "tgt": str(tmp_path / f"{name}.en")}

    return {
        "format": "text",
        "src_lang": "de",
        "tgt_lang": "en",
        "train": named("train"),
        "valid": named("valid"),
        "tests": {"unseen": named("test")},
        "max_pairs": None,
        "cleaning": {},
    }


def load(options: dict[str, Any]) -> ParallelCorpus:
    return load_corpus(options, DiskCache())


def jsonl(path: Path, rows: list[Any]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def jsonl_options(tmp_path: Path, train: list[Any], valid: list[Any] | int) -> dict[str, Any]:
    return {
        "format": "jsonl",
        "src_lang": "de",
        "tgt_lang": "en",
        "src_column": "de",
        "tgt_column": "en",
        "train": jsonl(tmp_path / "train.jsonl", train),
        "valid": valid if isinstance(valid, int) else jsonl(tmp_path / "valid.jsonl", valid),
        "tests": {},
        "max_pairs": None,
        "cleaning": {},
    }


def test_text_that_changes_while_it_is_read_is_not_kept(
    options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As while it is downloaded; what was read would be found again for the text at the start."""
    (tmp_path / "cache").mkdir()

    def build_meanwhile(*given: Any, **named: Any) -> None:
        build_corpus.build_text(*given, **named)
        for side in ("de", "en"):
            with open(tmp_path / f"train.{side}", "a", encoding="utf-8") as file:
                file.write("noch eine\n")

    with monkeypatch.context() as patch:
        patch.setattr("nmt.data.corpus.build_text", build_meanwhile)
        with pytest.raises(
            ValueError, match=r"train\.de changed while it was read: call this again"
        ):
            load_corpus(options, DiskCache(tmp_path / "cache"))
    assert not list((tmp_path / "cache").iterdir())
    assert len(load_corpus(options, DiskCache(tmp_path / "cache")).train) == 3


def test_training_text_is_cleaned(options: dict[str, Any]) -> None:
    corpus = load(options)
    assert list(corpus.train) == [("ein Hund", "a dog"), ("zwei Hunde", "two dogs")]
    dropped = {rule: count for rule, count in corpus.cleaning.dropped.items() if count}
    assert dropped == {"empty": 1, "duplicate": 1, "held_out": 1}


def test_validation_and_test_text_is_never_touched(options: dict[str, Any]) -> None:
    corpus = load(options)
    for pairs, paths in [
        (corpus.valid, options["valid"]),
        (corpus.tests["unseen"], options["tests"]["unseen"]),
    ]:
        assert [pair.src for pair in pairs] == read_lines(paths["src"])
        assert [pair.tgt for pair in pairs] == read_lines(paths["tgt"])


def test_test_sets_are_held_out_too(options: dict[str, Any]) -> None:
    options["tests"]["seen"] = options["train"]
    with pytest.raises(ValueError, match="no training pair") as error:
        load(options)
    assert "3 dropped: held_out" in str(error.value)
    assert "5 training pairs read" in str(error.value)


def test_cleaning_options_are_obeyed(options: dict[str, Any]) -> None:
    options["cleaning"] = {"drop_held_out": False, "drop_duplicates": False}
    assert len(load(options).train) == 4


def test_a_fingerprint_is_that_of_the_plain_file(options: dict[str, Any]) -> None:
    assert fingerprint(["a", "", "ö"]) == hashlib.sha256("a\n\nö\n".encode()).hexdigest()
    assert fingerprint(["ab"]) != fingerprint(["a", "b"])
    prints = load(options).fingerprints
    assert list(prints) == ["train", "valid", "tests.unseen"]
    for side, name in (("src", "test.de"), ("tgt", "test.en")):
        expected = hashlib.sha256(TEXTS[name].encode()).hexdigest()
        assert prints["tests.unseen"][side] == expected
    assert prints["train"]["src"] == fingerprint(["ein Hund", "zwei Hunde"])


def test_text_is_read_and_cleaned_once(
    options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it lies, until its content, the rules or what is held out change."""
    cache = DiskCache(tmp_path / "cache")
    first = load_corpus(options, cache)
    for name in TEXTS:
        (tmp_path / "moved").mkdir(exist_ok=True)
        (tmp_path / name).rename(tmp_path / "moved" / name)
    moved = json.loads(json.dumps(options).replace(str(tmp_path), str(tmp_path / "moved")))
    again = load_corpus(moved, cache)
    assert (list(again.train), again.cleaning) == (list(first.train), first.cleaning)
    assert again.fingerprints == first.fingerprints
    assert len(list(cache.place.iterdir())) == 1
    for change in (
        {"cleaning": {"max_words": 20}},
        {"max_pairs": 3},
        {"tests": {}},
        {"train": moved["valid"], "valid": moved["train"]},
    ):
        load_corpus(moved | change, cache)
    assert len(list(cache.place.iterdir())) == 5


@pytest.mark.parametrize("column", ["de", "en"])
@pytest.mark.parametrize("value", [None, 7, "\ud83d"])
def test_a_bad_row_is_left_out_of_training_and_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, value: object, column: str
) -> None:
    rows: list[Any] = [{"de": f"Satz {n}", "en": f"sentence {n}"} for n in range(9)]
    train = [*rows[:4], rows[4] | {column: value}, {}, *rows[5:]]
    for _ in range(2):  # made, and taken from the cache
        caplog.clear()
        corpus = load(jsonl_options(tmp_path, train, rows[:1]))
        assert list(corpus.train) == [(row["de"], row["en"]) for row in rows[1:4] + rows[5:]]
        assert corpus.cleaning.dropped["not_text"] == 2
        assert f"{tmp_path}/train.jsonl:5, {tmp_path}/train.jsonl:6" in caplog.text


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"de": 5, "en": "a"}, "the source of a validation or test pair must be text, got 5"),
        ({"de": "a"}, "the target .* got None"),
    ],
)
def test_a_bad_row_of_a_test_set_is_an_error(tmp_path: Path, row: Any, message: str) -> None:
    good = {"de": "b", "en": "c"}
    with pytest.raises(ValueError, match=rf"valid\.jsonl:2: {message}"):
        load(jsonl_options(tmp_path, [good], [good, row]))


def test_a_line_break_in_a_test_set_becomes_a_space_and_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [{"de": "a\nb", "en": "c"}, {"de": "d", "en": "e"}]
    corpus = load(jsonl_options(tmp_path, [{"de": "f", "en": "g"}], rows))
    assert corpus.valid == [("a b", "c"), ("d", "e")]
    assert "valid: in 1 pairs a line break" in caplog.text


def test_validation_pairs_can_be_drawn(tmp_path: Path) -> None:
    rows = [{"de": f"Satz {n}", "en": f"sentence {n}"} for n in range(50)]
    options = jsonl_options(tmp_path, rows, 10)
    options["tests"] = {"later": 5}
    corpus = load(options)
    parts = [corpus.valid, corpus.tests["later"], list(corpus.train)]
    assert [len(part) for part in parts] == [10, 5, 35]
    assert sorted(pair for part in parts for pair in part) == sorted(
        (row["de"], row["en"]) for row in rows
    )
    assert list(corpus.fingerprints) == ["train", "valid", "tests.later"]
    assert corpus.fingerprints["valid"]["src"] == fingerprint(pair.src for pair in corpus.valid)
    again = load(options)  # from the cache
    assert (again.valid, again.tests) == (corpus.valid, corpus.tests)


def test_columns_swapped_are_the_other_direction(tmp_path: Path) -> None:
    """And what was drawn stays drawn: neither direction trains on what the other is tested on."""
    rows = [{"de": f"Satz {n}", "en": f"sentence {n}"} for n in range(50)]
    options = jsonl_options(tmp_path, rows, 10)
    there = load(options)
    back = load(options | {"src_column": "en", "tgt_column": "de"})
    assert [(pair.tgt, pair.src) for pair in back.train] == list(there.train)
    assert [(pair.tgt, pair.src) for pair in back.valid] == there.valid


@pytest.mark.parametrize(
    ("part", "value", "message"),
    [
        ("train", {"tgt": "x"}, r"train\.src must be a path .*None"),
        ("train", {"src": [], "tgt": "x"}, r"train\.src must be a path .*\[\]"),
        ("valid", {"src": 5, "tgt": "x"}, r"valid\.src must be a path .*5"),
        ("valid", {"source": "x", "tgt": "x"}, r"unknown option valid\.source"),
        ("valid", 0, r"valid must be a whole number of at least 1, got 0"),
        ("valid", True, r"valid must be .* True"),
        ("valid", 500, r"valid=500: .* out of the 3"),
        ("tests", {"a": {"src": "x"}}, r"tests\.a\.tgt must be a path .*None"),
        ("cleaning", {"max_wrods": 5}, r"cleaning\.max_wrods: .*max_words"),
        ("cleaning", {"max_words": 0}, r"cleaning\.max_words must be .*0"),
    ],
)
def test_mistaken_options_are_named(
    options: dict[str, Any], part: str, value: object, message: str
) -> None:
    options[part] = value
    with pytest.raises((ValueError, OSError), match=message):
        load(options)


def test_memory_does_not_hold_the_corpus(
    options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What Python holds while it cleans does not grow with the number of pairs."""
    for module in (store, candidates):
        monkeypatch.setattr(module, "BATCH_ROWS", 256)
    monkeypatch.setattr("nmt.files.SLICE_ROWS", 256)
    monkeypatch.setattr("nmt.data.text_files.READ_BYTES", 1024)
    peaks = []
    for size in (2_000, 8_000):
        for side in ("de", "en"):
            lines = (f"{side} number {n} of a corpus\n" for n in range(size))
            (tmp_path / f"train.{side}").write_text("".join(lines))
        tracemalloc.start()
        assert len(load_corpus(options, DiskCache(tmp_path / "cache")).train) == size
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]
