"""SentencePiece models that other programs made serve as they are, or are refused by name."""

import io
from pathlib import Path
from typing import Any

import pytest
import sentencepiece as spm

from nmt.text.normalization import Normalization
from nmt.tokenizer import BOS, BYTES, EOS, PAD, UNK, Tokenizer
from nmt.tokenizer.pieces import ALL_PLACEHOLDERS
from tests.tokenizer.test_tokenizer import HOSTILE, SRC, decoded_src, sampled

UNKNOWN = "中文 Qé\u2581 😀 <2fr> </s>"


def write_model(path: Path, **options: Any) -> spm.SentencePieceProcessor:
    """A model with SentencePiece's defaults, but for these options."""
    stream = io.BytesIO()
    spm.SentencePieceTrainer.train(
        sentence_iterator=iter(SRC),
        model_writer=stream,
        minloglevel=2,
        **{"vocab_size": 60, "hard_vocab_limit": False, **options},
    )
    path.write_bytes(stream.getvalue())
    return spm.SentencePieceProcessor(model_proto=stream.getvalue())


MODELS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "bpe": {"model_type": "bpe"},
    "char": {"model_type": "char"},
    "bytes": {"byte_fallback": True, "vocab_size": 300},
    "other ids": {"pad_id": 3, "bos_id": 0, "eos_id": 1, "unk_id": 2},
    "no special pieces": {"bos_id": -1, "eos_id": -1},
    "special pieces that are text": {"user_defined_symbols": ["<s>", "<pad>"], "bos_id": -1},
    "identity": {"normalization_rule_name": "identity", "remove_extra_whitespaces": False},
    "lower case": {"normalization_rule_name": "nmt_nfkc_cf"},
    "no first space": {"add_dummy_prefix": False},
    "pieces across spaces": {"split_by_whitespace": False},
    "control symbols": {"control_symbols": ["<c>"]},
}


@pytest.mark.parametrize("options", MODELS.values(), ids=MODELS)
def test_another_programs_model_serves(options: dict[str, Any], tmp_path: Path) -> None:
    theirs = write_model(tmp_path / "x.model", **options)
    tokenizer = Tokenizer.of_model(tmp_path / "x.model", normalization="none")
    assert tokenizer.joint and tokenizer.placeholders == ALL_PLACEHOLDERS[:8]

    ids = tokenizer.encode_src(SRC)
    assert [tokenizer.src_pieces(line) for line in ids] == [
        theirs.encode(line, out_type=str) for line in SRC
    ]
    assert decoded_src(tokenizer, ids) == SRC
    texts = [*HOSTILE, *SRC, UNKNOWN]
    ids = tokenizer.encode_tgt(texts)
    assert not {PAD, UNK, BOS, EOS} & {token for line in ids for token in line}
    decoded = tokenizer.decode_tgt(ids)
    assert tokenizer.decode_tgt(tokenizer.encode_tgt(decoded)) == decoded  # it is normal by now
    assert decoded[-1] == (UNKNOWN.lower() if "cf" in str(options) else UNKNOWN)
    if not tokenizer.own_normalization():
        assert decoded == texts
    everything = tokenizer.src_pieces(range(tokenizer.src_vocab_size))
    assert len(set(everything)) == len(everything)
    assert [everything[token] for token in BYTES] == [f"<0x{byte:02X}>" for byte in range(256)]

    tokenizer.save(tmp_path)
    loaded = Tokenizer.load(tmp_path)
    assert loaded.encode_tgt(texts) == ids
    assert loaded.placeholders == tokenizer.placeholders


