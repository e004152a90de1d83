"""Documents: what waits for a translation is filled in, and every other byte stays."""

import gzip
import random
from collections.abc import Callable
from pathlib import Path
from xml.dom import minidom

import pytest

from nmt.data.sources import open_source
from nmt.translator.documents import Document, check_output, kind_of, open_document
from nmt.translator.questions import answered
from tests.translator.stand_ins import answering

XLIFF = """<?xml version='1.0' encoding="UTF-8"?>
<!-- a comment -->
<xliff version="1.2" xmlns="urn:oasis:names:tc:xliff:document:1.2">
  <file source-language="en-US" target-language="fr" original='a' datatype="plaintext"><body>
    <trans-unit id="1"  resname='x'>
      <source>Hello <g id="1">big</g> a&amp;b<x id="2"/>!</source>
      <note>n</note>
    </trans-unit>
    <trans-unit id="2"><source><g id="1">Hello</g></source><target state="new" /></trans-unit>
    <trans-unit id="3"><source>Done</source><target>Fait</target></trans-unit>
    <trans-unit id="4" translate='no'><source>No</source></trans-unit>
    <trans-unit id="5" xml:space="preserve"><source> One
  two </source></trans-unit>
    <trans-unit id="6"><source>5</source><target>\n</target></trans-unit>
    <trans-unit id="7"><source>Copy</source><target state="new">Copy</target></trans-unit>
  </body></file>
</xliff>
"""
MARK = ' state="needs-review-translation" state-qualifier="mt-suggestion"'


def written(path: Path, content: str | bytes, translate: Callable[[str], str]) -> tuple[str, int]:
    """The document with its texts translated, and how many of them had damaged markup."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    document = open_document(path, "en", "fr")
    target = path.with_name(f"out{path.suffix}")
    damaged = document.write(answering(lambda texts: [*map(translate, texts)]), target)
    return target.read_bytes().decode(), damaged


def test_xliff_is_filled_in_and_every_other_byte_stays(tmp_path: Path) -> None:
    after, damaged = written(tmp_path / "x.xliff", XLIFF, lambda text: text.replace("o", "0"))
    assert damaged == 0
    inner = 'Hell0 <g id="1">big</g> a&amp;b<x id="2"/>!'
    expected = XLIFF
    for old, new in (
        ("!</source>", f"!</source>\n      <target{MARK}>{inner}</target>"),
        ('<target state="new" />', f'<target{MARK}><g id="1">Hell0</g></target>'),
        ("two </source>", f"two </source><target{MARK}> One\n  tw0 </target>"),
        ("<target>\n</target>", f"<target{MARK}>5</target>"),
        ('<target state="new">Copy</target>', f"<target{MARK}>C0py</target>"),
    ):
        assert expected.count(old) == 1
        expected = expected.replace(old, new)
    assert after == expected


def test_texts_are_lines_without_outer_space(tmp_path: Path) -> None:
    (tmp_path / "x.xliff").write_text(XLIFF)
    document = open_document(tmp_path / "x.xliff", "en", "fr")
    assert document.texts == ["Hello <g1>big</g1> a&b<x3/>!", "Hello", "One", "two", "Copy"]
    assert document.described() == (
        "5 texts without translation filled; 1 left: translated already;"
        " 1 left: not to be translated"
    )


@pytest.mark.parametrize(
    ("made", "inner", "whole"),
    [
        ("<x3/>a<g1>b</g1>", '<x id="2"/>a<g id="1">b</g>', True),
        ("no tags", 'no tags<g id="1"></g><x id="2"/>', False),
        ("<g1>a<x3/>", 'a<x id="2"/><g id="1"></g>', False),
        ("</g1>a<g1><x3/>", 'a<x id="2"/><g id="1"></g>', False),
        ("<g1>a</g1><g1>b</g1><x3/><x3/>", '<g id="1">a</g>b<x id="2"/>', False),
        ("a < b & <q> <g9> ]]>\0", "", False),
    ],
)
def test_markup_that_is_lost_is_put_back(
    tmp_path: Path, made: str, inner: str, whole: bool
) -> None:
    after, damaged = written(
        tmp_path / "x.xliff", XLIFF, lambda text: made if "<" in text else text
    )
    assert minidom.parseString(after)
    assert f">{inner or 'a &lt; b &amp; &lt;q&gt; &lt;g9&gt; ]]&gt;'}" in after
    assert damaged == (not whole)


def test_any_mess_of_tags_gives_well_formed_markup(tmp_path: Path) -> None:
    source = (
        '<g id="1">a <g id="2">b</g><x id="3"/> <mrk mtype="x">c</mrk></g> <ph id="4">&lt;</ph> d'
    )
    content = XLIFF.replace('Hello <g id="1">big</g> a&amp;b<x id="2"/>!', source)
    (tmp_path / "x.xliff").write_text(content)
    document = open_document(tmp_path / "x.xliff", "en", "fr")
    tags = ["<g1>", "</g1>", "<g2>", "</g2>", "<x4/>", "<g5>", "</g5>", "<x8/>", "&", "<", "w "]
    draw = random.Random(1)
    for _ in range(200):
        mess = "".join(draw.choices(tags, k=draw.randrange(14)))
        messy = answering(lambda texts, mess=mess: [mess, *texts[1:]])
        data, _ = answered(document.filling(), messy)
        target = minidom.parseString(data).getElementsByTagName("target")[0]
        for name, times in (("g", 2), ("x", 1), ("mrk", 1), ("ph", 1)):
            assert len(target.getElementsByTagName(name)) == times


def test_text_that_looks_like_our_tags_is_text(tmp_path: Path) -> None:
    content = XLIFF.replace("Hello <g", "&lt;g1&gt; <g")
    after, damaged = written(tmp_path / "x.xliff", content, lambda text: text)
    assert '&lt;g1&gt; <g id="1">big</g>' in after.split("<target")[1]
    assert damaged == 0


def test_xliff_2(tmp_path: Path) -> None:
    content = """<xliff xmlns="urn:oasis:names:tc:xliff:document:2.0" version="2.0" srcLang="en">
 <file id="f1"><notes><note>n</note></notes>
  <unit id="u1">
   <segment>
    <source>Hello <pc id="1">world</pc>.</source>
   </segment>
   <segment id="s2" state='initial'><source>Two</source><target>Two</target></segment>
   <segment state="final"><source>3 a</source><target>3 b</target></segment>
  </unit>
 </file>
