"""Text comes back exactly, ids stay what they are, and bad values are told with a remedy."""

import itertools
import json
import pickle
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sentencepiece as spm

from nmt.tokenizer import BOS, EOS, PAD, UNK, Tokenizer
from nmt.tokenizer.tokenizer import Pairs

SPECIAL = {PAD, UNK, BOS, EOS}
HOSTILE = [
    "</s>",
    "<s>",
    "<pad>",
    "<unk>",
    "a</s>b",
    "<0x41>",
    "\u2581",  # SentencePiece's own mark for a space
    "\u2581\u2581 \u2581",
    "\x1b",
    "\x1b_",
    "\x1b\x1b_\u2581",
    "\u2585",  # its own mark for an unknown character
    "\u2047",  # what it writes for an unknown piece
    "a \u2047 b",
    "a\tb",
    "a  b",
    " a",
    "a ",
    " ",
    "   ",
    "",
    "a\0b",
    "a\rb",
    "a\u2028b",
    "\ufeffa",
    "\u00a0\u3000",
    "ﬁ ½ … ①",
    "é e\u0301",
    "😀 🏳️\u200d🌈",
    "中文",
    "\ufffd\U0010ffff",
]


def corpus(size: int = 400) -> list[tuple[str, str]]:
    """Sentences of made-up words; each language has its own letters and endings."""
    rng = random.Random(0)
    words = ["".join(rng.choices("abcdefghik", k=rng.randint(1, 4))) for _ in range(120)]
    return [
        (
            " ".join(f"{word}en" for word in rng.choices(words, k=8)) + ".",
            " ".join(f"{word}s" for word in rng.choices(words, k=8)) + "!",
        )
        for _ in range(size)
    ]


def learn(pairs: Pairs, **options: Any) -> Tokenizer:
    """A tokenizer that changes no text, unless ``options`` say so."""
    return Tokenizer.train(pairs, **{"normalization": "none", **options})


CORPUS = corpus()
SRC = [src for src, _ in CORPUS]


def sampled(
    tokenizer: Tokenizer,
    lines: list[str],
    sampling: float = 0.3,
    *,
    seed: int = 1,
    placeholders: bool = False,
) -> list[list[int]]:
    options: dict[str, Any] = {"sampling": sampling, "seed": seed, "placeholders": placeholders}
    return list(tokenizer.sample_src(lines, **options))


def sampled_tgt(
    tokenizer: Tokenizer,
    lines: list[str],
    sampling: float = 0.3,
    *,
    seed: int = 1,
    placeholders: bool = False,
) -> list[list[int]]:
    options: dict[str, Any] = {"sampling": sampling, "seed": seed, "placeholders": placeholders}
    return list(tokenizer.sample_tgt(lines, **options))


@pytest.fixture(
    scope="module",
    params=[("bpe", True), ("bpe", False), ("unigram", True), ("unigram", False)],
    ids=["bpe-joint", "bpe-separate", "unigram-joint", "unigram-separate"],
)
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    kind, joint = request.param
    return learn(CORPUS, kind=kind, vocab_size=330, joint=joint)


@pytest.fixture(scope="module")
def bpe() -> Tokenizer:
    return learn(CORPUS, kind="bpe", vocab_size=330, joint=False)


def decoded_src(tokenizer: Tokenizer, ids: list[list[int]]) -> list[str]:
    """Nobody else decodes source ids."""
    return Tokenizer(tokenizer._src, tokenizer._src).decode_tgt(ids)


def test_text_comes_back_exactly(tokenizer: Tokenizer) -> None:
    texts = HOSTILE + SRC
    for ids in (tokenizer.encode_src(texts), sampled(tokenizer, texts)):
        assert decoded_src(tokenizer, ids) == texts
    for ids in (tokenizer.encode_tgt(texts), sampled_tgt(tokenizer, texts)):
        assert tokenizer.decode_tgt(ids) == texts


