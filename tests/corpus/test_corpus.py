"""The corpus as the ``data`` options describe it."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from nmt.corpus import fingerprint, load_corpus, read_lines

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

    def files(name: str) -> dict[str, str]:
        return {"src": str(tmp_path / f"{name}.de"), "tgt": str(tmp_path / f"{name}.en")}

    return {
        "src_lang": "de",
        "tgt_lang": "en",
        "train": files("train"),
        "valid": files("valid"),
        "tests": {"unseen": files("test")},
        "cleaning": {},
    }


def test_training_text_is_cleaned(options: dict[str, Any]) -> None:
    corpus = load_corpus(**options)
    assert corpus.train == [("ein Hund", "a dog"), ("zwei Hunde", "two dogs")]
    assert corpus.cleaning.dropped == {
        "empty": 1,
        "too_long": 0,
        "length_ratio": 0,
        "duplicate": 1,
        "held_out": 1,
    }


def test_validation_and_test_text_is_never_touched(options: dict[str, Any]) -> None:
    corpus = load_corpus(**options)
    for pairs, files in [
        (corpus.valid, options["valid"]),
        (corpus.tests["unseen"], options["tests"]["unseen"]),
    ]:
        assert [pair.src for pair in pairs] == read_lines(files["src"])
        assert [pair.tgt for pair in pairs] == read_lines(files["tgt"])


def test_test_sets_are_held_out_too(options: dict[str, Any]) -> None:
    options["tests"]["seen"] = options["train"]
    with pytest.raises(ValueError, match="no training pair") as error:
        load_corpus(**options)
    assert "3 dropped: held_out" in str(error.value)
    assert "5 training pairs read" in str(error.value)


def test_cleaning_options_are_obeyed(options: dict[str, Any]) -> None:
    options["cleaning"] = {"drop_held_out": False, "drop_duplicates": False}
    assert len(load_corpus(**options).train) == 4


def test_a_fingerprint_is_that_of_the_plain_file(options: dict[str, Any]) -> None:
    assert fingerprint(["a", "", "ö"]) == hashlib.sha256("a\n\nö\n".encode()).hexdigest()
    assert fingerprint(["ab"]) != fingerprint(["a", "b"])
    prints = load_corpus(**options).fingerprints()
    assert set(prints) == {"train", "valid", "tests.unseen"}
    for side, name in (("src", "test.de"), ("tgt", "test.en")):
        expected = hashlib.sha256(TEXTS[name].encode()).hexdigest()
        assert prints["tests.unseen"][side] == expected


@pytest.mark.parametrize(
    ("part", "value", "message"),
    [
        ("train", {"tgt": "x"}, r"data\.train\.src must be a path .*None"),
        ("train", {"src": [], "tgt": "x"}, r"data\.train\.src must be a path .*\[\]"),
        ("valid", {"src": 5, "tgt": "x"}, r"data\.valid\.src must be a path .*5"),
        ("valid", {"source": "x", "tgt": "x"}, r"unknown option data\.valid\.source"),
        ("tests", {"a": {"src": "x"}}, r"data\.tests\.a\.tgt must be a path .*None"),
        ("cleaning", {"max_wrods": 5}, r"data\.cleaning\.max_wrods: .*max_words"),
        ("cleaning", {"max_words": 0}, r"data\.cleaning\.max_words must be .*0"),
    ],
)
def test_mistaken_options_are_named(
    options: dict[str, Any], part: str, value: object, message: str
) -> None:
    options[part] = value
    with pytest.raises((ValueError, OSError), match=message):
        load_corpus(**options)