</xliff>
"""
    after, _ = written(tmp_path / "x.xlf", content, lambda text: text.replace("o", "0"))
    mark = ' state="translated" subState="nmt:unreviewed"'
    assert after == (
        content.replace('srcLang="en">', 'srcLang="en" trgLang="fr">')
        .replace("<segment>", f"<segment{mark}>")
        .replace(".</source>", '.</source>\n    <target>Hell0 <pc id="1">w0rld</pc>.</target>')
        .replace("<segment id=\"s2\" state='initial'>", f'<segment id="s2"{mark}>')
        .replace("<target>Two</target>", "<target>Tw0</target>")
    )


TMX = """<?xml version="1.0" encoding="{}"?>
<!DOCTYPE tmx SYSTEM "tmx14.dtd">
<tmx version="1.4"><header srclang="en"/><body>
  <tu tuid='1'>
    <tuv xml:lang="EN-US"><seg>Hello <bpt i="1">&lt;b></bpt>é<ept i="1"/></seg></tuv>
    <tuv xml:lang="de"><seg>Hallo</seg></tuv>
  </tu>
  <tu><tuv xml:lang="en"><seg>Hi</seg></tuv><tuv xml:lang="fr-FR"><seg/></tuv></tu>
  <tu><tuv xml:lang="en"><seg>Yes</seg></tuv><tuv xml:lang="fr-FR"><seg>Oui</seg></tuv></tu>
</body></tmx>
"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_tmx_in_its_encoding(tmp_path: Path, encoding: str, ending: str) -> None:
    content = TMX.format(encoding).replace("\n", ending)
    (tmp_path / "x.tmx.gz").write_bytes(gzip.compress(content.encode(encoding)))
    document = open_document(tmp_path / "x.tmx.gz", "en", "fr")
    assert document.texts == ["Hello <x1/>é<x2/>", "Hi"]
    document.write(answering(lambda _: ["Allô <x1/>œ<x2/>", "Salut"]), tmp_path / "out.tmx")
    after = (tmp_path / "out.tmx").read_bytes().decode(encoding).replace("&#339;", "œ")
    inner = 'Allô <bpt i="1">&lt;b></bpt>œ<ept i="1"/>'
    tuv = f'<tuv xml:lang="fr-FR" creationtool="nmt-translate"><seg>{inner}</seg></tuv>'
    assert after == content.replace(
        'é<ept i="1"/></seg></tuv>', f'é<ept i="1"/></seg></tuv>{ending}    {tuv}'
    ).replace(
        '<tuv xml:lang="fr-FR"><seg/>',
        '<tuv xml:lang="fr-FR" creationtool="nmt-translate"><seg>Salut</seg>',
    )
    section = {"format": "tmx", "src_column": "en", "tgt_column": "fr"}
    rows = open_source({**section, "train": str(tmp_path / "out.tmx")}, "train").rows()
    assert list(rows) == [("Yes", "Oui")], "what a machine made is not learnt from"


