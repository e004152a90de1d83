"""What must be copied is found whole, and what became of it is said."""

import itertools
import re
import time

import pytest

from nmt.checks import OptionError
from nmt.text.sentences import Span
from nmt.text.spans import DEFAULT_PATTERNS, Protection, has_letters

PROTECTION = Protection()


def found(text: str, protection: Protection = PROTECTION) -> list[str]:
    return [text[span.start : span.end] for span in protection.find(text)]


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("see https://abcd.org/1a2b.", ["https://abcd.org/1a2b"]),
        ("(http://a.org/Foo_(bar)), www.x.org!", ["http://a.org/Foo_(bar)", "www.x.org"]),
        ("请访问https://x.org/z。谢谢", ["https://x.org/z"]),
        ("at example.com or x.fr/a?b=c&d=e, One.Two e.g.", ["example.com", "x.fr/a?b=c&d=e"]),
        ("write to a.b+c@d-e.co.uk, or @anna.", ["a.b+c@d-e.co.uk", "@anna"]),
        ("/usr/bin C:\\x\\y.txt a/b or/and résumé.pdf", ["/usr/bin", "C:\\x\\y.txt", "résumé.pdf"]),
        ("{user}, {{x}} {} {n, plural, one {# a} other {{n} b}}",
         ["{user}", "{{x}}", "{}", "{n, plural, one {# a} other {{n} b}}"]),
        ("${VAR} $VAR #{x} %{y} %s %d%% %1$s %(name)s %05.2f %ds",
         ["${VAR}", "$VAR", "#{x}", "%{y}", "%s", "%d", "%%", "%1$s", "%(name)s", "%05.2f", "%d"]),
        ("50 % of 100%d, 50 %de, $5", []),
        ("<b>x</b> <br/> <a href='x y'>z</a> a < b > c <3 <!-- d -->",
         ["<b>", "</b>", "<br/>", "<a href='x y'>", "</a>", "<!-- d -->"]),
        ("a &amp; b &#39; &#x1F; AT&T;", ["&amp;", "&#39;", "&#x1F;"]),
        ("👩‍👩‍👧 🇫🇷🙂 👍🏽 1️⃣ ❤️ ™ :smile: :-)",
         ["👩‍👩‍👧", "🇫🇷🙂", "👍🏽", "1️⃣", "❤️", "™", ":smile:", ":-)"]),
        ("12345 19.99 1,234.5 12:30 2024-05-01 1\u202f234,5 1 234,5 192.168.0.1 6e5 +33 1 23 45",
         ["12345", "19.99", "1,234.5", "12:30", "2024-05-01", "1\u202f234,5", "1 234,5",
          "192.168.0.1", "6e5", "+33 1 23 45"]),
        ("7 of 1234 in 2024 100 20th 5km", []),
        ("AB-1234 1a2b v1.2.3 MP3-Player B2B sha256 a_b 0xFF #aabbcc",
         ["AB-1234", "1a2b", "v1.2.3", "MP3", "B2B", "sha256", "a_b", "0xFF", "#aabbcc"]),
        (r"a\nb \u00e9 \"c\"", [r"\n", r"\u00e9", r"\"", r"\""]),
        ("<2fr> __de__ >>fr<< a mid-1990 T-shirt", []),
        ("", []),
    ],
)  # fmt: skip
def test_spans_are_found_whole(text: str, spans: list[str]) -> None:
    assert found(text) == spans


def test_spans_come_in_order_and_do_not_overlap() -> None:
    text = "https://a.org/{id}?x=%s and <a href='{b}'> 5{c}6 $d%s " * 20
    spans = PROTECTION.find(text)
    assert all(isinstance(span, Span) and span.end > span.start for span in spans)
    assert all(one.end <= other.start for one, other in itertools.pairwise(spans))
    assert found(text)[:2] == ["https://a.org/{id}?x=%s", "<a href='{b}'>"]


UNITS = [
    *"{}<>&%$@\\/_:.#5-[(;~aA \u20e3🙂…+=",
    *("1.", "1,", "{a", "<a ", "a.", "a@", "/a", "1 234 ", "<!--", "5a", "%(", "$(", "a_", "{}"),
    *("&a", "http://a", "1a", "A-", "{{}", "+1 ", "a1-", ":a", "://", "a:\\", "0x", "v1.", "1 000"),
]


@pytest.mark.parametrize("unit", UNITS)
def test_time_grows_with_the_text_only(unit: str) -> None:
    text = (unit * 30_000)[:30_000]
    begun = time.process_time()
    PROTECTION.find(text)
    PROTECTION.altered(text, text[::-1], "fr")
    assert time.process_time() - begun < 3  # 0.1 s; if it grew with the square, 20 s


def test_own_patterns_stand_beside_those_that_are_known() -> None:
    own = Protection(["default", "X+", "b*"])
    assert found("aXX bb {c}", own) == ["XX", "bb", "{c}"]
    assert found("aXX {c} 12345", Protection(["X", "braces"])) == ["X", "X", "{c}"]
    assert found("aXX {c}", Protection([])) == []


