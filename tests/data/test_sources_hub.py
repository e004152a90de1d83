"""Data sets of the hub, each as a directory laid out like it, read with the real load_dataset."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import datasets
import hydra
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from omegaconf import OmegaConf

from nmt.cli.config_files import shipped_configs
from nmt.data.sources import PairSource, absolute, open_source

EN_FR = [("Hello.", "Bonjour."), ('"NA', "a\nb"), ("null", "None")]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``datasets`` read its environment long ago, so that the place of its copies is set there."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "copies"))


@pytest.fixture(scope="module", autouse=True)
def _hydra() -> Iterator[None]:
    with hydra.initialize_config_dir(str(shipped_configs()), version_base="1.3"):
        yield


def pairs(part: str) -> list[tuple[str, str]]:
    return [(f"{part}: {src}", f"{part}: {tgt}") for src, tgt in EN_FR]


def hub_directory(directory: Path, configs: Mapping[str, tuple[str, str]], *splits: str) -> Path:
    """A data set of pairs in a column ``translation``. configs: name -> the pair of languages."""
    described = []
    for config, (first, second) in configs.items():
        (directory / config).mkdir(parents=True)
        files = []
        for split in splits:
            rows = [{first: src, second: tgt} for src, tgt in pairs(f"{config} {split}")]
            table = pa.table({"id": list(map(str, range(len(rows)))), "translation": rows})
            pq.write_table(table, directory / config / f"{split}-00000-of-00001.parquet")
            files.append({"split": split, "path": f"{config}/{split}-*"})
        described.append({"config_name": config, "data_files": files})
    (directory / "README.md").write_text(
        f"---\nconfigs: {json.dumps(described)}\n---\n", encoding="utf-8"
    )
    return directory


def write(path: Path, *lines: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(lines), encoding="utf-8")


def opened(config: str, directory: Path, part: str = "train", *overrides: str) -> PairSource:
    """A part of a ready config's data set, which lies in a directory."""
    return open_source(section(config, f'data.name="{directory}"', *overrides), part)


def section(config: str, *overrides: str) -> dict[str, Any]:
    cfg = hydra.compose(f"data/{config}", list(overrides))
    found: Any = OmegaConf.to_container(cfg.data, resolve=True)
    return found


def generic(directory: Path, **options: Any) -> PairSource:
    data = {
        "format": "hub",
        "name": str(directory),
        "config": None,
        "revision": None,
        "streaming": False,
        "src_column": "en",
        "tgt_column": "fr",
        "train": "train",
    }
    return open_source(data | options, options.pop("part", "train"))


@pytest.mark.parametrize(
    ("config", "name", "chosen", "languages"),
    [
        ("wmt14", "wmt/wmt14", "de-en", ("en", "de")),
        ("opus100", "Helsinki-NLP/opus-100", "en-fr", ("en", "fr")),
    ],
)
def test_sets_with_a_config_a_pair(
    tmp_path: Path, config: str, name: str, chosen: str, languages: tuple[str, str]
) -> None:
    found = section(config)
    assert (found["name"], found["config"]) == (name, chosen)
    assert (found["src_lang"], found["tgt_lang"]) == languages
    other = "cs-en" if config == "wmt14" else "cs-el"
    here = hub_directory(
        tmp_path / "set",
        {chosen: languages, other: ("cs", other[3:])},
        *("train", "validation", "test"),
    )
    for part, split in (
        ("train", "train"),
        ("valid", "validation"),
        (f"tests.{next(iter(found['tests']))}", "test"),
    ):
        assert list(opened(config, here, part).rows()) == pairs(f"{chosen} {split}")
    swap = [f"data.src_lang={languages[1]}", f"data.tgt_lang={languages[0]}"]
    turned = [(tgt, src) for src, tgt in pairs(f"{chosen} train")]
    assert list(opened(config, here, "train", *swap).rows()) == turned
    others = [f"data.config={other}", "data.src_lang=cs", f"data.tgt_lang={other[3:]}"]
    assert list(opened(config, here, "train", *others).rows()) == pairs(f"{other} train")


def test_books_have_a_training_split_only(tmp_path: Path) -> None:
    found = section("opus_books")
    assert (found["name"], found["config"]) == ("Helsinki-NLP/opus_books", "en-fr")
    assert isinstance(found["valid"], int)
    assert all(isinstance(number, int) for number in found["tests"].values())
    here = hub_directory(tmp_path / "set", {"en-fr": ("en", "fr")}, "train")
    assert list(opened("opus_books", here).rows()) == pairs("en-fr train")


def test_multi30k_has_a_column_a_language(tmp_path: Path) -> None:
    found = section("multi30k_hub")
    assert (found["name"], found["config"]) == ("bentrevett/multi30k", None)
    for file in ("train", "val", "test"):
        lines = [json.dumps({"en": en, "de": de}) for en, de in pairs(file)]
        write(tmp_path / "set" / f"{file}.jsonl", *lines)
    for part, file in (("train", "train"), ("valid", "val"), ("tests.test_2016_flickr", "test")):
        expected = [(de, en) for en, de in pairs(file)]
        assert list(opened("multi30k_hub", tmp_path / "set", part).rows()) == expected


def test_any_set_can_be_named(tmp_path: Path) -> None:
    here = hub_directory(tmp_path / "set", {"default": ("en", "fr")}, "train", "dev")
    given = ["data.src_lang=en", "data.tgt_lang=fr", "data.valid=dev", "data.tests.x=dev"]
    for part, split in (("train", "train"), ("valid", "dev"), ("tests.x", "dev")):
        found = opened("hub", here, part, *given[:3], f"++{given[3]}")
        assert list(found.rows()) == pairs(f"default {split}")


