"""Training text that is a list of corpora with formats, weights and tags."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nmt.cli.config_files import shipped
from nmt.data.batches import token_batches
from nmt.data.corpus import ParallelCorpus, load_corpus
from nmt.data.mixture import Mixture, Share
from nmt.data.sources import absolute, open_train
from nmt.data.stores import TextStore
from nmt.disk_cache import DiskCache
from nmt.files import fingerprint

A = [("eins", "one"), ("zwei", "two"), ("drei", "three"), ("vier", "four")]
B = [("zwei", "two"), ("fünf", "five"), ("sechs", "six"), ("", "nothing")]
C = [("sieben", "seven"), ("acht", "eight")]


@pytest.fixture
def data(tmp_path: Path) -> dict[str, Any]:
    """Parallel text, TSV without a header, and JSON lines."""
    for number, side in enumerate(("de", "en")):
        (tmp_path / f"a.{side}").write_text("".join(pair[number] + "\n" for pair in A))
    (tmp_path / "b.tsv").write_text("".join(f"{src}\t{tgt}\n" for src, tgt in B))
    (tmp_path / "c.jsonl").write_text(
        "".join(json.dumps({"x": src, "en": tgt}) + "\n" for src, tgt in C)
    )
    (tmp_path / "valid.de").write_text("ein Haus\n")
    (tmp_path / "valid.en").write_text("a house\n")
    return {
        "format": "text",
        "src_lang": "de",
        "tgt_lang": "en",
        "train": [
            {"src": str(tmp_path / "a.de"), "tgt": str(tmp_path / "a.en"), "weight": 2},
            {
                "format": "tsv",
                "train": str(tmp_path / "b.tsv"),
                "columns": ["de", "en"],
                "weight": 0.5,
                "tag": "<web>",
            },
            {"format": "jsonl", "train": [str(tmp_path / "c.jsonl")], "src_column": "x"},
        ],
        "valid": {"src": str(tmp_path / "valid.de"), "tgt": str(tmp_path / "valid.en")},
        "tests": {},
        "max_pairs": None,
        "cleaning": {},
    }


def load(data: dict[str, Any]) -> ParallelCorpus:
    return load_corpus(data, DiskCache())


def with_train(data: dict[str, Any], number: int, **options: Any) -> dict[str, Any]:
    train = [entry | options if n == number else entry for n, entry in enumerate(data["train"])]
    return data | {"train": train}


def test_corpora_of_several_formats_are_cleaned_as_one_text(data: dict[str, Any]) -> None:
    corpus = load(data)
    assert list(corpus.train) == [*A, ("<web> fünf", "five"), ("<web> sechs", "six"), *C]
    assert corpus.mixture == Mixture((Share(4, 2), Share(2, 0.5), Share(2, 1)))
    assert corpus.tags == ("<web>",)
    report = corpus.cleaning
    assert (report.total, report.kept) == (10, 8)
    assert (report.dropped["duplicate"], report.dropped["empty"]) == (1, 1)
    assert [one.total for one in report.corpora] == [4, 4, 2]
    assert [one.kept for one in report.corpora] == [4, 2, 2]
    assert [one.an_epoch for one in report.corpora] == [8, 1, 2]
    assert [one.dropped["duplicate"] for one in report.corpora] == [0, 1, 0]
    for rule, count in report.dropped.items():
        assert count == sum(one.dropped[rule] for one in report.corpora)
    assert report.lines()[-3:] == [
        "train[0]  a.de        4      0          0     4       2               8",
        "train[1]  b.tsv       4      1          1     2     0.5               1  <web>",
        "train[2]  c.jsonl     2      0          0     2       1               2",
    ]
    assert type(report).from_dict(report.as_dict()) == report


def test_each_corpus_has_its_fingerprint(data: dict[str, Any]) -> None:
    prints = load(data).fingerprints
    assert list(prints) == ["train", "train[0]", "train[1]", "train[2]", "valid"]
    assert prints["train[1]"]["src"] == fingerprint(["<web> fünf", "<web> sechs"])
    assert prints["train[2]"]["tgt"] == fingerprint(["seven", "eight"])
    assert load(with_train(data, 0, weight=3)).fingerprints == prints
    other = load(with_train(data, 1, tag="<net>")).fingerprints
    assert [name for name in prints if other[name] != prints[name]] == ["train", "train[1]"]


def test_another_weight_needs_no_cleaning(data: dict[str, Any], tmp_path: Path) -> None:
    cache = DiskCache(tmp_path / "cache")
    load_corpus(data, cache)
    heavier = load_corpus(with_train(data, 2, weight=7), cache)
    assert len(list(cache.place.iterdir())) == 1
    assert heavier.cleaning.corpora[2].an_epoch == 14
    load_corpus(with_train(data, 2, tag=">>x<<"), cache)
    assert len(list(cache.place.iterdir())) == 2


def test_held_out_pairs_are_held_out_with_and_without_tags(
    data: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "valid.de").write_text("acht\n<web> drei\n<web> fünf\n")
    (tmp_path / "valid.en").write_text("x\ny\nz\n")
    corpus = load(data)
    assert [one.dropped["held_out"] for one in corpus.cleaning.corpora] == [1, 1, 1]
    assert [pair.src for pair in corpus.valid] == ["acht", "<web> drei", "<web> fünf"]


def test_pairs_are_drawn_out_of_all_corpora_with_their_tags(
    data: dict[str, Any], tmp_path: Path
) -> None:
    rows = [(f"Satz {n}", f"sentence {n}") for n in range(100)]
    (tmp_path / "b.tsv").write_text("".join(f"{src}\t{tgt}\n" for src, tgt in [*B, *rows]))
    corpus = load(data | {"valid": 20, "tests": {"later": 10}})
    drawn = [*corpus.valid, *corpus.tests["later"]]
    assert len(drawn) == 30 == sum(one.drawn for one in corpus.cleaning.corpora)
    assert sorted([*drawn, *corpus.train]) == sorted(
        [*A, *C, *((f"<web> {src}", tgt) for src, tgt in [*B[1:3], *rows])]
    )
    assert list(corpus.fingerprints)[-2:] == ["valid", "tests.later"]


def test_pairs_to_read_are_counted_for_each_corpus(data: dict[str, Any]) -> None:
    corpus = load(with_train(data, 0, max_pairs=3) | {"max_pairs": 1})
    assert [one.total for one in corpus.cleaning.corpora] == [3, 1, 1]


def test_a_section_of_another_format_gives_its_options(
    data: dict[str, Any], tmp_path: Path
) -> None:
    """Files stand beside corpora, and have the options of the section."""
    (tmp_path / "d.tsv").write_text("neun\tnine\n")
    section = data | {"format": "tsv", "columns": ["de", "en"], "src_column": "de"}
    section |= {"tgt_column": "en", "valid": 1}
    files = [str(tmp_path / "d.tsv"), {"train": str(tmp_path / "b.tsv"), "weight": 3}]
    corpora = open_train(section | {"train": files})
    assert [list(one.source.rows()) for one in corpora] == [[("neun", "nine")], B]
    assert [one.weight for one in corpora] == [1, 3]
    swapped = {"train": files[0], "src_column": "en", "tgt_column": "de"}
    assert list(open_train(section | {"train": [swapped]})[0].source.rows()) == [("nine", "neun")]
    text = open_train(section | {"train": [files[0], data["train"][0]]})[1]
    assert list(text.source.rows()) == A


def test_the_splits_of_one_data_set_are_corpora(tmp_path: Path) -> None:
    section = {"format": "hub", "name": "owner/set", "src_column": "de", "tgt_column": "en"}
    section |= {"src_lang": "de", "tgt_lang": "en", "config": "de-en", "streaming": False}
    train = [{"train": "clean", "weight": 2}, "noisy", {"name": "owner/other"}]
    corpora = open_train(section | {"train": train})
    assert [one.text for one in corpora] == [
        f"owner/{name} de-en" for name in ("set", "set", "other")
    ]
    places = [one.source.place(0) for one in corpora]
    assert places == [
        "owner/set de-en clean, row 0",
        "owner/set de-en noisy, row 0",
        "owner/other de-en train, row 0",
    ]


def test_paths_are_made_absolute(data: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    directory = Path(data["valid"]["src"]).parent
    monkeypatch.chdir(directory)
    relative = json.loads(json.dumps(data).replace(f"{directory}/", ""))
    assert absolute(relative) == absolute(data) == data
    assert absolute({**relative, "format": "tsv", "train": ["d.tsv", {"train": ["e.tsv"]}]})[
        "train"
    ] == [str(directory / "d.tsv"), {"train": [str(directory / "e.tsv")]}]


@pytest.mark.parametrize(
    ("number", "options", "message"),
    [
        (1, {"weight": 0}, r"train\[1\]\.weight must be a number above 0, got 0"),
        (1, {"weight": 1e12}, r"train\[1\]\.weight must be at most 10,000, got 1e\+12"),
        (1, {"weight": -2.5}, r"train\[1\]\.weight must be .* -2\.5"),
        (0, {"weight": float("inf")}, r"train\[0\]\.weight must be .* inf"),
        (0, {"weight": float("nan")}, r"train\[0\]\.weight must be .* nan"),
        (0, {"weight": "2"}, r"train\[0\]\.weight must be .* '2'"),
        (0, {"weight": True}, r"train\[0\]\.weight must be .* True"),
        (2, {"wieght": 2}, r"unknown option train\[2\]\.wieght: did you mean train\[2\]\.weight"),
        (1, {"src": "x"}, r"unknown option train\[1\]\.src"),
        (1, {"format": "tvs"}, r"train\[1\]\.format must be one of text, tsv, .* 'tvs'"),
        (1, {"columns": "de"}, r"train\[1\]\.columns must be a list"),
        (1, {"train": None}, r"train\[1\]\.train must be a path"),
        (1, {"train": "nowhere.tsv"}, r"no such file: nowhere\.tsv"),
        (0, {"src": None}, r"train\[0\]\.src must be a path .* None"),
        (0, {"train": "x"}, r"train\[0\]\.train and train\[0\]\.src name text: leave one out"),
        (1, {"tag": ""}, r"train\[1\]\.tag must be a word .* ''"),
        (1, {"tag": "<web> "}, r"train\[1\]\.tag must be a word"),
        (1, {"tag": "<a>\n<b>"}, r"train\[1\]\.tag must be a word"),
        (1, {"tag": 5}, r"train\[1\]\.tag must be .* 5"),
        (2, {"max_pairs": 0}, r"train\[2\]\.max_pairs must be .* 0"),
        (
            2,
            {"src_column": None},
            r"train\[2\]\.src_column must be a name, got None",
        ),
        (
            2,
            {"src_column": "y"},
            r"no column 'y'; .*Set train\[2\]\.src_column \(it is src_lang unless you do\)",
        ),
    ],
)
def test_mistakes_are_named_by_their_place(
    data: dict[str, Any], number: int, options: dict[str, Any], message: str
) -> None:
    with pytest.raises((ValueError, OSError), match=message):
        load(with_train(data, number, **options))


@pytest.mark.parametrize(
    ("train", "message"),
    [
        ([], r"train is an empty list: name a corpus"),
        (["a.de"], r"train\[0\] must be a corpus such as .* 'a\.de'"),
        ([7], r"train\[0\] must be a corpus such as .* 7"),
        ([{"train": "b.tsv"}], r"train\[0\] must name its format, such as {format: tsv, "),
        ([{}], r"train\[0\] must name its format"),
    ],
)
def test_what_is_no_corpus_is_refused(data: dict[str, Any], train: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load(data | {"train": train})


def test_an_epoch_of_nothing_is_refused(
    data: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    light = data | {"train": [entry | {"weight": 0.01} for entry in data["train"]]}
    with pytest.raises(ValueError, match="the weights in train leave no pair"):
        load(light)
    load(data | {"train": [*light["train"][1:], data["train"][0]]})
    assert "train[1] (c.jsonl): less than one pair an epoch" in caplog.text
    load(data | {"train": [*data["train"], data["train"][2]]})
    assert "train[3] (c.jsonl): cleaning left no pair of it" in caplog.text


@pytest.mark.parametrize("listed", [False, True])
def test_the_demo_has_the_batches_it_always_had(tmp_path: Path, listed: bool) -> None:
    """Hashes of the text, and of the order with words as lengths, before there were lists."""
    place = shipped("data/demo")
    parts = {
        part: {"src": str(place / f"{part}.en{end}"), "tgt": str(place / f"{part}.fr{end}")}
        for part, end in (("train", ".gz"), ("valid", ""), ("test", ""))
    }
    corpus = load(
        {
            "format": "text",
            "src_lang": "en",
            "tgt_lang": "fr",
            "train": [parts["train"]] if listed else parts["train"],
            "valid": parts["valid"],
            "tests": {"test": parts["test"]},
            "max_pairs": None,
            "cleaning": {},
        }
    )
    assert corpus.fingerprints["train"] == {
        "src": "345a4b69f312f578e85a1f438d5d95d5002af2175edb794b9934644d763864b0",
        "tgt": "572f389154ca4ef16210c349cf3bd663c36f31e51f0468fe35b7ad823a130106",
    }
    assert (corpus.mixture is not None) == listed
    assert _orders(corpus.train, corpus.mixture) == {
        0: "8c2d178672d794c36788466803cb8871d6a285def8f3f9bb80b78ee790344ea9",
        5: "438b25e347c6946e8376062b5b5ed38688b1a07d2cd28a32aa61e382fd194f07",
    }


def _orders(text: TextStore, mixture: Mixture | None) -> dict[int, str]:
    words = [(len(pair.src.split()), len(pair.tgt.split())) for pair in text]
    lengths = np.array(words, dtype=np.int32)
    found = {}
    for epoch in (0, 5):
        digest = hashlib.sha256()
        for batch in token_batches(lengths, 2048, seed=1, epoch=epoch, mixture=mixture):
            digest.update(batch.astype("<i8").tobytes() + b"|")
        found[epoch] = digest.hexdigest()
    return found
