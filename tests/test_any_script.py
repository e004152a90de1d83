"""A language written without spaces, made up for the test, from reading to scores."""

import json
import random
from pathlib import Path

import hydra
import pytest

import nmt
from nmt import Translator
from nmt.cli.config_files import shipped_configs
from nmt.commands.evaluate import main as evaluate
from nmt.commands.train import train
from tests.console import SHORT, TSV

WORDS = {
    "cat": "猫",
    "dog": "小狗",
    "bird": "飞鸟",
    "sees": "看见",
    "likes": "喜欢",
    "red": "红色的",
    "small": "小小的",
    "old": "老",
    "tired": "疲倦的",
    "fish": "鱼",
    "hears": "听到",
}
TRAINING = [
    "data=tsv",
    "data.src_lang=en",
    "data.tgt_lang=zh",
    "data.train=pairs.tsv",
    "data.valid=30",
    "+data.tests.small=40",
    "run=run",
    "model=transformer",
    "model.hidden_size=32",
    "model.num_layers=1",
    "model.ff_size=64",
    "model.dropout=0",
    "tokenizer.vocab_size=310",
    "optimizer.lr=0.02",
    "schedule.warmup_steps=20",
    "trainer.max_steps=150",
    "trainer.validate_every=150",
    "trainer.average=0",
    "trainer.batch_tokens=1000",
    "trainer.tensorboard=false",
    "device=cpu",
]


def sentence(rng: random.Random) -> tuple[str, str]:
    """Such as ("old cat sees dog .", "老猫看见小狗。")."""
    words = [
        rng.choice(choices)
        for choices in (
            ("red", "small", "old", "tired"),
            ("cat", "dog", "bird", "fish"),
            ("sees", "likes", "hears"),
            ("red", "small", "old", "tired"),
            ("cat", "dog", "bird", "fish"),
        )
    ]
    return " ".join(words) + " .", "".join(WORDS[word] for word in words) + "。"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a model was trained on the language."""
    directory = tmp_path_factory.mktemp("place")
    rng = random.Random(1)
    pairs = ["\t".join(sentence(rng)) + "\n" for _ in range(900)]
    (directory / "pairs.tsv").write_text("en\tzh\n" + "".join(pairs), encoding="utf-8")
    with (
        pytest.MonkeyPatch.context() as patch,
        hydra.initialize_config_dir(str(shipped_configs()), version_base="1.3"),
    ):
        patch.chdir(directory)
        train(hydra.compose("train", TRAINING))
        evaluate(hydra.compose("evaluate", ["run=run", "test=small", "device=cpu"]))
    return directory


def test_it_is_learnt_and_scored_in_its_own_words(place: Path) -> None:
    result = json.loads((place / "run/evaluation/small/evaluation.json").read_text())
    assert "tok:zh" in result["signatures"]["bleu"]
    # Words between spaces would make one word of each sentence, and that scores 0.
    assert result["overall"]["bleu"] > 50
    assert 0.8 < result["overall"]["length_ratio"] < 1.2


def test_training_chooses_its_checkpoint_by_the_same_words(place: Path) -> None:
    lines = (place / "run/metrics.jsonl").read_text().splitlines()
    found = [json.loads(line) for line in lines]
    (bleu,) = [values["valid_bleu"] for values in found if "valid_bleu" in values]
    assert bleu > 50


@pytest.mark.parametrize(
    ("language", "words", "tokenize"),
    [("ja", "ねこ が さかな を みる", "ja-mecab"), ("th", "แมว หมา ปลา เห็น ชอบ", "char")],
    ids=["Japanese", "Thai"],
)
def test_training_in_other_scripts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, language: str, words: str, tokenize: str
) -> None:
    """It begins, validates in the words or characters of the language, translates and scores."""
    caplog.set_level("INFO")
    rng, known = random.Random(1), words.split()
    rows = [[rng.randrange(len(known)) for _ in range(2 + n % 4)] for n in range(80)]
    pairs = [(" ".join("abcde"[n] for n in row), "".join(known[n] for n in row)) for row in rows]
    text = "".join(f"{src}\t{tgt}\n" for src, tgt in pairs)
    (tmp_path / "pairs.tsv").write_text(f"en\t{language}\n{text}", encoding="utf-8")
    options = [*TSV, f"data.tgt_lang={language}", *SHORT, "model=lstm", "tokenizer.vocab_size=300"]
    small = ["model.embed_size=8", "model.hidden_size=8"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        run = nmt.train(*options, *small)
        assert f"BLEU of the validation pairs: tokenizer {tokenize}" in caplog.text
        assert "valid_bleu" in (run / "metrics.jsonl").read_text()
        result = nmt.evaluate(f"run={run}", "test=small", "side=reference", "device=cpu")
        assert f"tok:{tokenize}" in result.as_dict()["signatures"]["bleu"]
        assert (result.unit, result.overall.n) == ("characters", 12)


def test_it_is_written_without_spaces(place: Path) -> None:
    (translation,) = Translator.load(place / "run", device="cpu").translate(
        ["old cat likes red dog ."]
    )
    assert " " not in translation.text
    assert translation.text.endswith("。")
