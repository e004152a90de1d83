"""Documents of word processors: only text of paragraphs changes, and the archive stays whole."""

import io
import re
import zipfile
from collections.abc import Mapping
from xml.dom import minidom

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nmt.translator import office_documents
from tests.translator.stand_ins import (
    Texts,
    always,
    capitals,
    careless,
    filled,
    read_or_refused,
    reordered,
    same,
    texts_of,
    translated,
)

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n'
BOLD = "<w:rPr><w:b/></w:rPr>"
FIELD = '<w:r><w:fldChar w:fldCharType="{}"/></w:r>'
BEGIN, MIDDLE, END = map(FIELD.format, ("begin", "separate", "end"))


def run(text: str, style: str = "") -> str:
    return f"<w:r>{style}<w:t>{text}</w:t></w:r>"


def field(code: str, result: str) -> str:
    return f"{BEGIN}<w:r><w:instrText> {code} </w:instrText></w:r>{MIDDLE}{result}{END}"


BODY = [
    run("the ") + run("red", BOLD) + run(" cat &amp; dog"),
    # One style, cut by the spelling checker.
    run("the ho", '<w:rPr><w:lang w:val="fr"/></w:rPr>')
    + '<w:proofErr w:type="spellStart"/><w:r w:rsidR="1"><w:t xml:space="preserve">use </w:t></w:r>'
    + '<w:r><w:rPr></w:rPr><w:t>sleeps</w:t></w:r><w:r><w:footnoteReference w:id="2"/></w:r>',
    "<w:pPr><w:tabs><w:tab/></w:tabs></w:pPr><w:r><w:t>name</w:t><w:tab/><w:t>thing</w:t><w:br/>"
    "<w:t>line</w:t></w:r>",
    '<w:hyperlink r:id="1">' + run("a link") + "</w:hyperlink>" + run(" and text"),
    run("page ") + field("PAGE", run("three")) + run(" of the book"),
    field('HYPERLINK "http://a.b"', run("the site")),
    field("TOC", run("contents") + field("PAGEREF a", run("four"))),
    "<w:del>" + run("deleted") + "</w:del><w:ins>" + run("inserted") + "</w:ins>" + run(" text"),
    "<w:r><w:drawing><x><w:txbxContent><w:p>" + run("in a box") + "</w:p></w:txbxContent></x>"
    "</w:drawing></w:r>" + run("after it"),
    run("7 + 8") + "<w:r><w:t/></w:r>",
]
PARAGRAPHS = "".join(f"<w:p>{one}</w:p>" for one in BODY)
DOCUMENT = (
    f"{HEAD}<w:document {W} xmlns:r='r'><w:body>{PARAGRAPHS}<w:tbl><w:tr><w:tc><w:p>"
    f"{run('a cell')}</w:p></w:tc></w:tr></w:tbl><!-- the end --></w:body></w:document>"
)
DOCX = {
    "[Content_Types].xml": "<Types/>",
    "word/document.xml": DOCUMENT,
    "word/header1.xml": f"{HEAD}<w:hdr {W}><w:p>{run('the head')}</w:p></w:hdr>",
    "word/footnotes.xml": f"<w:footnotes {W}><w:p>{run('a note')}</w:p></w:footnotes>",
    "word/comments.xml": f"<w:comments {W}><w:p>{run('a comment')}</w:p></w:comments>",
    "customXml/item1.xml": "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
    "word/media/image1.png": "\x89PNG",
}
DOCX_TEXTS = [
    *("the <g1>red</g1> cat & dog", "the house sleeps", "name", "thing", "line"),
    *(
        "<g1>a link</g1> and text",
        "page <x1/> of the book",
        "the site",
        "contents",
        "inserted<x1/> text",
    ),
    *("in a box", "after it", "a cell", "the head", "a note"),
]
NAMES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for name in ("text", "office", "style", "table")
)
NOTE = "<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>{}</text:p>"
CONTENT = f"""{HEAD}<office:document-content {NAMES}><office:automatic-styles>
<style:style style:name="T1" style:family="text"><style:text-properties rsid="1"/></style:style>
<style:style style:name="T2" style:family="text"><style:text-properties bold="1"/></style:style>
</office:automatic-styles><office:body><office:text>
<text:tracked-changes><text:p>deleted</text:p></text:tracked-changes>
<text:h>the <text:span text:style-name="T2">red</text:span> cat</text:h>
<text:p>the ho<text:span text:style-name="T1">use</text:span>
   sleeps<text:tab/>here<text:line-break/>line</text:p>
<text:p>page <text:page-number>three</text:page-number> of<text:s/>it{NOTE.format("a note")}
</text:note-body></text:note>.<office:annotation><text:p>comment</text:p></office:annotation></text:p>
<text:list><text:list-item><text:p><text:a href="x">a link</text:a> &lt; text</text:p>
</text:list-item></text:list><table:table-cell><text:p>a cell</text:p></table:table-cell>
</office:text></office:body></office:document-content>
"""
ODT = {
    "mimetype": "application/vnd.oasis.opendocument.text",
    "content.xml": CONTENT,
    "styles.xml": f"<office:document-styles {NAMES}><text:p>the head</text:p>"
    "</office:document-styles>",
    "META-INF/manifest.xml": "<manifest/>",
    "Object 1/content.xml": CONTENT,
}
ODT_TEXTS = [
    *("the <g1>red</g1> cat", "the house sleeps", "here", "line", "a note"),
    *("page <x1/> of it<x2/>.", "<g1>a link</g1> < text", "a cell", "the head"),
]
BOTH = [("a.docx", DOCX, DOCX_TEXTS), ("a.odt", ODT, ODT_TEXTS)]
ANY = st.lists(st.sampled_from(["<w:p>", "&", "]]>", "\0", " ", "\n", "\t"]) | st.text()).map(
    "".join
)


