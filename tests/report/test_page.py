"""The report's page stands alone, escapes what is not ours, and can be read without colours."""

import re
from collections.abc import Sequence
from html.parser import HTMLParser

import numpy as np
import pytest

from nmt.report.charts import Curve, line_chart
from nmt.report.contrasts import Word, contrasts, marked
from nmt.report.heat_maps import HeatMap
from nmt.report.page import Chart, ContrastGroup, Page, Section
from nmt.report.tables import Table

HOSTILE = "<script>alert(1)</script>&\"'"
VOID = {"meta", "path", "use", "br", "circle", "rect"}


class Elements(HTMLParser):
    """The elements of a page: its tags are balanced. attributes: (tag, name, value) of all."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("script", "style"):
            self.text.append(data)


def page(word: str) -> Page:
    curves = {word: Curve([1, 2], [1, None]), "b": Curve([1, 2], [3, 4])}
    chart = line_chart(curves, title=f"BLEU of {word}", x_label="steps", y_label=word)
    table = Table(title=word, header=["words", word], sections=[[[word, "1"]], []], notes=[word])
    heat = HeatMap(word, [word], [word], np.array([[0.75, 0.25]]))
    contrast = contrasts(
        [0],
        sources=[word],
        references=[word],
        hypotheses={word: [word], "b": ["c"]},
        scores={word: np.array([1.0]), "b": np.array([2.0])},
        most=1,
    )
    return Page(
        title=word,
        question=word,
        answer=[word],
        sections=[
            Section(id="one", title=word, text=word, charts=[Chart(chart, word)], tables=[table]),
            Section(
                id="two", title="Two", heat_maps=[heat], contrasts=[ContrastGroup(word, contrast)]
            ),
        ],
        made=[word],
    )


def test_text_from_elsewhere_stays_text() -> None:
    found = Elements(page(HOSTILE).html())
    assert found.tags.count("script") == 1
    shown = [text for text in found.text if "alert(1)" in text]
    assert len(shown) > 12
    assert all(HOSTILE in text for text in shown)


def test_the_page_asks_the_network_for_nothing() -> None:
    found = Elements(page("word").html())
    assert {value for _, name, value in found.attributes if name in ("href", "src")} == {
        "#one",
        "#two",
    } | {value for _, name, value in found.attributes if name == "href" and value[0] == "#"}
    links = [
        value for _, name, value in found.attributes if "http" in value and "xmlns" not in name
    ]
    assert links == []
    assert not re.search(r"@import|url\((?!#)", page("word").html())


def test_tables_and_charts_say_what_they_are() -> None:
    found = Elements(page("word").html())
    assert found.tags.count("caption") == found.tags.count("table") == 2
    scopes = {value for tag, name, value in found.attributes if (tag, name) == ("th", "scope")}
    assert scopes == {"col", "row"}
    labels = [
        value for tag, name, value in found.attributes if (tag, name) == ("svg", "aria-label")
    ]
    assert labels == ["BLEU of word"]
    titles = [value for tag, name, value in found.attributes if (tag, name) == ("td", "title")]
    assert titles == ["word ← word: 0.75", "word ← ·: 0.25"]


def test_charts_take_their_colours_from_the_page() -> None:
    html = page("word").html()
    assert "var(--ink)" in html
    assert "#000000" not in html.lower()


@pytest.mark.parametrize(
    ("text", "beside", "differ"),
    [
        ("the cat sat", "the cat sat", []),
        ("the dog sat", "the cat sat", ["dog"]),
        ("sat the cat", "the cat sat", ["sat"]),
        ("", "the cat", []),
        ("the the cat", "the cat", ["the"]),
    ],
)
def test_words_without_a_partner_are_marked(text: str, beside: str, differ: list[str]) -> None:
    words = list(marked(text, beside))
    assert [word.text for word in words] == text.split()
    assert [word.text for word in words if word.differs] == differ


def test_the_sentences_that_differ_most_come_first() -> None:
    scores = {"a": np.array([50.0, 90, 10, 40]), "b": np.array([50.0, 10, 40, 41])}
    texts = {label: [f"{label}{n}" for n in range(4)] for label in scores}
    sources = references = ["x"] * 4
    found = contrasts(
        [0, 2, 3], sources=sources, references=references, hypotheses=texts, scores=scores, most=2
    )
    assert [one.number for one in found] == [3, 4]
    assert found[0].scores == {"a": 10.0, "b": 40.0}
    assert found[0].translations["b"] == (Word("b2", True),)
