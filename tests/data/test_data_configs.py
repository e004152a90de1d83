"""configs/data: every one is a form of corpus that its reader knows."""

from collections.abc import Iterator
from typing import Any

import hydra
import pytest
from omegaconf import OmegaConf

from nmt.cli.config_files import ConfigFiles, shipped_configs
from nmt.data.cleaning import CleaningRules
from nmt.data.sources import open_source, open_train

CONFIGS = ConfigFiles().choices("data")
LANGUAGES = ["data.src_lang=en", "data.tgt_lang=fr"]
FILES = ["data.train=x", "data.valid=y"]
GIVEN = {
    "files": [
        f"data.{part}.{side}={side}" for part in ("train", "valid") for side in ("src", "tgt")
    ],
    "multi30k": ["data.dir=x"],
    "length_study": ["data.dir=x"],
    "tsv": [*LANGUAGES, *FILES],
    "csv": [*LANGUAGES, *FILES],
    "tmx": [*LANGUAGES, *FILES],
    "xliff": [*LANGUAGES, *FILES],
    "po": [*LANGUAGES, *FILES],
    "opus_zip": [*LANGUAGES, *FILES],
    "jsonl": [*LANGUAGES, *FILES],
    "parquet": [*LANGUAGES, *FILES],
    "corpora": [
        *LANGUAGES,
        "data.train=[{src: x, tgt: z, weight: 2}, {format: tsv, train: x, tag: '<web>'}]",
        "data.valid.src=y",
        "data.valid.tgt=z",
    ],
    "hub": [*LANGUAGES, "data.name=a/b", "data.valid=validation"],
}
"""What has to be given, and no more."""


@pytest.fixture(scope="module", autouse=True)
def _hydra() -> Iterator[None]:
    import nmt.cli.app  # noqa: F401 -- registers what the configs refer to

    with hydra.initialize_config_dir(str(shipped_configs()), version_base="1.3"):
        yield


def section(config: str, *overrides: str) -> dict[str, Any]:
    given = [*GIVEN.get(config, []), *overrides]
    found: Any = OmegaConf.to_container(
        hydra.compose(f"data/{config}", given).data, resolve=True, throw_on_missing=True
    )
    return found


@pytest.mark.parametrize("config", CONFIGS)
def test_every_config_can_be_opened(config: str) -> None:
    found = section(config)
    CleaningRules(**found["cleaning"])
    for part in ("train", "valid", *(f"tests.{name}" for name in found["tests"])):
        name, _, test = part.partition(".")
        if part == "train":
            open_train(found)
        elif not isinstance(found[name][test] if test else found[name], int):
            open_source(found, part)


@pytest.mark.parametrize("config", CONFIGS)
def test_every_config_says_that_pairs_can_be_drawn(config: str) -> None:
    found = section(config, "data.valid=2000", "++data.tests.drawn=1000")
    assert (found["valid"], found["tests"]["drawn"]) == (2000, 1000)
    described = "".join(
        (shipped_configs() / "data" / f"{name}.yaml").read_text(encoding="utf-8")
        for name in {config, "files" if found["format"] == "text" else found["format"]}
    )
    assert "draw" in described


@pytest.mark.parametrize(
    "config", [name for name in CONFIGS if name not in ("files", "corpora", "demo")]
)
def test_swapping_the_languages_swaps_the_sides(config: str) -> None:
    plain = section(config)
    swapped = section(
        config, f"data.src_lang={plain['tgt_lang']}", f"data.tgt_lang={plain['src_lang']}"
    )
    if plain["format"] == "text":
        assert (swapped["train"]["src"], swapped["train"]["tgt"]) == (
            plain["train"]["tgt"],
            plain["train"]["src"],
        )
    else:
        assert (swapped["src_column"], swapped["tgt_column"]) == (
            plain["tgt_column"],
            plain["src_column"],
        )
        assert swapped.get("config") == plain.get("config")


def test_multi30k_names_its_files() -> None:
    assert section("multi30k")["train"] == {"src": "x/train.de", "tgt": "x/train.en"}
