"""A run of format 1, as the program wrote it before its modules moved: it has memorised its pairs,
so that what it translates does not hang on rounding."""

import shutil
from pathlib import Path

from nmt import Translator
from nmt.run_directory import RunDirectory
from tests.console import nmt_command

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
    *(f"data.{part}=pairs.tsv" for part in ("train", "valid", "tests.small")),
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


def test_it_goes_on_in_the_format_of_today(tmp_path: Path) -> None:
    shutil.copytree(FROZEN, tmp_path, dirs_exist_ok=True)
    run = tmp_path / "format_1"
    end = ["trainer.max_steps=402", "trainer.max_epochs=null"]
    _, said = nmt_command("train", *TRAINED, *end, "run=format_1", "resume=must", at=tmp_path)
    assert "resumed format_1 after step 400" in said
    manifest = RunDirectory.open(run).manifest()
    assert (manifest["format_version"], manifest["checkpoint"]) == (2, "checkpoints/402")
    assert not (run / "config.yaml").exists() and not (run / "checkpoints/400").exists()
    translator = Translator.load(run, device="cpu")
    assert translator.translate([PAIRS[0][0]])[0].text == PAIRS[0][1]
