"""Where tags go in a translation that was made without them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmt.translator.tag_placement import placed

SOLD = "Tu as vendu les pommes à sa mère."
TAG = re.compile(r"(</?g[0-9]+>|<x[0-9]+/>)")
LINKS = ((0, 0), (1, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6), (6, 7))


def with_tags(
    line: str, translation: str, links: tuple[tuple[int, int], ...], tgt_lang: str = "fr"
) -> str | None:
    """The translation of a line with the line's tags in it."""
    pieces = TAG.split(line)
    found = placed(pieces[::2], pieces[1::2], translation, links, "en", tgt_lang)
    if found is None:
        return None
    return "".join(map("".join, zip(found, [*pieces[1::2], ""], strict=True)))


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (
            "You sold <g1>the apples</g1> to her mother.",
            "Tu as vendu <g1>les pommes</g1> à sa mère.",
        ),
        (
            "You sold the apples to her <g1>mother</g1>.",
            "Tu as vendu les pommes à sa <g1>mère</g1>.",
        ),
        (
            "You sold the apples to her <g1>mother.</g1>",
            "Tu as vendu les pommes à sa <g1>mère.</g1>",
        ),
        (
            "You <g1>sold</g1> the <g3>apples</g3> <x5/>to <g6>her mother</g6>.",
            "Tu <g1>as vendu</g1> les <g3>pommes</g3> <x5/>à <g6>sa mère</g6>.",
        ),
        (
            "<g1>You sold <g2>the apples</g2></g1> to her mother.<x5/>",
            "<g1>Tu as vendu <g2>les pommes</g2></g1> à sa mère.<x5/>",
        ),
        ("You sold the apples to her mother.", SOLD),
        (
            "You sold the <g1></g1><x3/>apples<x4/> to her mother<x5/>.",
            "Tu as vendu les <g1></g1><x3/>pommes<x4/> à sa mère<x5/>.",
        ),
        (
            "You sold <x1/> the apples <g3> to </g3> her mother.",
            "Tu as vendu <x1/> les pommes <g3> à </g3> sa mère.",
        ),
        (
            "<g1>Y</g1>ou sold the apples to her mother<g3>.</g3>",
            "<g1>Tu</g1> as vendu les pommes à sa mère<g3>.</g3>",
        ),
    ],
)
def test_pairs_go_around_what_they_went_around(line: str, wanted: str) -> None:
    assert with_tags(line, SOLD, LINKS) == wanted


def test_a_link_that_goes_astray_does_not_widen_a_pair() -> None:
    astray = (*LINKS, (2, 0), (3, 7))
    line = "You sold <g1>the apples</g1> to her mother."
    found = with_tags(line, SOLD, astray)
    assert found == "Tu as vendu <g1>les pommes</g1> à sa mère."


@pytest.mark.parametrize(
    ("line", "translation", "links"),
    [
        ("the <g1>red</g1> <g3>cat</g3>", "le chat rouge", ((0, 0), (1, 2), (2, 1))),
        ("the <g1>red</g1> cat", "le chat", ((0, 0), (2, 1))),
        ("the <g1>red</g1> cat", "le chat", ()),
        ("<x1/> the cat", "le chat", ()),
    ],
)
def test_what_has_no_place(line: str, translation: str, links: tuple[tuple[int, int], ...]) -> None:
    assert with_tags(line, translation, links) is None


@given(
    st.lists(st.sampled_from(["<x1/>", "<x2/>", "a", "bc ", " ", ".", "(d"]), unique=True),
    st.text(alphabet="ab .("),
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5))),
    st.sampled_from(["fr", "zh"]),
)
def test_no_letter_is_lost(
    parts: list[str], translation: str, links: list[tuple[int, int]], tgt_lang: str
) -> None:
    line = "".join(["<g8>", *parts, "</g8>"])
    found = with_tags(line, translation, tuple(links), tgt_lang)
    if found is not None:
        assert TAG.sub("", found).replace(" ", "") == translation.replace(" ", "")
        assert TAG.findall(found) == TAG.findall(line)
