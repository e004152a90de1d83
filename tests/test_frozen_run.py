"""A run of format 1, as the program wrote it before its modules moved: it has memorised its pairs,
so that what it translates does not hang on rounding."""

import shutil
from pathlib import Path

import hydra
import pytest

from nmt import Translator
from nmt.cli.config_files import shipped_configs
from nmt.commands.train import train
from nmt.run_directory import RunDirectory

FROZEN = Path(__file__).parent / "frozen_run"
PAIRS = [line.split("\t") for line in (FROZEN / "pairs.tsv").read_text().splitlines()[1:]]


def test_it_translates_as_it_did() -> None:
    translator = Translator.load(FROZEN / "format_1", device="cpu")
    translations = translator.translate([src for src, _ in PAIRS])
    assert [one.text for one in translations] == [tgt for _, tgt in PAIRS]
    assert all(one.flags == () for one in translations)


def test_its_test_set_is_there() -> None:
    sources, references = RunDirectory.open(FROZEN / "format_1").test_set("small")
    assert list(zip(sources, references, strict=True)) == [tuple(pair) for pair in PAIRS]


TRAINED = [
    *("data=tsv", "data.src_lang=en", "data.tgt_lang=fr", "data.cleaning.drop_held_out=false"),
    *(f"data.{part}=pairs.tsv" for part in ("train", "valid")),
    "++data.tests.small=pairs.tsv",
    *("tokenizer.vocab_size=420", "model=lstm_bahdanau", "model.dropout=0.0"),
    *("model.embed_size=32", "model.hidden_size=48", "model.attention.attention_size=32"),
    *(
        "trainer.batch_tokens=400",
        "trainer.tensorboard=false",
        "trainer.threads=1",
        "trainer.keep_checkpoints=1",
        "trainer.average=0",
    ),
    *("search=beam", "device=cpu"),
]


def test_it_goes_on_in_the_format_of_today(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(FROZEN, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    caplog.set_level("INFO")
    end = ["trainer.max_steps=402", "trainer.max_epochs=null", "run=format_1", "resume=must"]
    with hydra.initialize_config_dir(str(shipped_configs()), version_base="1.3"):
        train(hydra.compose("train", [*TRAINED, *end]))
    assert "resumed format_1 after step 400" in caplog.text
    run = RunDirectory.open("format_1")
    assert run.manifest()["format_version"] == 2
    assert run.manifest()["checkpoint"] == "checkpoints/402"
    assert not Path("format_1/config.yaml").exists()
    assert not Path("format_1/checkpoints/400").exists()
    translator = Translator.load("format_1", device="cpu")
    assert translator.translate([PAIRS[0][0]])[0].text == PAIRS[0][1]
