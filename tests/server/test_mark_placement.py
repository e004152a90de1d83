"""Where tags go in a translation that was made without them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmt.server.layout import MARK
from nmt.server.mark_placement import with_marks, without_marks

SOLD = "Tu as vendu les pommes à sa mère."
LINKS = ((0, 0), (1, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6), (6, 7))


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
    ],
)
def test_pairs_go_around_what_they_went_around(line: str, wanted: str) -> None:
    assert with_marks(line, SOLD, LINKS, "en", "fr") == wanted


def test_a_link_that_goes_astray_does_not_widen_a_pair() -> None:
    astray = (*LINKS, (2, 0), (3, 7))
    line = "You sold <g1>the apples</g1> to her mother."
    found = with_marks(line, SOLD, astray, "en", "fr")
    assert found == "Tu as vendu <g1>les pommes</g1> à sa mère."


@pytest.mark.parametrize(
    ("line", "translation", "links"),
    [
        ("the <g1>red</g1> <g3>cat</g3>", "le chat rouge", ((0, 0), (1, 2), (2, 1))),
        ("the <g1>red</g1> cat", "le chat", ((0, 0), (2, 1))),
        ("the <g1>red</g1> cat", "le chat", ()),
        ("the <g1></g1> cat", "le chat", ((0, 0), (1, 1))),
        ("<x1/> the cat", "le chat", ()),
    ],
)
def test_what_has_no_place(line: str, translation: str, links: tuple[tuple[int, int], ...]) -> None:
    assert with_marks(line, translation, links, "en", "fr") is None


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
    found = with_marks(line, translation, tuple(links), "en", tgt_lang)
    if found is not None:
        assert without_marks(found) == translation
        assert MARK.findall(found) == MARK.findall(line)
