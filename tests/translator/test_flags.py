"""What is doubtful about a translation's text."""

import pytest

from nmt.text.spans import Protection
from nmt.translator.flags import flags_of, is_untranslated, lacks_words, says_twice


@pytest.mark.parametrize(
    ("source", "text", "twice"),
    [
        ("Perfect! Thank you.", "Parfait ! Merci. Parfait ! Merci.", True),
        ("Perfect!", "Parfait ! Parfait !", True),
        ("Thank you, thank you.", "Merci, merci.", False),
        ("Come, come here.", "Viens, viens.", False),
        ("No, no!", "Non, non !", False),
        ("He left.", "Il est parti.", False),
        ("", "", False),
        ("!!!", "...", False),
    ],
)
def test_text_said_twice(source: str, text: str, twice: bool) -> None:
    assert says_twice(source, text) == twice


@pytest.mark.parametrize(
    ("source", "text", "same"),
    [
        ("The old man sleeps.", "The old man sleeps.", True),
        ("The old man sleeps.", "the old man sleeps !", True),
        ("The old man sleeps in the house.", "The old man sleeps in the maison.", True),
        ("The old man sleeps in the house.", "Le vieil homme dort dans la maison.", False),
        ("Restaurant", "Restaurant", False),
        ("{user} at https://abcd.org", "{user} at https://abcd.org", False),
        ("Table: pages, images", "Table : pages, images", True),
    ],
)
def test_source_handed_back(source: str, text: str, same: bool) -> None:
    assert is_untranslated(source, text, Protection()) == same


def test_a_very_long_line_is_looked_at_in_time() -> None:
    words = " ".join(f"word{number}" for number in range(20_000))
    assert is_untranslated(words, words)


def flags(source: str, text: str, tgt_lang: str = "fr") -> list[str]:
    return list(flags_of(source, text, protection=Protection(), src_lang="en", tgt_lang=tgt_lang))


def test_all_of_them() -> None:
    assert flags("{user}, you have 123456", "{user}, vous avez 134") == ["copy"]
    assert flags("See the old man.", "See the old man.") == ["untranslated"]
    assert flags("See the old man.", "See the old man.", "en-GB") == []
    assert flags("See it.", "Vois-le. Vois-le.") == ["repeats"]


def test_nothing_but_numbers_and_spans_is_left_of_the_words() -> None:
    assert lacks_words("1. The dog sleeps.", "1.", Protection())
    assert lacks_words("See {user} now.", "{user}.", Protection())
    assert not lacks_words("1. The dog sleeps.", "1. Le chien dort.", Protection())
    assert not lacks_words("{user} 12", "{user} 12", Protection())
    assert not lacks_words("Twelve", "12")
