"""Tags for markup in a text, and where they are in a translation."""

import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmt.translator import Translation
from nmt.translator.questions import Question, answered, asked
from nmt.translator.tagged_text import Slot, TaggedText, translated_parts
from tests.translator.stand_ins import (
    always,
    answering,
    capitals,
    careless,
    filled,
    reordered,
    texts_of,
    translated,
)

MARKUP = re.compile("(<[^<>]*>)")
DEPTHS = st.lists(
    st.tuples(
        st.sampled_from(["", " ", "a ", "b c", "1", ". ", "<g1>"]), st.integers(0, 3), st.booleans()
    ),
    min_size=1,
    max_size=9,
)


def slots_of(rows: Sequence[tuple[str, int, bool]]) -> list[Slot]:
    return [
        Slot(place, place, text, tuple("abc"[:depth]), anchor=anchor)
        for place, (text, depth, anchor) in enumerate(rows)
    ]


@given(rows=DEPTHS)
def test_the_text_of_slots_comes_back_and_its_tags_are_nested(
    rows: list[tuple[str, int, bool]],
) -> None:
    one = TaggedText(slots_of(rows))
    if not one.slots:
        return
    assert one.parts(one.text) == [slot.text for slot in one.slots]
    kept = {slot.start for slot in one.slots}
    for slot in slots_of(rows):
        assert slot.start in kept or not (slot.anchor or any(map(str.isalpha, slot.text)))
    open_tags: list[str] = []
    for tag in re.findall(r"</?n+[gx]\d+/?>|</?[gx]\d+/?>", one.text):
        if tag not in one.plain:
            if tag.startswith("</"):
                assert open_tags.pop() == tag.replace("/", "", 1)
            elif not tag.endswith("/>"):
                open_tags.append(tag)
    assert open_tags == []


@given(
    rows=DEPTHS,
    made=st.text(alphabet="ab <>gx/12"),
    links=st.sets(st.tuples(*[st.integers(0, 5)] * 2)),
)
def test_every_slot_has_a_text_whatever_the_translation(
    rows: list[tuple[str, int, bool]], made: str, links: set[tuple[int, int]]
) -> None:
    one = TaggedText(slots_of([*rows, ("a", 0, False)]))

    def answer(question: Question) -> list[Translation]:
        return [Translation(made, 0.0, 0, alignment=tuple(links)) for _ in question.lines]

    ((parts, *_),), _ = answered(translated_parts([one], "en", "fr"), answer)
    assert len(parts) == len(one.slots)
    assert "".join(parts).strip() or not one.plain.strip()


@pytest.mark.parametrize(
    ("content", "text", "whole"),
    [
        ("<b>Red</b> cats", "<g1>Red</g1> cats", "Chats <b>rouges</b>"),
        ("<b><i>Red</i></b> cats", "<g1>Red</g1> cats", "Chats <b><i>rouges</i></b>"),
        ("cats <b>red</b>", "cats <g1>red</g1>", "<b>rouges</b> chats"),
        ("<b>old <i>red</i> cats</b>", "old <g1>red</g1> cats", "<b>vieux chats <i>rouges</i></b>"),
        ("<b>old <i>red</i></b> x", "<g1>old <g2>red</g2></g1> x", "<b>vieux <i>rouges</i></b> x"),
        ("<b>Red</b><i>x</i>", "<g1>Red</g1><g3>x</g3>", None),
        ("Red<img> <i></i>cats.<img>", "Red<x1/> <x2/>cats.", None),
    ],
)
def test_pairs_stand_around_the_words_that_they_stood_around(
    content: str, text: str, whole: str | None
) -> None:
    page = f"<p>{content}</p>".encode()
    assert texts_of(page, "a.html") == [text]
    after, lost = filled(page, "a.html", reordered)
    if whole is not None:
        assert (after.decode(), lost) == (f"<p>{whole}</p>", 0)
    assert MARKUP.findall(after.decode()) == MARKUP.findall(page.decode())


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("It sleeps<sup>1</sup>.", "It sleeps<x1/>."),
        ("It sleeps.<sup><a>[1]</a></sup> So", "It sleeps.<x1/> So"),
        ("<sup>*</sup>See it", "See it"),
        ("See<b>:</b> it", "See<x1/> it"),
        ("H<sub>2</sub>O and <b>7</b> cats", "H<g1>2</g1>O and <g3>7</g3> cats"),
        ("<b>7</b> cats", "<g1>7</g1> cats"),
        ("a <b>b<i>!</i></b> c", "a <g1>b</g1> c"),
    ],
)
def test_signs_that_touch_a_word_stay_beside_it(content: str, text: str) -> None:
    page = f"<p>{content}</p>".encode()
    assert texts_of(page, "a.html") == [text]
    after = translated(page, "a.html", careless, aligned=True)[0].decode()
    assert re.sub("<[^<>]*>", "", after) == re.sub("<[^<>]*>", "", content).upper()
    assert MARKUP.findall(after) == MARKUP.findall(page.decode())


def test_what_is_asked_and_in_which_order() -> None:
    page = b"<p>the <b>red</b> cat</p><p>7</p><p>a <i>dog</i></p>"
    asked_for: list[Question] = []

    def note(question: Question) -> list[Translation]:
        asked_for.append(question)
        return answering(careless)(question)

    one = TaggedText(slots_of([("a ", 0, False), ("b", 1, False)]))
    other = TaggedText(slots_of([("c", 0, False)]))
    answered(translated_parts([other, one], "en", "fr"), note)
    assert [(q.lines, q.places, q.align, q.parts) for q in asked_for] == [
        (("c", "a <x1/>b"), (0, 1), False, False),
        (("a b",), (1,), True, False),
        (("a", "b"), (1, 1), False, True),
    ]
    capital = b"<p>THE <b>RED</b> CAT</p><p>7</p><p>A <i>DOG</i></p>"
    assert translated(page, "a.html", careless) == (capital, 2)
    assert translated(page, "a.html", careless, aligned=True) == (capital, 0)


def test_white_space_around_lines_stays_and_what_has_no_word_is_copied() -> None:
    texts = [" a\n\n b ", "7 < 8", "\n", "c", "x <- y -> z", "<b></b>"]
    made = answered(asked(texts), answering(capitals))
    assert [one.text for one in made] == [" A\n\n B ", "7 < 8", "\n", "C", "X <- Y -> Z", "<b></b>"]
    (line,) = answered(asked(["a"]), answering(always("x\r\ny")))
    assert line.text == "x y"