def archive(files: Mapping[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as made:
        for name, content in files.items():
            info = zipfile.ZipInfo(name, (2001, 2, 3, 4, 5, 6))
            info.compress_type = zipfile.ZIP_STORED if name == "mimetype" else method
            made.writestr(info, content)
        made.comment = b"a comment"
    return data.getvalue()


def files(data: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(data)) as made:
        assert made.comment == b"a comment"
        assert {info.date_time for info in made.infolist()} == {(2001, 2, 3, 4, 5, 6)}
        stored = {i.filename for i in made.infolist() if i.compress_type == zipfile.ZIP_STORED}
        assert stored <= {"mimetype"}
        return {name: made.read(name).decode() for name in made.namelist()}


@pytest.mark.parametrize(("name", "parts", "texts"), BOTH)
def test_what_is_one_text(name: str, parts: dict[str, str], texts: list[str]) -> None:
    assert texts_of(archive(parts), name) == texts


@pytest.mark.parametrize(("name", "parts", "texts"), BOTH)
def test_its_own_text_gives_the_document_again(
    name: str, parts: dict[str, str], texts: list[str]
) -> None:
    data, lost = translated(archive(parts), name, same)
    assert files(data) == parts
    assert list(files(data)) == list(parts), "in the same order"
    assert lost == 0


@pytest.mark.parametrize(
    ("translate", "aligned", "lost"),
    [(capitals, False, 0), (careless, False, 4), (careless, True, 0)],
)
def test_exactly_the_texts_of_word_change(translate: Texts, aligned: bool, lost: int) -> None:
    data, damaged = translated(archive(DOCX), "a.docx", translate, aligned=aligned)
    expected = DOCX | {
        "word/header1.xml": DOCX["word/header1.xml"].replace("the head", "THE HEAD"),
        "word/footnotes.xml": DOCX["word/footnotes.xml"].replace("a note", "A NOTE"),
    }
    body, kept = DOCUMENT, '<w:t xml:space="preserve">'
    for old, new in (
        ("<w:t>the </w:t>", f"{kept}THE </w:t>"),
        ("<w:t> cat &amp; dog", f"{kept} CAT &amp; DOG"),
        ("<w:t>the ho<", "<w:t>THE HOUSE SLEEPS<"),
        ("use </w:t>", "</w:t>"),
        ("sleeps</w:t>", "</w:t>"),
        ("<w:t> and text", f"{kept} AND TEXT"),
        ("<w:t> text", f"{kept} TEXT"),
        ("<w:t>page ", f"{kept}PAGE "),
        ("<w:t> of the book", f"{kept} OF THE BOOK"),
        *((f">{one}<", f">{one.upper()}<") for one in ("red", "name", "thing", "line", "a link")),
        *((f">{one}<", f">{one.upper()}<") for one in ("the site", "contents", "inserted")),
        *((f">{one}<", f">{one.upper()}<") for one in ("in a box", "after it", "a cell")),
    ):
        assert body.count(old) == 1, old
        body = body.replace(old, new)
    assert files(data) == expected | {"word/document.xml": body}
    assert damaged == lost


@pytest.mark.parametrize(
    ("translate", "aligned", "lost"),
    [(capitals, False, 0), (careless, False, 3), (careless, True, 0)],
)
def test_exactly_the_texts_of_odt_change(translate: Texts, aligned: bool, lost: int) -> None:
    data, damaged = translated(archive(ODT), "a.odt", translate, aligned=aligned)
    body = CONTENT
    for old, new in (
        ("<text:h>the ", "<text:h>THE "),
        ("the ho<", "THE HOUSE SLEEPS<"),
        (">use<", "><"),
        ("</text:span>\n   sleeps", "</text:span>"),
        ("> of<text:s/>it<", "> OF IT<"),
        ("page <", "PAGE <"),
        ("> &lt; text<", "> &lt; TEXT<"),
        *((f">{one}<", f">{one.upper()}<") for one in ("red", " cat", "here", "line", "a note")),
        *((f">{one}<", f">{one.upper()}<") for one in ("a link", "a cell")),
    ):
        assert body.count(old) == 1, old
        body = body.replace(old, new)
    styles = ODT["styles.xml"].replace("the head", "THE HEAD")
    assert files(data) == ODT | {"content.xml": body, "styles.xml": styles}
    assert damaged == lost


ITALIC = "<w:rPr><w:i/><w:lang/></w:rPr>"


@pytest.mark.parametrize(
    ("paragraph", "text", "wanted"),
    [
        (
            run("Red", BOLD) + run(" cats", ITALIC) + run(" here", ITALIC),
            "<g1>Red</g1> cats here",
            None,
        ),
        (
            run("Red", BOLD) + run(" cats"),
            "<g1>Red</g1> cats",
            '<w:r><w:t xml:space="preserve">Chats </w:t></w:r>' + run("rouges", BOLD) + run(""),
        ),
        (
            f'<w:pPr><w:i/></w:pPr><w:hyperlink r:id="1">{run("cats ", ITALIC)}</w:hyperlink>'
            f"<w:bookmarkEnd/>{run('red')}",
            "<g1>cats </g1><g3>red</g3>",
            None,
        ),
        (
            run("cats ", ITALIC) + '<w:hyperlink r:id="1">' + run("red", ITALIC) + "</w:hyperlink>",
            "cats <g1>red</g1>",
            f'<w:r>{ITALIC}<w:t></w:t></w:r><w:hyperlink r:id="1">{run("rouges", ITALIC)}'
            '</w:hyperlink><w:r><w:rPr><w:i/></w:rPr><w:t xml:space="preserve"> chats</w:t></w:r>',
        ),
        (
            field('HYPERLINK "a"', run("Red")) + run(" cats and dogs"),
            "<g1>Red</g1> cats and dogs",
            None,
        ),
    ],
)
def test_words_of_word_move_before_and_behind_a_style(
    paragraph: str, text: str, wanted: str | None
) -> None:
    body = f"<w:p>{paragraph}</w:p>"
    parts = {"word/document.xml": f"<w:document {W} xmlns:r='r'>{body}</w:document>"}
    assert texts_of(archive(parts), "a.docx") == [text]
    assert files(translated(archive(parts), "a.docx", same)[0]) == parts
    data, lost = filled(archive(parts), "a.docx", reordered)
    if wanted is not None:
        after = (
            files(data)["word/document.xml"].split("<w:p>")[1].removesuffix("</w:p></w:document>")
        )
        assert (after, lost) == (wanted, 0)


@pytest.mark.parametrize(
    ("paragraph", "text", "wanted"),
    [
        ("{}Red{} cats", "<g1>Red</g1> cats", "Chats {}rouges{}"),
        ("cats {}red{}", "cats <g1>red</g1>", "{}rouges{} chats"),
        ("{}cats <text:a>red</text:a>{}", "cats <g1>red</g1>", "{}<text:a>rouges</text:a> chats{}"),
        ("{}Red{}<text:note/>{} cats{}", "<g1>Red</g1><g3> cats</g3>", None),
    ],
)
def test_words_of_odt_move_before_and_behind_a_style(
    paragraph: str, text: str, wanted: str | None
) -> None:
    def document(said: str) -> str:
        spans = ('<text:span text:style-name="T2">', "</text:span>") * 2
        head, tail = CONTENT.split("<office:text>")[0], "</office:text></office:body>"
        said = said.format(*spans[: said.count("{}")])
        return f"{head}<office:text><text:p>{said}</text:p>{tail}</office:document-content>"

    parts = {"content.xml": document(paragraph)}
    assert texts_of(archive(parts), "a.odt") == [text]
    assert files(translated(archive(parts), "a.odt", same)[0]) == parts
    data, lost = filled(archive(parts), "a.odt", reordered)
    if wanted is not None:
        assert (files(data), lost) == ({"content.xml": document(wanted)}, 0)


@pytest.mark.parametrize(
    ("paragraph", "texts"),
    [
        ("<text:s/>a<text:s/>b<text:s/><text:s/>c", ["a b  c"]),
        ('a<text:s text:c="9"/>b', ["a", "b"]),
        ("a <text:span text:style-name='T2'>b</text:span><text:s/>c", ["a <g1>b</g1> c"]),
        ("a<text:s></text:s>b", ["a<x1/>b"]),
    ],
)
def test_spaces_that_are_elements(paragraph: str, texts: list[str]) -> None:
    head, tail = CONTENT.split("<office:text>")[0], "</office:text></office:body>"
    content = f"{head}<office:text><text:p>{paragraph}</text:p>{tail}</office:document-content>"
    assert texts_of(archive({"content.xml": content}), "a.odt") == texts
    parts = {"content.xml": content}
    assert files(translated(archive(parts), "a.odt", same)[0]) == parts


@given(made=st.lists(ANY, min_size=1, max_size=3))
def test_no_text_changes_the_structure(made: list[str]) -> None:
    for name, parts, _ in BOTH:
        after = files(translated(archive(parts), name, always(*made))[0])
        for part, content in parts.items():
            if part.endswith(".xml") and not part.startswith("customXml"):
                assert tags(after[part]) == tags(content)


def tags(content: str) -> list[str]:
    assert minidom.parseString(content)
    return re.findall("<[^>]*>", re.sub(' xml:space="preserve"|<text:s/>', "", content))


def test_one_more_time_from_what_was_written() -> None:
    once = translated(archive(DOCX), "a.docx", capitals)[0]
    assert translated(once, "a.docx", capitals)[0] == once


@pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1"])
def test_a_part_in_its_encoding(encoding: str) -> None:
    content = DOCUMENT.replace("UTF-8", encoding).replace("red", "réd").encode(encoding)
    data = translated(archive(DOCX | {"word/document.xml": content}), "a.docx", always("é Ω"))[0]
    with zipfile.ZipFile(io.BytesIO(data)) as made:
        after = made.read("word/document.xml").decode(encoding)
    assert after.replace("&#937;", "Ω").count("é Ω") > 10
    assert tags(after.replace(encoding, "UTF-8")) == tags(DOCUMENT)


def test_hyphens_of_word_are_text() -> None:
    said = "<w:t>e</w:t><w:noBreakHyphen/><w:t>book</w:t><w:softHyphen/><w:t>s here</w:t>"
    content = f"<w:document {W}><w:p><w:r>{said}</w:r></w:p></w:document>"
    parts = {"word/document.xml": content}
    assert texts_of(archive(parts), "a.docx") == ["e\u2011books here"]
    after = files(translated(archive(parts), "a.docx", capitals)[0])["word/document.xml"]
    made = "<w:t>E\u2011BOOKS HERE</w:t><w:t></w:t><w:softHyphen/><w:t></w:t>"
    assert after == content.replace(said, made)


def test_text_in_other_spellings_of_xml() -> None:
    text = "the <![CDATA[red & ]]>&#99;at<!-- c --> sleeps<?a b?> here"
    content = f"<w:document {W}><w:p>{run(text)}</w:p></w:document>"
    parts = {"word/document.xml": content}
    assert texts_of(archive(parts), "a.docx") == ["the red & cat sleeps here"]
    assert files(translated(archive(parts), "a.docx", same)[0]) == parts
    after = files(translated(archive(parts), "a.docx", capitals)[0])["word/document.xml"]
    assert after == content.replace("the <![CDATA[red & ]]>&#99;at", "THE RED &amp; CAT SLEEPS HERE"
    ).replace(" sleeps", "").replace(" here", "")  # fmt: skip


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ENTITY = f"<!DOCTYPE a [<!ENTITY b 'c'>]><w:document {W}><w:p>{run('&b;')}</w:p></w:document>"
SECRET = "<manifest:file-entry><manifest:encryption-data/></manifest:file-entry>"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.docx", OLE, r"a\.docx is of an older format or needs a password: save it as \.docx"),
        ("a.docx", b"text", r"a\.docx is no whole \.docx, a zip archive: is its name right"),
        ("a.docx", archive(ODT), r"a\.docx holds no Word text: is its name right"),
        ("a.odt", archive(DOCX), r"a\.odt holds no OpenDocument text"),
        ("a.odt", archive(ODT | {"META-INF/manifest.xml": SECRET}), r"a\.odt needs a password"),
        (
            "a.docx",
            archive({"word/document.xml": DOCUMENT[:-9]}),
            r"a\.docx/word/document\.xml:2: no",
        ),
        ("a.docx", archive({"word/document.xml": ENTITY}), r"document\.xml has a document type"),
        ("a.docx", archive(DOCX)[:-40], r"a\.docx is no whole"),
    ],
)
def test_what_is_refused(name: str, content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        texts_of(content, name)


@pytest.mark.parametrize("limit", ["MOST_UNPACKED", "MOST_XML"])
def test_what_would_unpack_to_much_is_not_unpacked(
    limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bombs = [
        ("a.docx", archive({"word/document.xml": b" " * 40_000})),
        ("a.odt", archive({"content.xml": b" " * 40_000})),
    ]
    monkeypatch.setattr(zipfile.ZipFile, "open", None)
    monkeypatch.setattr(office_documents, limit, 39_999)
    for name, bomb in bombs:
        with pytest.raises(ValueError, match=rf"{name} would unpack to 0\.0 MB of .*: divide it"):
            texts_of(bomb, name)


@example(3678, 6, 0)  # an entry that begins before the file does
@given(place=st.integers(0, 4000), value=st.integers(0, 255), kind=st.integers(0, 1))
def test_a_damaged_archive_is_read_or_refused(place: int, value: int, kind: int) -> None:
    name, parts, _ = BOTH[kind]
    data = bytearray(archive(parts))
    data[place % len(data)] = value
    read_or_refused(bytes(data), name, capitals)
