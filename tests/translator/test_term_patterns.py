"""Search finds a term exactly where the flag's check finds it."""

import random

import pytest

from nmt.text.words import occurrences
from nmt.tokenizer import BYTES, Tokenizer
from nmt.translator.term_patterns import TermPatterns

TERMS = ["chat", "é", "l'é", "le chat", "19.99", "5", "C++", "{x}", "\u732b", "a\u0301b", "ch", "-"]
ALPHABET = ["chat", "ch", "é", "e\u0301", "l'", " ", " ", "a", "5", "19.99", ".", "-", "C++", "{x}"]
ALPHABET += ["\u732b", "\u72ac", "_", "b", "(", "\u00ab", "le chat", "\U0001f600"]


def spelt(tokenizer: Tokenizer, text: str, draw: random.Random) -> list[int]:
    """Any tokens that spell the text: pieces of it one by one, some in bytes."""
    ids: list[int] = []
    while text:
        size = draw.randint(1, 4)
        head, text = text[:size], text[size:]
        if draw.random() < 0.3:
            ids += [BYTES[byte] for byte in head.encode()]
        elif ids and not head.startswith(" "):
            before = tokenizer.encode_tgt(["\U0010fffd", "\U0010fffd" + head])
            ids += before[1][len(before[0]) :]
        else:
            ids += tokenizer.encode_tgt([head.removeprefix(" ")])[0]
            ids += tokenizer.encode_tgt([" "])[0][:1] if head == " " else []
    return ids


@pytest.mark.parametrize("language", ["fr", "zh", "en"])
def test_what_a_pattern_finds_stands_in_the_text(tokenizer: Tokenizer, language: str) -> None:
    draw, patterns = random.Random(1), TermPatterns(tokenizer, language)
    found = standing = 0
    for _ in range(1500):
        term = draw.choice(TERMS)
        text = "".join(draw.choices(ALPHABET, k=draw.randint(1, 6))).strip()
        ids = spelt(tokenizer, text, draw)
        text = tokenizer.decode_tgt([ids])[0]
        pattern = patterns(term)
        assert pattern is not None
        stands = bool(occurrences(term, text, language))
        assert stands or not pattern.found(ids), (term, text)
        found += pattern.found(ids)
        standing += stands
    assert standing > 100
    assert found > 0.4 * standing


@pytest.mark.parametrize(
    ("term", "text"),
    [
        ("école", "Elle visite l'école."),
        ("école", "École, école"),
        ("hôtel", "(hôtel)"),
        ("monnaie", "un porte-monnaie"),
        ("vol", "volait, vol"),
        ("19.99", "19.9999 et 19.99."),
        ("C++", "du C++11"),
        ("{x}", "un {x}"),
        ("\u732b", "un\u732b\u732b"),
        ("le chat", "oui, le chat"),
        ("50%", "50%"),
        ("%", "50%"),
        ("19.99", "$19.99"),
    ],
)
def test_a_term_is_found_as_it_is_usually_written(
    tokenizer: Tokenizer, term: str, text: str
) -> None:
    for language in ("fr", "en"):
        pattern = TermPatterns(tokenizer, language)(term)
        assert pattern is not None
        for ids in tokenizer.encode_tgt([text, f"un {text}", f"{text} un"]):
            assert pattern.found(ids)


@pytest.mark.parametrize(
    ("term", "text"),
    [
        ("vol", "il volait, survol"),
        ("19.99", "19.9999 119.99 19.99.5"),
        ("école", "l' école"),
        ("chat", "un tapis.chat"),
        ("19.99", "un tapis19.99"),
        ("{x}", "tapis{x}"),
    ],
)
def test_nothing_is_written_that_nobody_writes(tokenizer: Tokenizer, term: str, text: str) -> None:
    pattern = TermPatterns(tokenizer, "fr")(term)
    assert pattern is not None
    assert not pattern.found(tokenizer.encode_tgt([text])[0])


def test_a_possessive_is_no_elision(tokenizer: Tokenizer) -> None:
    pattern = TermPatterns(tokenizer, "en")("school")
    assert pattern is not None
    assert pattern.found(tokenizer.encode_tgt(["the dogs' school"])[0])


def test_the_usual_tokens_are_the_way_there(tokenizer: Tokenizer) -> None:
    patterns = TermPatterns(tokenizer, "fr")
    for term in ("chat", "gentilhomme", "sur le"):
        pattern = patterns(term)
        assert pattern is not None
        assert pattern.left[0] == len(tokenizer.encode_tgt([term])[0]) + 1  # and a word's end
    assert patterns(" chat") is patterns("chat")