@pytest.mark.parametrize("streaming", [False, True])
def test_streaming_gives_the_same_rows(tmp_path: Path, streaming: bool) -> None:
    here = hub_directory(tmp_path / "set", {"default": ("en", "fr")}, "train", "test")
    source = generic(here, streaming=streaming)
    expected = pairs("default train")
    assert list(source.rows()) == list(source.rows()) == expected
    assert source.place(2) == f"{here} train, row 2"
    assert source.size() in ((3,) if not streaming else (3, None))
    assert list(generic(here, streaming=streaming, max_pairs=2).rows()) == expected[:2]


def test_a_split_may_be_cut(tmp_path: Path) -> None:
    here = hub_directory(tmp_path / "set", {"default": ("en", "fr")}, "train", "test")
    source = generic(here, train="train[1:]+test[:1]")
    assert list(source.rows()) == [*pairs("default train")[1:], *pairs("default test")[:1]]
    assert source.size() == 3


def test_odd_rows_stand_as_they_are(tmp_path: Path) -> None:
    here = tmp_path / "set"
    write(here / "train.jsonl", '{"en": "a", "fr": "b"}', '{"en": null, "fr": "c"}', '{"fr": "d"}')
    assert list(generic(here).rows()) == [("a", "b"), (None, "c"), (None, "d")]
    write(here / "train.jsonl", '{"en": "a", "fr": 1}', '{"en": "NA", "fr": null}')
    assert list(generic(here).rows()) == [("a", 1), ("NA", None)]


def test_a_changed_directory_is_read_anew_and_a_moved_one_is_the_same(tmp_path: Path) -> None:
    here = hub_directory(tmp_path / "set", {"default": ("en", "fr")}, "train", "test")
    source = generic(here)
    list(source.rows())
    before = source.identity()
    assert before == json.loads(json.dumps(before))

    (tmp_path / "elsewhere").mkdir()
    there = here.rename(tmp_path / "elsewhere" / "set")
    assert generic(there).identity() == before
    assert generic(there, train="test").identity() != before
    assert generic(there, src_column="fr", tgt_column="en").identity() != before
    assert generic(there, max_pairs=1).identity() != before

    file = there / "default" / "train-00000-of-00001.parquet"
    status = file.stat()
    table = pa.table({"id": ["0"], "translation": [{"en": "new", "fr": "neuf"}]})
    pq.write_table(table, file)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000))
    assert generic(there).identity() != before
    assert list(generic(there).rows()) == [("new", "neuf")]


def test_a_directory_of_bare_files_is_known_by_them_alone(tmp_path: Path) -> None:
    for place in ("a", "b"):
        write(tmp_path / place / "train.jsonl", '{"en": "a", "fr": "b"}')
    first, second = (generic(tmp_path / place).identity() for place in ("a", "b"))
    assert first == second == json.loads(json.dumps(first))
    write(tmp_path / "b" / "train.jsonl", '{"en": "a", "fr": "c"}')
    assert generic(tmp_path / "b").identity() != first


def test_two_directories_of_one_name_are_not_confused(tmp_path: Path) -> None:
    for place in ("a", "b"):
        here = hub_directory(tmp_path / place / "set", {"default": ("en", "fr")}, "train")
        table = pa.table({"en": [place], "fr": [place]})
        pq.write_table(table, here / "default" / "train-00000-of-00001.parquet")
        assert list(generic(here).rows()) == [(place, place)]


def test_mistakes_say_what_there_is(tmp_path: Path) -> None:
    here = hub_directory(tmp_path / "set", {"a": ("en", "fr"), "b": ("en", "de")}, "train")
    for options, message in (
        ({}, r"cannot load .*/set train: Config name is missing.\s.*'a', 'b'"),
        ({"config": "c"}, r"cannot load .*/set c train: .*'c' not found.*'a', 'b'"),
        ({"config": "a", "train": "test"}, r"set a test: Unknown split \"test\".*'train'"),
        (
            {"config": "b"},
            r"set b train: no column 'fr'; there are: .id., .translation.en., .transl",
        ),
        ({"config": "a", "streaming": True, "train": "train[:2]"}, r"Bad split: train\[:2\]"),
        ({"name": ""}, "name must be a name, got ''"),
        ({"config": 3}, "config must be a name, got 3"),
        ({"streaming": "no"}, "streaming must be true or false, got 'no'"),
        ({"train": ["train"]}, r"train must be a name, got \['train'\]"),
    ):
        with pytest.raises(ValueError, match=message):
            next(generic(here, **options).rows())
    for name in (str(tmp_path / "nowhere"), "./set", "~/set", "a/b/c"):
        with pytest.raises(FileNotFoundError, match=f"name={name}: no such directory"):
            generic(here, name=name)


def test_what_datasets_cannot_read_is_worded(tmp_path: Path) -> None:
    write(tmp_path / "set" / "train.jsonl", '{"en": "a", "fr": "b"}', "no json")
    with pytest.raises(ValueError, match=rf"cannot load {tmp_path}/set train: .*JSON"):
        list(generic(tmp_path / "set").rows())


def test_a_directory_is_made_absolute_and_a_name_on_the_hub_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("set").mkdir()
    data = {"format": "hub", "train": "train", "valid": "dev", "tests": {"x": "test"}}
    assert absolute(data | {"name": "set"}) == data | {"name": str(tmp_path / "set")}
    assert absolute(data | {"name": "wmt/wmt14"}) == data | {"name": "wmt/wmt14"}
