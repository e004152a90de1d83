"""What the model reads in place of a text, and how its output becomes text again."""

import pytest

from nmt.text.spans import Protection
from nmt.translator.model_text import ModelText, case_of, model_text

SIGNS = ("\U0010ff00", "\U0010ff01", "\U0010ff02")


def prepared(text: str, **options: object) -> ModelText:
    given = {"tag": "", "protection": Protection(), "placeholders": SIGNS, "lower_case": True}
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
        (f"{SIGNS[0]} a {SIGNS[0]}", "{user} a"),
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


def test_capitals_are_translated_in_small_letters_and_raised_again() -> None:
    source = prepared("SEE {Name} AT https://a.org/B NOW!")
    assert source.masked == f"see {SIGNS[0]} at {SIGNS[1]} now!"
    assert source.restored(f"voyez {SIGNS[0]} à {SIGNS[1]}") == "VOYEZ {Name} À https://a.org/B"
    assert prepared("SEE IT", lower_case=False).masked == "SEE IT"


def test_a_title_likewise() -> None:
    source = prepared("The Old Man Isn'T {here} Today")
    assert source.masked == f"the old man isn't {SIGNS[0]} today"
    assert source.restored(f"le vieil homme n'est {SIGNS[0]}") == "Le Vieil Homme N'est {here}"


@pytest.mark.parametrize(
    "text",
    [
        *["NATO", "A B C D", "12 !!", "Not ALL OF IT", "\u4e2d\u6587 \u4e2d\u6587", "C'EST"],
        *["New York City", "The Lord of the Rings", "The Old iPhone Is Here", "", "He sleeps."],
    ],
)
def test_what_is_in_no_case_of_its_own(text: str) -> None:
    assert case_of(text) == ""


def test_turkish_has_an_i_without_a_dot() -> None:
    source = prepared("İKİ KIZ", src_lang="tr", tgt_lang="tr")
    assert source.masked == "iki k\N{LATIN SMALL LETTER DOTLESS I}z"
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


@pytest.mark.parametrize(
    ("text", "output", "restored"),
    [
        ("See {a}.", "Voyez0.", "Voyez {a}."),
        ("See ({a}).", "Voyez0 maintenant.", "Voyez {a} maintenant."),
        ("{a} sees.", "Il voit0tout.", "Il voit {a} tout."),
        ("He sees {a} now.", "Il voit ?0", "Il voit ? {a}"),
        ("He sees {a} and %s.", "Il voit01.", "Il voit {a} %s."),
        ("pre{a} sees", "pr\u00e90 voit", "pr\u00e9{a} voit"),
        ("a <b>dog</b> sees.", "un0 chien 1 voit.", "un <b>chien</b> voit."),
        ("a <b><i>dog</i></b>.", "un0 chien 1.", "un <b><i>chien</i></b>."),
        ("{a} sees.", "0 voit 0 tout 0.", "{a} voit tout."),
        ("{a} sees.", "1 0 voit 2 .", "{a} voit."),
        ("{a} sees.", "0 voit 2 ?", "{a} voit ?"),
        ("SEE {a}, HE.", "vois0 il", "VOIS {a} IL"),
    ],
)
def test_spaces_beside_spans_are_those_of_the_source(text: str, output: str, restored: str) -> None:
    for number, sign in enumerate(SIGNS):
        output = output.replace(str(number), sign)
    source = prepared(text)
    assert source.restored(output) == restored
    assert len(source.confidence([0.5] * len(output.split()), output)) == len(restored.split())
    links = source.links([(0, place) for place in range(len(output.split()))], output)
    assert max(word for _, word in links) == len(restored.split()) - 1


def test_spans_without_anything_between_stay_together() -> None:
    source = prepared("{a}{b} <b>{c}</b>")
    assert source.masked == f"{SIGNS[0]} {SIGNS[1]}" and source.spans == ("{a}{b}", "<b>{c}</b>")


@pytest.mark.parametrize(
    ("text", "is_spans"),
    [("{a}, https://a.org!", True), ("{a} sees", False), ("</p><p>", True), ("12", True)],
)
def test_a_text_of_spans_alone_needs_no_model(text: str, is_spans: bool) -> None:
    assert prepared(text).is_spans == is_spans == prepared(text, placeholders=()).is_spans
    assert not prepared(text, protection=None).is_spans