def test_any_text_comes_back_exactly(tokenizer: Tokenizer) -> None:
    rng = random.Random(1)
    anything = [chr(n) for n in range(0x110000) if not 0xD800 <= n < 0xE000]
    texts = [
        "".join(rng.choice(rng.choice([HOSTILE, anything])) for _ in range(rng.randint(0, 8)))
        for _ in range(2000)
    ]
    assert decoded_src(tokenizer, tokenizer.encode_src(texts)) == texts


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_hostile_training_text_does_no_harm(kind: str) -> None:
    hostile = [(text, text) for text in HOSTILE * 30]
    tokenizer = learn(CORPUS + hostile, kind=kind, vocab_size=360, joint=True)
    ids = tokenizer.encode_src(HOSTILE)
    assert decoded_src(tokenizer, ids) == HOSTILE
    assert not SPECIAL & {token for sentence in ids for token in sentence}


def test_no_text_becomes_a_special_id(tokenizer: Tokenizer) -> None:
    texts = HOSTILE + SRC
    for ids in (tokenizer.encode_tgt(texts), sampled_tgt(tokenizer, texts)):
        assert not SPECIAL & {token for sentence in ids for token in sentence}
        assert max(map(max, filter(None, ids))) < tokenizer.tgt_vocab_size
    assert [len(sentence) for sentence in tokenizer.encode_tgt([""])] == [0]


def test_special_ids_are_left_out_of_the_text(tokenizer: Tokenizer) -> None:
    (ids,) = tokenizer.encode_tgt([" aben  cden"])
    wrapped = [BOS, *ids[:2], UNK, *ids[2:], EOS, PAD, PAD]
    assert tokenizer.decode_tgt([wrapped, [], [BOS, EOS]]) == [" aben  cden", "", ""]


def test_broken_bytes_become_the_replacement_character(tokenizer: Tokenizer) -> None:
    """Cut anywhere, even inside a character spelt in bytes, ids still give text."""
    (ids,) = tokenizer.encode_tgt(["中"])
    assert len(tokenizer.decode_tgt([ids])[0]) == 1
    assert "\ufffd" in tokenizer.decode_tgt([ids[:-1]])[0]
    assert tokenizer.decode_tgt([list(range(tokenizer.tgt_vocab_size))])[0].encode()


def test_pieces_are_shown_one_an_id(tokenizer: Tokenizer) -> None:
    (ids,) = tokenizer.encode_tgt(["abs cds"])
    assert "".join(tokenizer.tgt_pieces(ids)) == "\u2581abs\u2581cds"
    (ids,) = tokenizer.encode_src(["aben cden"])
    assert "".join(tokenizer.src_pieces(ids)) == "\u2581aben\u2581cden"
    assert len(set(tokenizer.tgt_pieces([PAD, UNK, BOS, EOS]))) == 4


def test_joint_or_separate(tokenizer: Tokenizer) -> None:
    assert tokenizer.src_vocab_size == tokenizer.tgt_vocab_size == 330
    same = tokenizer.encode_src(SRC) == tokenizer.encode_tgt(SRC)
    assert same == tokenizer.joint


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_training_is_deterministic(kind: str, tmp_path: Path) -> None:
    files = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        tokenizer = learn(CORPUS, kind=kind, vocab_size=330, joint=True)
        files.append(tokenizer.save(tmp_path / name)[0].read_bytes())
    assert files[0] == files[1]


def test_training_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    learn(CORPUS[:50], kind="unigram", vocab_size=300, joint=True)
    assert capfd.readouterr() == ("", "")


def test_long_sentences_are_trained_on() -> None:
    """SentencePiece leaves out what is over 4,192 bytes unless it is told otherwise."""
    only_there = ("ß " * 5000, "a")
    tokenizer = learn([*CORPUS, only_there], kind="bpe", vocab_size=330, joint=True)
    (ids,) = tokenizer.encode_src(["ß"])
    assert "ß" in tokenizer.src_pieces(ids)[-1]


def test_sampling_depends_on_the_seed_alone(tokenizer: Tokenizer) -> None:
    first = sampled(tokenizer, SRC, seed=7)
    assert sampled(tokenizer, SRC, seed=8) != first
    sampled_tgt(tokenizer, SRC, 0.5, seed=9)
    assert sampled(tokenizer, SRC, seed=7) == first
    assert sampled(pickle.loads(pickle.dumps(tokenizer)), SRC, seed=7) == first