@pytest.mark.parametrize("pattern", ["", "x*", r"\b", "(?=a)", "$"])
def test_a_pattern_that_matches_nothing_finds_nothing(pattern: str) -> None:
    if pattern:
        assert found("aaa bbb", Protection([pattern])) == []
    else:
        with pytest.raises(OptionError, match="patterns must be a list"):
            Protection([pattern])


@pytest.mark.parametrize("pattern", ["(", "[a", "(?P<a", "*"])
def test_a_bad_pattern_is_named(pattern: str) -> None:
    with pytest.raises(OptionError, match=re.escape(f"patterns: {pattern!r} is no regular")):
        Protection(["url", pattern])


def test_an_unknown_name_is_no_pattern() -> None:
    with pytest.raises(OptionError, match=r"there is no emojis, did you mean emoji\?.*\(\?:emojis"):
        Protection(["emojis"])
    with pytest.raises(OptionError, match="numbers must be one of copy, model"):
        Protection(numbers="keep")
    assert "url" in DEFAULT_PATTERNS


def test_numbers_may_be_left_to_the_model() -> None:
    assert found("19.99 {x} 12345 AB-1", Protection(numbers="model")) == ["{x}", "AB-1"]


@pytest.mark.parametrize(
    ("source", "translation", "altered"),
    [
        ("{user}, you have 7", "{user}, tu as 70", ["7"]),
        ("{user}, you have 7", "{user}, tu as 7", []),
        ("{user}, you have 7", "{user}, tu as sept", []),
        ("{user}, you have 7", "{user}, tu as", ["7"]),
        ("Level 4 of 9.", "Quatrième niveau sur neuf.", []),
        ("{user}, you have 7", "Tu as 7", ["{user}"]),
        ("123456 items", "134 objets", ["123456"]),
        ("123456", "12345636", ["123456"]),
        ("19.99", "1999", ["19.99"]),
        ("19.99", "19.9999", ["19.99"]),
        ("hello 🙂", "bonjour", ["🙂"]),
        ("hello 🙂", "bonjour {page}", ["🙂", "{page}"]),
        ("hello 🙂", "bonjour 🙂🙂", ["🙂", "🙂🙂"]),
        ("hello", "bonjour {page}", ["{page}"]),
        ("https://a.org/c x", "https://a.org/c/d x", ["https://a.org/c", "https://a.org/c/d"]),
        ("{x}", "{{x}}", ["{x}", "{{x}}"]),
        ("{x} and {x}", "{x}", ["{x}"]),
        ("{x}", "{x} {x}", ["{x}"]),
        ("the MP3", "der MP3-Player", []),
        ("12 men", "douze hommes", ["12"]),
        ("12 men", "12 hommes", []),
        ("7 of 7", "7 sur 7", []),
        ("twelve men", "12 hommes", []),
        ("the 19th century", "le XIXe siècle", []),
        ("50% of 7", "Le 550 de 7", ["50"]),
        ("chapter 5 of 12", "Va chapitre 3 de 12", ["5"]),
        ("12 men", "١٢ رجلا", []),
        ("A < B & C", "A < B & C", []),
        ("", "", []),
    ],
)
def test_what_is_lost_or_changed_is_named(
    source: str, translation: str, altered: list[str]
) -> None:
    assert PROTECTION.altered(source, translation, "fr") == altered


@pytest.mark.parametrize(
    ("source", "translation", "altered"),
    [
        ("1,234.5", "1 234,5", []),
        ("1,234.5", "1.234,50", []),
        ("1,234.5", "12345", ["1,234.5"]),
        ("1,234", "1\u202f234", []),
        ("12,34,567", "1,234,567", []),
        ("19.99", "19,99", []),
        ("19.99", "1999", ["19.99"]),
        ("2024-05-01", "1er mai 2024", []),
        ("2024-05-01", "1er mai 2025", ["2024", "05"]),
        ("12:30", "12 h 30", []),
        ("123456", "134", ["123456"]),
        ("in 2024 100 men", "100 hommes en 2024", []),
    ],
)
def test_a_number_in_another_notation_is_the_same(
    source: str, translation: str, altered: list[str]
) -> None:
    assert Protection(numbers="model").altered(source, translation, "fr") == altered


def test_signs_of_chinese_and_japanese_write_numbers_out() -> None:
    assert PROTECTION.altered("12 people", "十二人", "zh-TW") == []
    assert PROTECTION.altered("12 people", "十三人 15", "zh") == ["12"]
    assert PROTECTION.altered("12 people", "十二人", "fr") == ["12"]


@pytest.mark.parametrize(
    ("text", "letters"),
    [("12", False), ("!!!", False), ("—", False), ("🙂", False), ("", False), ("\U0010ff00", False),
     ("a", True), ("12 é", True), ("語", True), ("ก", True)],
)  # fmt: skip
def test_letters_of_every_script(text: str, letters: bool) -> None:
    assert has_letters(text) == letters
