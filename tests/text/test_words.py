"""When a term stands in a text."""

import random
import unicodedata

import pytest

from nmt.text.words import occurrences


def stands(term: str, text: str, language: str = "fr") -> bool:
    return bool(occurrences(term, text, language))


@pytest.mark.parametrize(
    ("term", "text", "wanted"),
    [
        ("chat", "le chat dort", True),
        ("chat", "chat", True),
        ("chat", "un achat, les chats", False),
        ("chat", "le Chat dort", False),
        ("école", "Elle visite l'école.", True),
        ("école", "l\u2019école", True),
        ("monnaie", "un porte-monnaie", True),
        ("hôtel", "(hôtel)", True),
        ("vol", "Il volait, elle s'envole", False),
        ("vol", "le vol.", True),
        ("rev", "Il revient.", False),
        ("le chat", "le\u00a0chat", True),
        ("chat", "_chat_", True),
        ("chat", "chat_noir", False),
        ("cata", "cata\u00adlogue", False),
        ("19.99", "19.99", True),
        ("19.99", "à 19.99.", True),
        ("19.99", "$19.99,", True),
        ("19.99", "19.9999", False),
        ("19.99", "119.99", False),
        ("19.99", "19.99.5", False),
        ("19.99", "3.19.99", False),
        ("19", "19,5", False),
        ("19", "19, 5", True),
        ("123456", "12345636", False),
        ("5", "5km", False),
        ("C++", "du C++, du C++11", True),
        ("{x}", "a{x}b", True),
        (".b.", "a xbx c", False),
        ("café", "cafe\u0301 noir", True),
        ("cafe", "cafe\u0301 noir", False),
        ("chat", "\u2764\ufe0fchat", True),
        ("chat", "", False),
        ("", "chat", False),
        (" ", "un chat", False),
        (" chat ", "le chat", True),
    ],
)
def test_a_term_stands_as_a_whole_word(term: str, text: str, wanted: bool) -> None:
    assert stands(term, text) == wanted


@pytest.mark.parametrize("language", ["zh-TW", "ja", "th", ""])
def test_without_spaces_a_word_stands_among_others(language: str) -> None:
    assert stands("\u732b", "\u6211\u559c\u6b22\u732b\u4e86", language)
    assert stands("iPhone", "\u8cb7iPhone\u624b\u6a5f", language)
    assert not stands("Phone", "\u8cb7iPhone\u624b\u6a5f", language)
    assert not stands("19", "\u4ef7193\u5143", language)
    assert stands(
        "\u0e41\u0e21\u0e27", "\u0e09\u0e31\u0e19\u0e41\u0e21\u0e27\u0e14\u0e33", language
    )
    assert not stands("\u0e09", "\u0e09\u0e31\u0e19", language)  # a vowel above it


def test_korean_syllables_are_composed() -> None:
    text = unicodedata.normalize("NFD", "\uac00 \uac01")
    assert [text[span.start : span.end] for span in occurrences("\uac00", text, "ko")] == [text[:2]]


def test_places_are_those_of_the_text_as_it_is() -> None:
    text = unicodedata.normalize("NFD", "L'école, l'École et l'école")
    places = occurrences("école", text, "fr")
    assert [text[span.start : span.end] for span in places] == ["e\u0301cole"] * 2
    assert len(occurrences("ÉCOLE", text, "fr", ignore_case=True)) == 3
    assert len(occurrences("a a", "a a a a a", "fr")) == 2


def test_case_is_that_of_the_language() -> None:
    assert occurrences("straße", "Die STRASSE", "de", ignore_case=True)
    assert not occurrences("stras", "Die straße", "de", ignore_case=True)
    assert occurrences("istanbul", "İSTANBUL", "tr", ignore_case=True)
    assert not occurrences("istanbul", "ISTANBUL", "tr", ignore_case=True)
    assert occurrences("istanbul", "ISTANBUL", "en", ignore_case=True)


def test_a_term_stands_in_itself_and_between_spaces_whatever_it_is() -> None:
    draw = random.Random(0)
    alphabet = "aé\u0301\u00e91. ,'-_{\u732b\u0e33\u200d\u1100\u1161\U0001f600\ufb01\u0130"
    for _ in range(3000):
        term = "".join(draw.choices(alphabet, k=draw.randint(1, 5))).strip()
        if not term or unicodedata.category(term[0])[0] == "M":
            continue
        for text in (term, f"a {term} b"):
            spans = occurrences(term, text, "")
            assert spans, (term, text)
            found = text[spans[0].start : spans[0].end]
            assert unicodedata.normalize("NFC", found) == unicodedata.normalize("NFC", term)