def test_sampling_is_the_same_in_another_process(tokenizer: Tokenizer, tmp_path: Path) -> None:
    """Where SentencePiece's own sampling never is: a resumed run must go on as it would have."""
    tokenizer.save(tmp_path)
    (tmp_path / "lines.json").write_text(json.dumps(SRC))
    program = (
        "import json, pathlib, sys, nmt.tokenizer as t; run = pathlib.Path(sys.argv[1]);"
        "lines = json.loads((run / 'lines.json').read_text()); tokenizer = t.Tokenizer.load(run);"
        "options = {'sampling': 0.3, 'seed': 2**64 + 7};"
        "src = list(tokenizer.sample_src(lines, **options));"
        "print(json.dumps([src, list(tokenizer.sample_tgt(lines, **options))]))"
    )
    output = subprocess.check_output([sys.executable, "-c", program, str(tmp_path)], text=True)
    seed = 2**64 + 7
    expected = [sampled(tokenizer, SRC, seed=seed), sampled_tgt(tokenizer, SRC, seed=seed)]
    assert json.loads(output) == expected


def test_the_sides_of_a_pair_draw_different_numbers(tokenizer: Tokenizer) -> None:
    seeds = range(4)
    src = [sampled(tokenizer, SRC, seed=seed) for seed in seeds]
    assert not [seed for seed in seeds if sampled_tgt(tokenizer, SRC, seed=seed) in src]


def test_sampling_segments_equal_lines_differently(tokenizer: Tokenizer) -> None:
    ids = sampled(tokenizer, [" ".join(SRC[:9])] * 20, 0.05)
    assert len(set(map(tuple, ids))) == 20


def test_lines_are_sampled_when_they_are_asked_for(tokenizer: Tokenizer) -> None:
    """So that memory does not grow with the corpus."""
    endless = tokenizer.sample_src(itertools.cycle(["a b"]), sampling=0.3, seed=1)
    assert len(list(itertools.islice(endless, 10))) == 10