PO = """\ufeff# Title  with odd spacing
#, fuzzy
msgid ""
msgstr "Language: fr\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Plural-Forms: nplurals={}; plural=(n > 1);\\n"

#. extracted
#: a.c:12
#,  c-format
msgctxt "ctx"
msgid "Hello %s,\\n"
"  two \\"lines\\"\\n"
msgstr ""

# note
#|  msgid "old"
#,fuzzy
msgid   "A"
msgstr	"B"

msgid "%d file"
msgid_plural "%d files"
{}

#, c-format
msgid "done"
msgstr "fait"
#~ msgid "gone"
#~ msgstr ""
msgctxt "last"
msgid "last"
msgstr "\""""


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("forms", [1, 2, 3])
def test_po_is_filled_in_and_every_other_byte_stays(
    tmp_path: Path, forms: int, ending: str
) -> None:
    empty = "\n".join(f'msgstr[{form}] ""' for form in range(forms))
    content = PO.format(forms, empty).replace("\n", ending)
    after, damaged = written(tmp_path / "x.po", content, lambda text: f"{text}é")
    texts = ["%d filesé"] if forms == 1 else ["%d fileé", *["%d filesé"] * (forms - 1)]
    full = "\n".join(f'msgstr[{form}] "{text}"' for form, text in enumerate(texts))
    expected = PO.format(forms, full)
    for old, new in (
        ("#,  c-format\nmsgctxt", "#, fuzzy, c-format\nmsgctxt"),
        ('n"\nmsgstr ""\n', 'n"\nmsgstr ""\n"Hello %s,é\\n"\n"  two \\"lines\\"é\\n"\n'),
        ('msgid "%d file"', '#, fuzzy\nmsgid "%d file"'),
        (
            'msgctxt "last"\nmsgid "last"\nmsgstr ""',
            '#, fuzzy\nmsgctxt "last"\nmsgid "last"\nmsgstr "lasté"',
        ),
    ):
        assert expected.count(old) == 1
        expected = expected.replace(old, new)
    assert after == expected.replace("\n", ending)
    assert damaged == 0


def test_a_template_gets_a_character_set(tmp_path: Path) -> None:
    content = (
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=CHARSET\\n"\n\nmsgid "a"\nmsgstr ""\n'
    )
    after, _ = written(tmp_path / "x.pot", content, lambda text: "é")
    assert after == content.replace("=CHARSET", "=UTF-8").replace(
        'msgid "a"\nmsgstr ""', '#, fuzzy\nmsgid "a"\nmsgstr "é"'
    )


def test_a_character_set_that_lacks_a_letter_is_named(tmp_path: Path) -> None:
    header = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=ISO-8859-1\\n"\n'
    content = f'{header}\nmsgid "a"\nmsgstr ""\n'
    with pytest.raises(ValueError, match="its character set, ISO-8859-1, lacks 'œ'"):
        written(tmp_path / "x.po", content, lambda text: "œ")
    assert not (tmp_path / "out.po").exists()


def test_without_anything_to_fill_the_file_stays_as_it_is(tmp_path: Path) -> None:
    for name, content in (
        ("x.po", '# a\nmsgid "x"\nmsgstr "y"\n'),
        ("x.xliff", '<xliff version="1.2" ><file source-language="en"><body/></file></xliff>'),
        ("x.tmx", "<tmx ><body></body></tmx>"),
    ):
        assert written(tmp_path / name, content, str.upper) == (content, 0)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "x.xliff",
            XLIFF.replace('"fr"', '"de"'),
            r"has texts in en-US, de; the run translates en",
        ),
        ("x.tmx", TMX.replace('"en"', '"it"').replace("EN-US", "it"), "has texts in it, de, fr-FR"),
        (
            "x.po",
            'msgid ""\nmsgstr "Language: de\\n"\n\nmsgid "a"\nmsgstr ""\n',
            "is for de, as its h",
        ),
    ],
)
def test_other_languages_are_refused(tmp_path: Path, name: str, content: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        written(tmp_path / name, content.format("utf-8") if "tmx" in name else content, str.upper)


def test_the_output_is_a_document_of_its_kind(tmp_path: Path) -> None:
    assert [kind_of(name) for name in ("a.PO", "b.xlf", "c.tmx.gz", "d.txt", None)] == [
        *("po", "xliff", "tmx", None, None)
    ]
    source = tmp_path / "x.po"
    with pytest.raises(FileNotFoundError):
        check_output(source, tmp_path / "z.po")
    source.write_text("")
    for target in ("y.txt", "y.po.gz"):
        with pytest.raises(ValueError, match=r"output must be a file in \.po"):
            check_output(source, tmp_path / target)
    with pytest.raises(ValueError, match="would be read and written at once"):
        check_output(source, source)
    check_output(source, tmp_path / "y.po")
    assert Document
