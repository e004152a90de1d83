"""HTML: only text changes, whatever the page and whatever the translation."""

import re
import time
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmt.translator.html_documents import HtmlPage
from tests.translator.stand_ins import Texts, always, capitals, careless, same, texts_of, translated

PAGE = """<!doctype html>
<!-- the cat -->
<HTML lang=en><head><meta charset="utf-8"><title>the house &amp; garden</title>
<style>p::after { content: "the" }</style>
<script>if (1 < 2) document.write("<p>the cat</p>")</script></head>
<body class='page'>
  <h1 title="in the garden">  the <b>old</b>
     <i>man</i>  </h1>
  <p>he reads <a href="/a?b=1&amp;c=2">a <em>long</em> book</a>,&nbsp;<br>
  and she <img src=a.png alt='the &quot;cat&quot;'> sleeps.</p>
  <p>use <code>ls -l</code> here<p translate=no>the brand <b>stays</b>
  <p class="small notranslate">so does this<p><span translate="no">acme</span> sells apples
  <ul><li>one apple<li>two <!-- red --> apples</ul>
  <table><tr><td>the dog<td>3</table>
  <pre>the   code</pre> <textarea>the form</textarea>
  <svg><title>the drawing</title><path d=""/></svg>
  <a href=x title=garden>x &lt; y &copy; caf&eacute; 1 < 2</a>
</body></HTML>
"""
TEXTS = [
    *("the house & garden", "in the garden", "the <g1>old</g1> <g3>man</g3>"),
    *("he reads <g1>a <g2>long</g2> book</g1>,", 'the "cat"', "and she <x1/> sleeps."),
    *("use <x1/> here", "<x1/> sells apples", "one apple", "two <x1/> apples", "the dog"),
    *("garden", "x < y © café 1 < 2"),
]
WORD = "Le <b> & \"chat'é\0\n-->]]>&amp;"


TITLED = re.compile(r"\b(?:alt|title)\b", re.IGNORECASE)