def test_threads_change_nothing(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode_src(HOSTILE + SRC, threads=2) == tokenizer.encode_src(HOSTILE + SRC)


def test_saved_and_loaded(tokenizer: Tokenizer, tmp_path: Path) -> None:
    paths = tokenizer.save(tmp_path)
    joint_names = ["tokenizer.model"]
    names = joint_names if tokenizer.joint else ["tokenizer.src.model", "tokenizer.tgt.model"]
    assert [path.name for path in paths] == names == sorted(p.name for p in tmp_path.iterdir())
    loaded = Tokenizer.load(tmp_path)
    assert loaded.joint == tokenizer.joint
    assert loaded.encode_src(HOSTILE + SRC) == tokenizer.encode_src(HOSTILE + SRC)
    assert loaded.encode_tgt(HOSTILE + SRC) == tokenizer.encode_tgt(HOSTILE + SRC)


def test_loading_what_is_not_there_or_damaged(bpe: Tokenizer, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no tokenizer in .*: tokenizer.src\.model"):
        Tokenizer.load(tmp_path)
    bpe.save(tmp_path)[1].unlink()
    with pytest.raises(FileNotFoundError, match=r"tgt\.model is missing"):
        Tokenizer.load(tmp_path)
    whole = (tmp_path / "tokenizer.src.model").read_bytes()
    for content in (b"", b"no model", whole[: len(whole) // 2]):
        (tmp_path / "tokenizer.model").write_bytes(content)
        with pytest.raises(ValueError, match=r"model is damaged"):
            Tokenizer.load(tmp_path)


def test_another_programs_model_is_refused(tmp_path: Path) -> None:
    spm.SentencePieceTrainer.train(
        sentence_iterator=iter(SRC),
        model_prefix=str(tmp_path / "tokenizer"),
        vocab_size=40,
        minloglevel=2,
    )
    with pytest.raises(ValueError, match=r"model was not made by nmt-train"):
        Tokenizer.load(tmp_path)


@pytest.mark.parametrize("joint", [True, False])
@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_the_least_vocabulary_is_told_and_the_greatest_taken(kind: str, joint: bool) -> None:
    def train(size: int, placeholders: int = 8) -> Tokenizer:
        options = {"kind": kind, "joint": joint, "placeholders": placeholders}
        return learn(CORPUS[:100], vocab_size=size, **options)

    with pytest.raises(ValueError, match="vocab_size=10 is too small") as error:
        train(10)
    least = [int(number) for number in re.findall(r"at least (\d+)", str(error.value))]
    assert len(least) == (1 if joint else 2)
    assert train(max(least)).src_vocab_size == max(least)
    with pytest.raises(ValueError, match="too small"):
        train(max(least) - 1)

    greatest, plain = train(50_000), train(50_000, placeholders=0)
    sizes = greatest.src_vocab_size, greatest.tgt_vocab_size
    assert max(least) < min(sizes)
    assert sizes == (plain.src_vocab_size + 8, plain.tgt_vocab_size + 8)
    again = train(max(sizes))
    assert (again.src_vocab_size, again.tgt_vocab_size) == sizes


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "word"}, r"kind must be one of bpe, unigram, got 'word'"),
        ({"vocab_size": -3}, r"vocab_size must be .* -3"),
        ({"character_coverage": 0.0}, r"character_coverage must be .* 0\.0"),
        ({"character_coverage": 1.5}, r"character_coverage must be .* 1\.5"),
        ({"normalization": "nfkc"}, r"normalization must be one of none, .*, got 'nfkc'"),
        ({"placeholders": -1}, r"placeholders must be .* at least 0, got -1"),
        ({"placeholders": 27}, r"placeholders must be at most 26, got 27"),
        ({"symbols": "<2fr>"}, r"symbols must be a list of texts, got '<2fr>'"),
        ({"symbols": [2]}, r"symbols must be a list of texts"),
        ({"symbols": None}, r"symbols must be a list of texts, got None"),
        ({"symbols": ["a b"]}, r"symbols: 'a b' has white space"),
        ({"symbols": [""]}, r"symbols: '' has white space, or nothing else"),
        ({"symbols": ["</s>"]}, r"symbols: '</s>' is a piece already"),
        ({"symbols": ["x", "x"]}, r"symbols: 'x' is a piece already"),
        ({"symbols": ["\U0010ff00"]}, r"symbols: '\\U0010ff00' has characters that stand for"),
        ({"symbols": ["e\u0301"]}, r"does not outlast normalization=standard"),
    ],
)
def test_values_out_of_range_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Tokenizer.train(CORPUS, **{"kind": "bpe", "vocab_size": 330, "joint": True, **options})


def test_sampling_out_of_range_is_refused(bpe: Tokenizer) -> None:
    for sampling in (-0.1, 1.0, float("nan")):
        with pytest.raises(ValueError, match=r"sampling must be"):
            bpe.sample_src(["a"], sampling=sampling, seed=1)


def test_half_a_surrogate_pair_is_refused(bpe: Tokenizer) -> None:
    with pytest.raises(ValueError, match=r"sentence 2 .*'\\ud83d' at character 4"):
        bpe.encode_src(["fine", "so \ud83d so"])
    with pytest.raises(ValueError, match="sentence 1 "):
        learn([("\udc00", "a")], kind="bpe", vocab_size=300, joint=True)


def test_ctrl_c_while_it_reads_is_no_other_error() -> None:
    class Interrupted(list[tuple[str, str]]):
        def __iter__(self) -> Iterator[tuple[str, str]]:
            yield from CORPUS[:50]
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learn(Interrupted(), kind="bpe", vocab_size=300, joint=True)


@pytest.mark.parametrize("pairs", [[], [("", "a")], [(" \t", "a")]])
def test_nothing_to_train_on_is_said(pairs: list[tuple[str, str]]) -> None:
    with pytest.raises(ValueError, match="no text to train the tokenizer of the source on"):
        learn(pairs, kind="bpe", vocab_size=300, joint=False)


