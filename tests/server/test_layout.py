"""What of a text is translated, and that nothing else of it changes."""

import html
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmt.server.layout import HtmlText, PlainText

PIECES = [
    *("<p>", "</p>", "<b>", "</b>", "<i class='x>y'>", "</i>", "<br>", "<img src=a/>", "<!-- -->"),
    *("<pre>", "</pre>", "<code>", "</code>", '<span translate="no">', "</span>", "<div hidden>"),
    *("word", "Être", " ", "\n", "12", ".", "&amp;", "&lt;b&gt;", "&eacute;", "&amp;lt;", "<", ">"),
    *("<script>", "</script>", "<!DOCTYPE html>", "</", "<a href=", "\u00a0", "<?x?>", "&"),
]  # fmt: skip
FRAGMENTS = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)


class Reader(HTMLParser):
    """What a browser sees: tags in order, and the text between them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts = [""]
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(f"{tag} {attrs}")
        self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(f"/{tag}")
        self.texts.append("")

    def handle_data(self, data: str) -> None:
        self.texts[-1] += data

    @property
    def folded(self) -> list[str]:
        return [re.sub(r"\s+", " ", text) for text in self.texts]


@given(st.text())
def test_plain_text_comes_back(text: str) -> None:
    layout = PlainText(text)
    assert layout.filled(layout.lines) == text
    assert all(line and line == line.strip() and "\n" not in line for line in layout.lines)


@given(FRAGMENTS)
def test_html_that_is_not_altered_reads_the_same(text: str) -> None:
    layout = HtmlText(text)
    again = layout.filled(layout.lines)
    assert Reader(again).tags == Reader(text).tags
    assert Reader(again).folded == Reader(text).folded
    assert all(layout.is_whole(place, line) for place, line in enumerate(layout.lines))


@given(FRAGMENTS)
def test_pieces_have_all_tags_in_order(text: str) -> None:
    layout = HtmlText(text)
    made = []
    for place in range(len(layout.lines)):
        pieces = [f"<x9/>{piece}" for piece in layout.pieces(place)]  # a mark that is not there
        made.append(layout.with_pieces(place, pieces))
        assert layout.is_whole(place, made[-1])
    assert Reader(layout.filled(made)).tags == Reader(text).tags


@given(FRAGMENTS, st.text(alphabet="<>&;abglt x1/"))
def test_no_translation_adds_a_tag(text: str, translation: str) -> None:
    layout = HtmlText(text)
    made = [
        translation
        if layout.is_whole(place, translation)
        else layout.with_pieces(place, [translation] * len(layout.pieces(place)))
        for place in range(len(layout.lines))
    ]
    assert Reader(layout.filled(made)).tags == Reader(text).tags


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("I <b>love</b> you.", ["I <g1>love</g1> you."]),
        ("<p><span>One</span></p>\n<p> two<br>three</p>", ["One", "two", "three"]),
        ("one\n   two", ["one two"]),
        ("AT&amp;T &eacute;t&eacute; &lt;b&gt; &amp;lt;", ["AT&T été &lt;b&gt; &amp;lt;"]),
        ("<b>a <i>b</b> c</i>", ["a <g1>b<x2/> c</g1>"]),
        ("see <code>x &lt; y</code> <img> now", ["see <x1/> <x2/> now"]),
        ('hi <span class="notranslate"><b>Bob</b></span>, hi', ["hi <x1/>, hi"]),
        ('<div translate="no"><div>a</div>b</div>c', ["c"]),
        ("<script>var a = '<p>no</p>';</script>yes<!-- no -->", ["yes"]),
        ("<ul><li>1</li><li>:-)</li></ul>", []),
    ],
)
def test_what_is_translated(text: str, lines: list[str]) -> None:
    layout = HtmlText(text)
    assert layout.lines == lines
    assert html.unescape(layout.filled(lines)).split() == html.unescape(text).split()


def test_marks_must_keep_their_order() -> None:
    layout = HtmlText("a <b>b</b> c <i>d</i> e")
    assert layout.is_whole(0, "x <g1>y</g1> <g3>z</g3>")
    for wrong in ("x", "<g3>z</g3> <g1>y</g1>", "<g1>y <g3>z</g1></g3>", "<g1></g1><g3></g3><x1/>"):
        assert not layout.is_whole(0, wrong)