@pytest.mark.parametrize("options", MODELS.values(), ids=MODELS)
def test_its_placeholders_and_symbols(options: dict[str, Any], tmp_path: Path) -> None:
    write_model(tmp_path / "x.model", **options)
    symbols = ["<2fr>", "<2es>", "en"]  # the last is a piece already
    tokenizer = Tokenizer.of_model(tmp_path / "x.model", placeholders=2, symbols=symbols)
    first, second = tokenizer.placeholders
    text = f"<2fr> aben {second}, ({first})"
    for masked in (True, False):
        (ids,) = tokenizer.encode_tgt([text], placeholders=masked)
        pieces = tokenizer.tgt_pieces(ids)
        assert [one for one in pieces if one in {first, second, *symbols}] == (
            ["<2fr>", "en", second, first] if masked else ["<2fr>", "en"]
        )
        assert tokenizer.decode_tgt([ids]) == [text]


def test_what_it_does_to_text_is_said(tmp_path: Path) -> None:
    write_model(tmp_path / "x.model")
    tokenizer = Tokenizer.of_model(tmp_path / "x.model")
    assert tokenizer.own_normalization() == "nmt_nfkc and single spaces"
    assert tokenizer.normalization == Normalization("standard")
    (ids,) = tokenizer.encode_tgt(["ﬁ …\xa0 a"])
    assert tokenizer.decode_tgt([ids]) == ["fi ... a"]


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_its_segmentations_are_sampled(kind: str, tmp_path: Path) -> None:
    write_model(tmp_path / "x.model", model_type=kind, user_defined_symbols=["ben"])
    tokenizer = Tokenizer.of_model(tmp_path / "x.model")
    tokenizer.check_can_sample()
    lines = [*SRC[:20], UNKNOWN, "ﬁ"]
    best = decoded_src(tokenizer, tokenizer.encode_src(lines))
    drawn = sampled(tokenizer, lines)
    assert decoded_src(tokenizer, drawn) == best
    assert drawn != tokenizer.encode_src(lines)
    assert len(tokenizer.src_pieces(sampled(tokenizer, ["ben"], 0.9)[0])) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"model_type": "char"},
            "sampling works with models of type bpe and unigram, .* type char",
        ),
        (
            {"split_by_whitespace": False, "model_type": "bpe", "vocab_size": 300},
            "sampling works with models whose pieces cross no space",
        ),
    ],
)
def test_sampling_is_refused_where_it_cannot_work(
    options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    write_model(tmp_path / "x.model", **options)
    tokenizer = Tokenizer.of_model(tmp_path / "x.model")
    with pytest.raises(ValueError, match=message):
        tokenizer.check_can_sample()
    with pytest.raises(ValueError, match=message):
        tokenizer.sample_src(SRC, sampling=0.1, seed=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model_type": "word"}, "model cannot serve: it is of type word"),
        ({"treat_whitespace_as_suffix": True}, "model cannot serve: its spaces stand at the end"),
    ],
)
def test_a_model_that_cannot_serve_is_refused(
    options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    write_model(tmp_path / "x.model", **options)
    with pytest.raises(ValueError, match=message):
        Tokenizer.of_model(tmp_path / "x.model")


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(ValueError, match=f"model={path}: there is no such file"):
            Tokenizer.of_model(path)
    write_model(tmp_path / "x.model")
    whole = (tmp_path / "x.model").read_bytes()
    for content in (b"", b"a\tb\n", b'{"model": {}}', whole[: len(whole) // 2]):
        (tmp_path / "bad").write_bytes(content)
        with pytest.raises(ValueError, match="bad is no SentencePiece model: it takes a file like"):
            Tokenizer.of_model(tmp_path / "bad")


@pytest.mark.parametrize("asked", [0, 2, 8])
def test_a_model_of_a_run_serves_another(asked: int, tmp_path: Path) -> None:
    own = Tokenizer.train(
        [(line, line) for line in SRC], kind="bpe", vocab_size=330, joint=True, placeholders=4
    )
    (path,) = own.save(tmp_path)
    tokenizer = Tokenizer.of_model(path, placeholders=asked)
    assert tokenizer.encode_src(SRC) == own.encode_src(SRC)
    assert tokenizer.placeholders == ALL_PLACEHOLDERS[:asked]
    assert tokenizer.src_vocab_size == 326 + asked