MESSY, NEAT = "\ufeff aben\xa0 cde\u0301n\u200b\t", "aben cdén"


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_text_is_normalised_before_it_is_encoded(kind: str) -> None:
    pairs = [(f" {src.replace(' ', '  ')}\t", f"{tgt}\xa0") for src, tgt in CORPUS]
    options: dict[str, Any] = {"kind": kind, "vocab_size": 330, "joint": True}
    tidy = learn(CORPUS, **options, normalization="standard")
    tokenizer = learn(pairs, **options, normalization="standard")
    assert tokenizer.sha256() == tidy.sha256() != learn(CORPUS, **options).sha256()
    assert tokenizer.encode_src([MESSY]) == tokenizer.encode_src([NEAT])
    assert sampled(tokenizer, [MESSY]) == sampled(tokenizer, [NEAT])
    assert tokenizer.decode_tgt(tokenizer.encode_tgt([MESSY, "« a\xa0»"])) == [
        "\ufeff aben\xa0 cdén\u200b",
        "« a\xa0»",
    ]
    for line in sampled_tgt(tokenizer, ["\tab \ncd "]):
        assert tokenizer.decode_tgt([line]) == ["ab cd"]


def test_placeholders_are_symbols_in_masked_text_only(tokenizer: Tokenizer) -> None:
    """In other text they are characters like others, as any text must come back."""
    assert len(tokenizer.placeholders) == 8
    first, last = tokenizer.placeholders[0], tokenizer.placeholders[-1]
    texts = [f"aben {first}, ({last}{first})cden", first, f"{last} \x1ba\x1b{first}\u2581"]
    for encode, sample, pieces in (
        (tokenizer.encode_src, sampled, tokenizer.src_pieces),
        (tokenizer.encode_tgt, sampled_tgt, tokenizer.tgt_pieces),
    ):
        for masked in (True, False):
            rows = encode(texts, placeholders=masked)
            rows += sample(tokenizer, texts, placeholders=masked)
            for text, ids in zip(texts * 2, rows, strict=True):
                symbols = [piece for piece in pieces(ids) if piece in tokenizer.placeholders]
                inside = [c for c in text if c in tokenizer.placeholders]
                assert symbols == (inside if masked else [])
            if encode == tokenizer.encode_tgt:
                assert tokenizer.decode_tgt(rows) == texts * 2


def test_placeholders_are_counted_and_known_again(tmp_path: Path) -> None:
    pairs = [*CORPUS, ("\U0010ff00\U0010ff01" * 30, "\U0010ff00" * 40)]
    for count in (0, 1, 26):
        tokenizer = learn(pairs, kind="bpe", vocab_size=330, joint=True, placeholders=count)
        assert (tokenizer.src_vocab_size, len(tokenizer.placeholders)) == (330, count)
        tokenizer.save(tmp_path)
        assert Tokenizer.load(tmp_path).placeholders == tokenizer.placeholders
    assert len(set(tokenizer.placeholders)) == 26


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_a_symbol_is_one_piece_wherever_it_stands(kind: str) -> None:
    symbols = ["<2fr>", "<2f", "a,\"b'"]
    tagged = [(f"<2fr> {src}", tgt) for src, tgt in CORPUS]
    tokenizer = learn(tagged, kind=kind, vocab_size=330, joint=True, symbols=symbols)
    assert tokenizer.src_vocab_size == 330
    texts = ["<2fr> aben <2f", "aben<2fr>cden", "a,\"b'"]
    expected = [["<2fr>", "<2f"], ["<2fr>"], ["a,\"b'"]]
    for rows in (tokenizer.encode_src(texts), sampled(tokenizer, texts)):
        assert [[p for p in tokenizer.src_pieces(row) if p in symbols] for row in rows] == expected
        assert decoded_src(tokenizer, rows) == texts
    everything = tokenizer.src_pieces(range(330))
    assert [piece for piece in everything if "<2" in piece] == ["<2fr>", "<2f"]
