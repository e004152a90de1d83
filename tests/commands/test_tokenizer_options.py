"""What nmt-train and nmt-prepare make of the options of the tokenizer."""

import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
import sentencepiece as spm
from omegaconf import DictConfig

from nmt.commands.prepare import main as prepare
from nmt.commands.train import train
from nmt.run_directory import RunDirectory
from nmt.search.greedy import GreedySearch
from nmt.text.normalization import Normalization
from nmt.tokenizer import Tokenizer, load_tokenizer
from nmt.translator import Translator

Compose = Callable[..., DictConfig]


@pytest.fixture
def options(tiny: list[str]) -> list[str]:
    return [*tiny, "schedule.warmup_steps=1", "run=run"]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Made by SentencePiece with its defaults."""
    lines = [side for line in Path("pairs.tsv").read_text().splitlines() for side in line.split()]
    spm.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_prefix=str(tmp_path / "own"),
        vocab_size=40,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    return tmp_path / "own.model"


def pieces(tokenizer: Tokenizer) -> list[str]:
    return tokenizer.src_pieces(range(tokenizer.src_vocab_size))


def test_the_run_keeps_its_normalization(composed: Compose, options: list[str]) -> None:
    for scheme in ("spaces", "standard"):
        run = f"run={scheme}"
        train(composed("train", *options, run, f"tokenizer.normalization={scheme}"))
        recorded = json.loads(Path(scheme, "manifest.json").read_text())["normalization"]
        assert recorded == {"scheme": scheme, "version": 1}
        tokenizer = load_tokenizer(RunDirectory.open(scheme))
        assert tokenizer.normalization == Normalization(scheme)
    tuned = [*options, "init_from=spaces", "run=tuned", "trainer.max_steps=2"]
    tuned = [option for option in tuned if not option.startswith(("model.", "tokenizer."))]
    train(composed("train", *tuned), [])
    assert load_tokenizer(RunDirectory.open("tuned")).normalization == Normalization("spaces")
    assert RunDirectory.open("tuned").config()["tokenizer"]["normalization"] == "spaces"


def test_a_run_in_small_letters(composed: Compose, options: list[str]) -> None:
    train(composed("train", *options, "data.lowercase=true"))
    run = RunDirectory.open("run")
    expected = {"scheme": "standard", "version": 1, "lowercase": True}
    assert run.manifest()["normalization"] == expected
    tokenizer = load_tokenizer(run)
    assert tokenizer.normalization.described == "standard.v1.lowercase"
    assert not [piece for piece in pieces(tokenizer)[260:] if piece != piece.lower()]
    upper, lower = Translator.load("run", search=GreedySearch()).translate(["A B", "a b"])
    assert upper.text.lower() == lower.text.lower()
    with pytest.raises(ValueError, match=r"tokenizer\.lowercase=True, .* change it to False"):
        train(composed("train", *options, "resume=must"))
    tuned = [option for option in options if not option.startswith(("model.", "tokenizer."))]
    train(composed("train", *tuned, "init_from=run", "run=tuned"), [])
    assert load_tokenizer(RunDirectory.open("tuned")).normalization.lowercase


def test_small_letters_need_a_tokenizer_of_small_letters(
    composed: Compose, options: list[str]
) -> None:
    train(composed("train", *options, "run=cased"))
    tuned = [option for option in options if not option.startswith(("model.", "tokenizer."))]
    tuned += ["init_from=cased", "run=tuned", "data.lowercase=true"]
    with pytest.raises(ValueError, match="the tokenizer of cased reads capitals"):
        train(composed("train", *tuned), [])
    capitals = [*options, "data.lowercase=true", 'tokenizer.symbols=["<2FR>"]']
    with pytest.raises(ValueError, match=r"'<2FR>' does not outlast .*lowercase"):
        train(composed("train", *capitals))


def test_an_older_run_goes_on_without_normalization(composed: Compose, options: list[str]) -> None:
    old = ["tokenizer.normalization=none", "tokenizer.placeholders=0"]
    train(composed("train", *options, *old))
    run = RunDirectory.open("run")
    config, manifest = run.config(), Path("run/manifest.json")
    for name in ("normalization", "placeholders", "symbols", "model", "lowercase"):
        del config["tokenizer"][name]
    run.write_config(config)
    run.commit()
    fields = json.loads(manifest.read_text())
    del fields["normalization"]
    manifest.write_text(json.dumps(fields))
    assert load_tokenizer(run).normalization == Normalization()
    train(composed("train", *options, "trainer.max_steps=9", "resume=must"))
    assert run.manifest()["normalization"] == Normalization().as_dict()
    assert run.config()["tokenizer"]["normalization"] == "none"


def test_a_given_model_is_taken(
    composed: Compose, options: list[str], model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    given = [*options, "tokenizer.model=own.model", 'tokenizer.symbols=["<2fr>"]']
    train(composed("train", *given))
    assert "it normalises all text by nmt_nfkc and single spaces, translations too" in caplog.text
    tokenizer = load_tokenizer(RunDirectory.open("run"))
    theirs = spm.SentencePieceProcessor(model_file=str(model))
    names = {theirs.id_to_piece(token) for token in range(len(theirs))}
    assert names < set(pieces(tokenizer))
    assert "<2fr>" in pieces(tokenizer)
    assert RunDirectory.open("run").config()["tokenizer"]["model"] == str(model)
    model.unlink()
    train(composed("train", *given, "trainer.max_steps=9", "resume=must"))
    assert RunDirectory.open("run").manifest()["training"]["steps"] == 9


def test_a_given_model_is_prepared(
    composed: Compose, options: list[str], model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = [option for option in options if option.startswith(("data", "++data"))]
    prepare(composed("prepare", *data, f"tokenizer.model={model}"))
    size = len(spm.SentencePieceProcessor(model_file=str(model))) + 257 + 8  # padding and bytes
    assert f"vocabulary of {size} pieces" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("tokenizer.model=none.model", r"tokenizer\.model=.*none.model: there is no such file"),
        ("tokenizer.model=pairs.tsv", r"tokenizer\.model=.* no SentencePiece model"),
        ("tokenizer.normalization=nfc", r"tokenizer\.normalization must be one of"),
        ("tokenizer.placeholders=99", r"tokenizer\.placeholders must be at most"),
        ("tokenizer.symbols=[a b]", r"tokenizer\.symbols: 'a b' has white space"),
    ],
)
def test_a_bad_value_is_told_before_the_corpus_is_read(
    composed: Compose, options: list[str], given: str, message: str
) -> None:
    nowhere = "data.train=nowhere.tsv"
    with pytest.raises(ValueError, match=message):
        train(composed("train", *options, nowhere, given))
    data = [option for option in options if option.startswith(("data", "++data"))]
    with pytest.raises(ValueError, match=message):
        prepare(composed("prepare", *data, nowhere, given))


def test_sampling_is_refused_before_the_corpus_is_read(
    composed: Compose, options: list[str], tmp_path: Path
) -> None:
    lines = Path("pairs.tsv").read_text().splitlines()
    prefix = str(tmp_path / "own")
    spm.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_prefix=prefix, model_type="char", minloglevel=2
    )
    given = ["tokenizer.model=own.model", "tokenizer.sampling=0.1", "data.train=nowhere.tsv"]
    with pytest.raises(ValueError, match=r"tokenizer\.sampling works with models of type bpe"):
        train(composed("train", *options, *given))


def test_the_greatest_vocabulary_is_taken_and_said(
    composed: Compose, options: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):  # also where it comes from the cache
        caplog.clear()
        caplog.set_level(logging.WARNING)
        data = [option for option in options if option.startswith(("data", "++data"))]
        prepare(composed("prepare", *data, "data.cache=here", "tokenizer.vocab_size=8000"))
        (said,) = [one for one in caplog.messages if "vocabulary" in one]
        assert "a vocabulary of 8,000 pieces was asked for; it has " in said
        assert "all that the text of" in said
