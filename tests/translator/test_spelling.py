import random

import pytest
import torch

from nmt.tokenizer import EOS, Tokenizer
from nmt.tokenizer.pieces import FIRST_BYTE
from nmt.translator.word_alignment import byte_runs, characters, is_text, word_shares

ODD_LINES = [
    "the  cat",
    " the cat ",
    "the\tcat\t\tsat",
    "a\u3000dog\u00a0ran",
    "the \U0001f600\U0001f600 cat \u4f60\u597d",
    "e\u0301 \u200f\u05e9\u05dc\u05d5\u05dd",
    "a\u2581b \x1b c \x1b_",
    "</s> <unk> <0x41> \u2581",
    "a\x1cb\x85c\u2028d",
    "\x00 \x07",
    "\ufffd \ufeff",
    "",
    "  ",
]


@pytest.mark.parametrize("line", ODD_LINES)
def test_words_are_those_of_split(tokenizer: Tokenizer, line: str) -> None:
    ids = [*tokenizer.encode_src([line])[0], EOS]
    shares = word_shares((ids, tokenizer.src_pieces(ids)), False).to_dense()
    assert shares.shape == (len(line.split()), len(ids))
    assert set(shares.sum(dim=0).tolist()) <= {0.0, 1.0}
    assert (shares.sum(dim=1) > 0).all()
    for words, word in zip(shares, line.split(), strict=True):
        own = [token for token, share in zip(ids, words.tolist(), strict=True) if share]
        assert word in tokenizer.decode_tgt([own])[0]


def test_characters_are_those_of_decoding_whatever_the_tokens(tokenizer: Tokenizer) -> None:
    generator = random.Random(0)
    escape = FIRST_BYTE + 0x1B  # decoding undoes escapes, characters do not
    choices = [token for token in range(1, tokenizer.tgt_vocab_size) if token != escape]
    lead = [FIRST_BYTE + byte for byte in (0xC3, 0xA9, 0xE2, 0x96, 0x81, 0xF0, 0x9F, 0x98, 0x80)]
    for _ in range(300):
        ids = generator.choices(choices, k=10) + generator.choices(lead, k=10)
        ids = [ids[place] for place in generator.sample(range(20), 12)]
        ids = [token for token in ids if token > EOS]
        found = list(characters(ids, tokenizer.tgt_pieces(ids)))
        text = "".join(character.text for character in found)
        assert text.removeprefix(" ") == tokenizer.decode_tgt([ids])[0].removeprefix(" ")
        spans = [(character.start, character.end) for character in found]
        assert spans == sorted(spans)
        assert {place for start, end in spans for place in range(start, end)} == set(
            range(len(ids))
        )


def test_a_token_of_two_words_is_shared_by_letters() -> None:
    shares = word_shares(([300, EOS], ["\u2581a\tbcd", "</s>"]), False).to_dense()
    assert torch.equal(shares, torch.tensor([[0.25, 0.0], [0.75, 0.0]]))


def test_runs_of_bytes() -> None:
    first, last = FIRST_BYTE, FIRST_BYTE + 255
    assert byte_runs([]) == []
    assert byte_runs([first]) == [slice(0, 1)]
    assert byte_runs([last + 1, first, last, EOS, first, last + 1]) == [slice(1, 3), slice(4, 5)]


def test_what_is_text_is_what_decodes(tokenizer: Tokenizer) -> None:
    generator = random.Random(1)
    seen = set()
    for _ in range(500):
        run = [
            FIRST_BYTE + generator.choice([0x41, 0xC3, 0xA9, 0xED, 0xA0, 0x9F])
            for _ in range(generator.randint(1, 4))
        ]
        assert is_text(run) == ("\ufffd" not in tokenizer.decode_tgt([run])[0])
        seen.add(is_text(run))
    assert seen == {True, False}
