"""Text that looks the same becomes the same, what has a meaning stays, once is enough."""

# ruff: noqa: RUF001 (signs that look alike are the matter)

import itertools
import random
import unicodedata
from functools import cache

import pytest

from nmt.text.normalization import SCHEMES, Normalization

STANDARD, SPACES = Normalization("standard"), Normalization("spaces")
SPACE_SIGNS = (
    "\t\n\v\f\r\x00\x1b\x1c\x85 \xa0\u1680\u2000\u2003\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
IDLE = "\xad\u200b\u200c\u200d\u200e\u200f\u202a\u202e\u2060\u2063\u2066\u2069\ufeff\u034f\u180e"

KEPT = {
    "Persian": "می\u200cخواهم",
    "Persian with a mark between": "مَ\u200cخ",
    "Arabic, an abbreviation": "ه\u200d. ش",
    "Hindi": "क\u094d\u200dष क\u094d\u200cष",
    "Sinhala": "ශ\u0dca\u200dරී",
    "Mongolian": "\u1828\u1820\u180e\u1820",
    "Hebrew, marks of direction": "\u200eשלום\u200f (abc\u200e) \u2067abc\u2069",
    "a family": "👨\u200d👩\u200d👧\u200d👦",
    "a flag": "🏳\ufe0f\u200d🌈",
    "a doctor with a skin tone": "👩🏽\u200d⚕\ufe0f",
    "the flag of England": "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "a variation": "葛\U000e0100 ❤\ufe0f ⛄\ufe0e",
    "a placeholder": "a \U0010ff00 b",
    "Vietnamese": "tiếng Việt",
    "Korean": "한국어",
    "French": "« L’été ! » — où ça ?",
}


@cache
def random_texts(count: int = 20_000) -> list[str]:
    """Of all that Unicode holds, and much of what the rules speak of."""
    rng = random.Random(0)
    anything = [chr(n) for n in range(0x110000) if not 0xD800 <= n < 0xE000]
    by_class: dict[str, list[str]] = {}
    for character in anything:
        by_class.setdefault(unicodedata.category(character), []).append(character)
    classes = [members for name, members in by_class.items() if name != "Cn"]
    special = list(SPACE_SIGNS + IDLE + "".join(KEPT.values()))
    pools = [*classes, special, special, special, by_class["Mn"], by_class["Cf"], ["a", "e", " "]]
    return [
        "".join(rng.choice(rng.choice(pools)) for _ in range(rng.randint(0, 12)))
        for _ in range(count)
    ]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_is_normal_stays_as_it_is(scheme: str) -> None:
    rules = Normalization(scheme)
    for text in random_texts():
        src, tgt = rules.source(text), rules.target(text)
        assert (rules.source(src), rules.target(tgt)) == (src, tgt)


def test_none_changes_nothing() -> None:
    for text in random_texts():
        assert Normalization().source(text) == Normalization().target(text) == text


@pytest.mark.parametrize("rules", [SPACES, STANDARD])
def test_sources_have_single_spaces_within_and_none_outside(rules: Normalization) -> None:
    for text in random_texts():
        assert rules.source(text) == " ".join(rules.source(text).split())
        assert not set(rules.source(text)) & (set(SPACE_SIGNS) - {" "})
    for sign in SPACE_SIGNS:
        assert rules.source(f"{sign}a{sign}b {sign}c{sign * 3}") == "a b c"


def test_spaces_changes_spaces_only() -> None:
    def without_spaces(text: str) -> str:
        return "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Zs", "Zl", "Zp"))

    for text in random_texts():
        for normal in (SPACES.source(text), SPACES.target(text)):
            assert without_spaces(normal) == without_spaces(text)


def test_composed_and_decomposed_text_is_one() -> None:
    for text in [*random_texts(), *KEPT.values()]:
        forms = [unicodedata.normalize(form, text) for form in ("NFC", "NFD")]
        for rule in (STANDARD.source, STANDARD.target):
            assert rule(forms[0]) == rule(forms[1]) == rule(text)
            assert unicodedata.is_normalized("NFC", rule(text))


def test_no_letter_or_sign_that_can_be_seen_is_lost() -> None:
    def seen(text: str) -> str:
        text = unicodedata.normalize("NFC", text)
        return "".join(c for c in text if unicodedata.category(c)[0] not in "CZM")

    for text in random_texts():
        # Marks are left out: they may be composed once a sign between them is cut.
        decomposed = [unicodedata.normalize("NFD", t) for t in (text, STANDARD.source(text))]
        assert seen(decomposed[0]) == seen(decomposed[1])
        assert seen(text) == seen(STANDARD.target(text))


@pytest.mark.parametrize("sign", IDLE)
def test_an_invisible_sign_in_latin_text_is_cut(sign: str) -> None:
    for text in (
        f"{sign}Mot{sign}if",
        f"Motif{sign}",
        f"{sign}{sign} Motif {sign}",
        f"Motif{sign} ",
    ):
        assert STANDARD.source(text) == "Motif"
    assert STANDARD.source(f"a {sign} b") == "a b"
    assert STANDARD.source(f"e{sign}\u0301") == "é"
    assert SPACES.source(f"Mot{sign}if") == f"Mot{sign}if"


@pytest.mark.parametrize("text", KEPT.values(), ids=KEPT)
def test_what_has_a_meaning_stays(text: str) -> None:
    assert STANDARD.source(text) == STANDARD.target(text) == unicodedata.normalize("NFC", text)
    for idle, place in itertools.product("\u200b\ufeff\u2060", (0, len(text))):
        assert STANDARD.source(text[:place] + idle + text[place:]) == STANDARD.source(text)


def test_signs_without_their_company_are_cut() -> None:
    assert STANDARD.source("👨\u200d") == "👨"
    assert STANDARD.source("a\U000e0067\U000e007f") == "a"
    assert STANDARD.source("\u200cمی") == "می"
    assert STANDARD.source("Auf\u200clage") == "Auflage"


def test_targets_keep_the_spaces_of_their_language() -> None:
    for rules in (SPACES, STANDARD):
        french = "« Oui\u202f! »  10\xa0000\xa0€"
        assert rules.target(f"\xa0 {french}\u3000\t") == french
        assert rules.target("a\tb \r\n c\x00d\u2028e\x85") == "a b c d e"
    assert STANDARD.target("co\xadop\u200bé\ufeff") == "co\xadop\u200bé\ufeff"


def test_a_scheme_has_a_name_and_a_version() -> None:
    assert (Normalization().described, STANDARD.described) == ("none", "standard.v1")
    small = Normalization("standard", lowercase=True)
    assert small.described == "standard.v1.lowercase"
    assert Normalization(**small.as_dict()) == small
    assert small.source("E\u0301TÉ  A") == small.target("E\u0301TÉ A") == "été a"
    for scheme in SCHEMES:
        assert Normalization(**Normalization(scheme).as_dict()) == Normalization(scheme)
    with pytest.raises(
        ValueError, match="normalization must be one of none, spaces, standard, got"
    ):
        Normalization("nfc")
    with pytest.raises(ValueError, match="knows version 1 of standard, not 2"):
        Normalization("standard", 2)