def tokens(page: str) -> list[object]:
    """What Python's parser finds besides text, as it is written; but for tags with alt or title."""
    found: list[object] = []

    class Parser(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            raw = self.get_starttag_text() or ""
            named = [(k, v) for k, v in attrs if k not in ("alt", "title")]
            found.append((tag, named) if TITLED.search(raw) else raw)

        handle_startendtag = handle_starttag

        def handle_endtag(self, tag: str) -> None:
            found.append(f"</{tag}")

        def handle_comment(self, data: str) -> None:
            found.append(("comment", data))

        def handle_decl(self, decl: str) -> None:
            found.append(decl)

        handle_pi = unknown_decl = handle_decl

    Parser().feed(page)
    return found


def test_what_is_one_text() -> None:
    assert texts_of(PAGE.encode(), "a.html") == TEXTS


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_its_own_text_gives_the_page_again(encoding: str, ending: str) -> None:
    page = PAGE.replace("\n", ending).replace("caf&eacute;", "café")
    if encoding == "cp1252":
        page = page.replace("utf-8", "ISO-8859-1")
    data = page.encode(encoding)
    assert translated(data, "a.htm", same) == (data, 0)
    assert texts_of(data, "a.htm") == TEXTS


@pytest.mark.parametrize(
    ("translate", "aligned", "lost"),
    [(capitals, False, 0), (careless, False, 6), (careless, True, 0)],
)
def test_exactly_the_texts_change(translate: Texts, aligned: bool, lost: int) -> None:
    data, damaged = translated(PAGE.encode(), "a.html", translate, aligned=aligned)
    expected = PAGE
    for old in (
        *("the house &amp; garden", '"in the garden"', "  the <b>old</b>", "<i>man</i>"),
        *("he reads <", ">a <em>", "long", " book</a>,", "and she ", " sleeps.", "use <"),
        *("/code> here", "> sells apples", "one apple", ">two <", "-> apples", "the dog"),
        *("=garden", "'the &quot;cat&quot;'", "x &lt; y &copy; caf&eacute; 1 < 2"),
    ):
        assert expected.count(old) == 1, old
        pieces = re.split("(</?[a-z]+>|&[a-z]+;|/code)", old)
        expected = expected.replace(old, "".join([*map(_upper, pieces)]))
    expected = (
        expected.replace("=GARDEN", '="GARDEN"')
        .replace("'THE &quot;CAT&quot;'", '"THE &quot;CAT&quot;"')
        .replace("CAF&eacute; 1 <", "CAFÉ 1 &lt;")
    )
    assert data.decode() == expected
    assert damaged == lost


def _upper(piece: str) -> str:
    return piece if re.match("<|&|/code", piece) else piece.upper()


def test_a_character_that_the_encoding_lacks_is_written_as_its_number() -> None:
    page = b'<meta charset="windows-1252"><p title="the cat">the caf\xe9</p>'
    data, _ = translated(page, "a.html", always("œ Ω"))
    assert data.endswith(b'<p title="\x9c &#937;">\x9c &#937;</p>')


def test_a_tag_that_moves_or_stands_around_nothing_is_lost() -> None:
    page = b"<p>the <b>red</b> cat</p>"
    for made in ("le chat </g1>rouge<g1>", "le chat <g1></g1>", "chat", "<g1>a</g1> <g1>b</g1> c"):
        made = [[made], ["le chat rouge"], ["le", "rouge", "chat"]]
        data, lost = translated(page, "a.html", lambda texts, made=made: made.pop(0))
        assert (data, lost) == (b"<p>le <b>rouge</b> chat</p>", 1)


def test_no_text_is_lost_with_a_translation() -> None:
    page = b"<h1>the cat</h1><p>the <b>red</b> dog</p>"
    assert translated(page, "a.html", always("")) == (page, 1)


FRAGMENTS = [
    *("the cat ", "a&amp;b", " &nbsp;", " 1 < 2 ", "&lt;b&gt;", "\n", "\u00a0", ".", "12", "&"),
    *("<p>", "</p>", "<br>", "<li>", "<div class=a translate=no>", "</div>", "<DIV hidden>"),
    *(
        "<b>",
        "</b>",
        "<i>",
        "</i>",
        "<i class='x>y'>",
        "<a href='x>y'>",
        "</a>",
        "<B\n>",
        "<u></u>",
    ),
    *("<span translate=yes>", "</span>", "<!-- the -->", "<!-- <b> -->", "<code>", "</code>", "<"),
    *('<img alt="the dog">', "<img src=a/>", "<td title='the'>", "<pre>", "</pre>", "<textarea>"),
    *("</textarea>", "<script>the < cat</script>", "<style>a > b</style>", "<?x?>", "<!DOCTYPE x>"),
    *("</html>", "<svg/>"),
]
PAGES = st.lists(st.sampled_from(FRAGMENTS), max_size=20).map("".join)


def stretches(page: str) -> list[str]:
    """The page in pieces between which there is text that is translated."""
    again = HtmlPage(page)
    slots = sorted((slot.start, slot.end) for one in again.texts for slot in one.slots)
    return [
        page[end:start] for (_, end), (start, _) in pairwise([(0, 0), *slots, (len(page),) * 2])
    ]


@given(page=PAGES, made=st.text(), aligned=st.booleans())
def test_no_text_changes_markup(page: str, made: str, aligned: bool) -> None:
    assert translated(page.encode(), "a.html", same) == (page.encode(), 0)
    for translate in (capitals, careless, always(made), always(WORD, made)):
        after = translated(page.encode(), "a.html", translate, aligned=aligned)[0].decode()
        assert tokens(after) == tokens(page)


@given(page=PAGES)
def test_no_byte_outside_text_changes(page: str) -> None:
    kept = "".join(stretches(page))
    for translate, aligned in ((capitals, True), (careless, True), (careless, False)):
        after = translated(page.encode(), "a.html", translate, aligned=aligned)[0].decode()
        assert "".join(stretches(after)) == kept


@given(page=PAGES, made=st.text(alphabet="<>&;abglt x1/"))
def test_parts_of_any_answer_make_a_page(page: str, made: str) -> None:
    layout = HtmlPage(page)
    for one in layout.texts:
        assert one.parts(one.text) == [slot.text for slot in one.slots]
        assert one.parts(made) is None or len(one.slots) == 1 or "<" in made


@pytest.mark.parametrize(
    ("text", "texts"),
    [
        ("I <b>love</b> you.", ["I <g1>love</g1> you."]),
        ("<p><span>One</span></p>\n<p> two<br>three</p>", ["One", "two", "three"]),
        ("one\n   two", ["one two"]),
        ("AT&amp;T &eacute;t&eacute; &lt;b&gt; &amp;lt;", ["AT&T été <b> &lt;"]),
        ("<b>a <i>b</b> c</i>", ["<x1/>a <x2/>b<x3/> c"]),
        ("see <code>x &lt; y</code> <img> now", ["see <x1/> <x2/> now"]),
        ('hi <span class="notranslate"><b>Bob</b></span>, hi', ["hi <x1/>, hi"]),
        ('<div translate="no"><div>a</div>b</div>c', ["c"]),
        ("<script>var a = '<p>no</p>';</script>yes<!-- no -->", ["yes"]),
        ("<ul><li>1</li><li>:-)</li></ul>", []),
        ("say &lt;g1&gt; <b>so</b>", ["say <g1> <ng1>so</ng1>"]),
        ("<b></b><i> </i>", []),
    ],
)
def test_what_of_a_fragment_is_translated(text: str, texts: list[str]) -> None:
    layout = HtmlPage(text)
    assert [one.text.strip() for one in layout.texts] == texts
    assert layout.filled([[slot.text for slot in one.slots] for one in layout.texts]) == text


@given(page=st.lists(st.sampled_from([*"<>/='\"!-&; ap\n", "<p", "<!--"]) | st.text()).map("".join))
def test_any_text_is_a_page(page: str) -> None:
    page = page.replace("\0", "")
    assert translated(page.encode(), "a.html", same) == (page.encode(), 0)
    translated(page.encode(), "a.html", careless)


@pytest.mark.parametrize(
    "piece",
    ["<a ", "<b>x", "<a b='", "<!--", "</i>", "<p><b>x</i>", "<div><b>", "&#1;", "<svg><a>", "<!"],
)
def test_time_grows_with_the_page_alone(piece: str) -> None:
    taken = []
    for times in (1_000, 8_000):
        start = time.process_time()
        texts_of((f"<i>{piece * times}</p>").encode(), "a.html")
        taken.append(time.process_time() - start)
    assert taken[1] < 20 * taken[0] + 0.2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("<p>caf\xe9".encode("cp1252"), r"a\.html is not valid UTF-8 \(byte 0xe9 at offset 6\)"),
        (b"<meta charset=idna><p>a", r"a\.html: its encoding, 'idna', is not read"),
        (b"<meta charset=none><p>a", r"a\.html: its encoding, 'none', is not read"),
        (b"PK\x03\x04\0", r"a\.html is no text"),
    ],
)
def test_what_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        texts_of(content, "a.html")
