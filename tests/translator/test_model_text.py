"""What the model reads in place of a text, and how its output becomes text again."""

import pytest

from nmt.text.spans import Protection
from nmt.translator.model_text import ModelText, is_in_capitals, model_text

SIGNS = ("\U0010ff00", "\U0010ff01", "\U0010ff02")


def prepared(text: str, **options: object) -> ModelText:
    given = {"tag": "", "protection": Protection(), "placeholders": SIGNS, "normal_case": True}
    return model_text(text, **given | {"src_lang": "en", "tgt_lang": "fr"} | options)


def test_spans_become_placeholders_and_come_back_in_any_order() -> None:
    source = prepared("{user} has 19.99 euros.")
    assert source.masked == f"{SIGNS[0]} has {SIGNS[1]} euros."
    assert source.restored(f"{SIGNS[1]} euros, {SIGNS[0]} !") == "19.99 euros, {user} !"
    assert source.holds_all(f"{SIGNS[1]} euros, {SIGNS[0]} !")


@pytest.mark.parametrize(
    ("output", "text"),
    [
        ("rien", "rien"),
        (f"{SIGNS[0]} a {SIGNS[0]}", "{user} a "),
        (f"{SIGNS[0]} a {SIGNS[2]}{SIGNS[1]}", "{user} a 19.99"),
    ],
)
def test_what_is_lost_doubled_or_invented_is_noticed(output: str, text: str) -> None:
    source = prepared("{user} has 19.99 euros.")
    assert not source.holds_all(output)
    assert source.restored(output) == text


def test_without_placeholders_the_model_reads_the_spans() -> None:
    source = prepared("{user} has 19.99 euros.", placeholders=())
    assert source.masked == source.text and source.holds_all("rien")


def test_more_spans_than_placeholders_leave_the_last_ones_to_the_model() -> None:
    source = prepared("{a} {b} {c} {d} go")
    assert source.masked == f"{SIGNS[0]} {SIGNS[1]} {SIGNS[2]} {{d}} go"


def test_capitals_are_translated_in_normal_case_and_raised_again() -> None:
    source = prepared("SEE {Name} AT https://a.org/B NOW!")
    assert source.masked == f"See {SIGNS[0]} at {SIGNS[1]} now!"
    assert source.restored(f"voyez {SIGNS[0]} à {SIGNS[1]}") == "VOYEZ {Name} À https://a.org/B"
    assert prepared("SEE IT", normal_case=False).masked == "SEE IT"


@pytest.mark.parametrize("text", ["NATO", "A B C", "12 !!", "Not ALL OF IT", "中文 中文", "C'EST"])
def test_what_is_no_line_in_capitals(text: str) -> None:
    assert not is_in_capitals(text)


def test_turkish_has_an_i_without_a_dot() -> None:
    source = prepared("İKİ KIZ", src_lang="tr", tgt_lang="tr")
    assert source.masked == "İki k\N{LATIN SMALL LETTER DOTLESS I}z"
    assert source.restored("iki k\N{LATIN SMALL LETTER DOTLESS I}z") == "İKİ KIZ"


def test_links_count_the_words_of_spans_and_not_those_of_the_tag() -> None:
    source = prepared("see {n, plural} apples", tag="<2fr> ")
    output = f"voir pommes {SIGNS[0]}"
    links = ((0, 0), (1, 0), (2, 2), (3, 1))
    assert source.restored(output) == "voir pommes {n, plural}"
    assert source.links(links, output) == ((0, 0), (1, 2), (1, 3), (2, 2), (2, 3), (3, 1))


def test_links_of_characters() -> None:
    source = prepared("see {n} apples", tgt_lang="zh")
    output = f"看{SIGNS[0]}果"
    assert source.links(((0, 0), (1, 1), (2, 2)), output) == (
        *((0, 0), (1, 1), (1, 2), (1, 3), (2, 4)),
    )


def test_confidence_follows_the_words_of_spans() -> None:
    source = prepared("<a href='x'>Go {user}")
    output = f"{SIGNS[0]}Allez, {SIGNS[1]} !"
    assert source.restored(output) == "<a href='x'>Allez, {user} !"
    assert source.confidence((0.5, 0.25, 0.125), output) == (0.5, 0.5, 0.25, 0.125)
    assert source.confidence((0.5, 0.75), f"{SIGNS[1]} {SIGNS[1]}") == (0.5,)
    assert prepared("Go").confidence((0.5,), "Allez") == (0.5,)
