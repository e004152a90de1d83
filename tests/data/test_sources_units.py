"""TMX, XLIFF and PO: text comes in, what is unfinished is counted, what is wrong is named."""

import gzip
import json
import logging
import sys
from pathlib import Path
from typing import Any

import pytest

from nmt.data.sources import PairSource, open_source
from nmt.data.sources.unit_formats import matching
from nmt.data.sources.xml_units import read_units


def source(
    path: Path, content: str | bytes, src: str = "en", tgt: str = "fr", part: str = "train"
) -> PairSource:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    kind = path.name.removesuffix(".gz").rpartition(".")[2]
    section = {"format": kind, "src_column": src, "tgt_column": tgt, "valid": str(path)}
    return open_source({**section, "train": str(path)}, part)


def tmx(
    *units: str, start: str = '<?xml version="1.0"?>\n<!DOCTYPE tmx SYSTEM "tmx14.dtd">'
) -> str:
    header = '<tmx version="1.4"><header srclang="en"/><body>'
    return "\n".join([f"{start}{header}", *units, "</body></tmx>\n"])


def tu(**sides: str) -> str:
    """Languages with _ for -."""
    spelt = {code.replace("_", "-"): text for code, text in sides.items()}
    inner = (f'<tuv xml:lang="{code}"><seg>{text}</seg></tuv>' for code, text in spelt.items())
    return f"<tu>{''.join(inner)}</tu>"


def xliff1(*units: str, languages: str = 'source-language="en-US" target-language="fr"') -> str:
    body = "\n".join(units)
    return (
        '<?xml version="1.0"?>\n<xliff xmlns="urn:oasis:names:tc:xliff:document:1.2" version="1.2">'
        f'<file original="a" datatype="x" {languages}><body>\n{body}\n</body></file></xliff>\n'
    )


def xliff2(*segments: str, languages: str = 'srcLang="en" trgLang="fr"') -> str:
    body = "\n".join(f"<unit id='u'>{segment}</unit>" for segment in segments)
    return (
        f'<xliff xmlns="urn:oasis:names:tc:xliff:document:2.0" version="2.0" {languages}>'
        f'<file id="f">\n{body}\n</file></xliff>\n'
    )


HEADER = 'msgid ""\nmsgstr ""\n"Language: fr\\n"\n"Content-Type: text/plain; charset={}\\n"\n\n'


def po(*entries: str, charset: str = "UTF-8") -> str:
    return HEADER.format(charset) + "\n".join(entries)


def test_tmx_gives_the_text_of_two_languages(tmp_path: Path) -> None:
    content = tmx(
        tu(en="Hello &amp; <![CDATA[<you>]]> &#233;&eacute;!", de="Hallo", fr="Bonjour"),
        tu(en="only", de="nur"),
        tu(de="nur", nl="ook"),
        tu(en=" spaces ", fr="two\n      lines"),
    )
    found = source(tmp_path / "x.tmx", content)
    assert list(found.rows()) == [
        ("Hello & <you> éé!", "Bonjour"),
        ("only", None),
        (" spaces ", "two lines"),
    ]
    assert found.place(2) == f"{tmp_path}/x.tmx:6"
    assert list(source(tmp_path / "x.tmx", content, "nl", "de").rows()) == [
        *((None, "Hallo"), (None, "nur"), ("ook", "nur")),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "windows-1252"])
@pytest.mark.parametrize("packed", [False, True])
def test_tmx_in_any_encoding_also_gzipped(tmp_path: Path, encoding: str, packed: bool) -> None:
    named = encoding.removesuffix("-sig")
    content = tmx(tu(en="œuvre", fr="é"), start=f'<?xml version="1.0" encoding="{named}"?>')
    data = content.encode(encoding)
    path = tmp_path / ("x.tmx.gz" if packed else "x.tmx")
    assert list(source(path, gzip.compress(data) if packed else data).rows()) == [("œuvre", "é")]


MARKED = {
    'a <bpt i="1">&lt;b></bpt>bold<ept i="1">&lt;/b></ept> word': "a bold word",
    'line<ph type="lb"/>break': "line break",
    "line<ph>&lt;br/></ph>break": "line break",
    "un<hi>der</hi>lined": "underlined",
    '<it pos="begin">{</it>x<ut>y<sub>z</sub></ut>': "x",
}


@pytest.mark.parametrize(("marked", "text"), MARKED.items())
def test_markup_is_taken_out_and_its_text_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, marked: str, text: str
) -> None:
    found = source(tmp_path / "x.tmx", tmx(tu(en=marked, fr="x"), tu(en="plain", fr="y")))
    assert list(found.rows()) == [(text, "x"), ("plain", "y")]
    assert "1 pairs with inline markup: only its text is kept" in caplog.text
    caplog.clear()
    list(found.rows())
    assert caplog.text == ""  # said once


def test_markup_of_xliff(tmp_path: Path) -> None:
    first = source(
        tmp_path / "a.xliff",
        xliff1(
            '<trans-unit id="1"><source>a <g id="1">b<x id="2"/></g> c<x id="3" ctype="lb"/>d'
            '</source><target>w <mrk mtype="seg" mid="1">x</mrk> <bpt id="4">&lt;i></bpt>y</target>'
            "</trans-unit>"
        ),
    )
    assert list(first.rows()) == [("a b c d", "w x y")]
    second = source(
        tmp_path / "b.xliff",
        xliff2(
            '<segment><source>a <pc id="1">b</pc><ph id="2" type="fmt" subType="xlf:lb"/></source>'
            '<target>w <mrk id="m" translate="no">x</mrk><sc id="3"/>y<ec startRef="3"/></target>'
            "</segment>"
        ),
    )
    assert list(second.rows()) == [("a b ", "w xy")]


def test_xliff_leaves_out_what_is_unfinished(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def unit(text: str, target: str, more: str = "") -> str:
        alternative = "<alt-trans><source>no</source><target>non</target></alt-trans>"
        return f'<trans-unit id="1"{more}><source>{text}</source>{target}{alternative}</trans-unit>'

    content = xliff1(
        unit("one", "<target>un</target>"),
        unit("two", ""),
        unit("three", "<target/>"),
        unit("four", '<target state="needs-review-translation">quatre</target>'),
        unit("five", '<target state="new">five</target>'),
        unit("six", "<target>six</target>", ' translate="no"'),
        unit("seven", '<target state="final">sept</target>'),
    )
    assert list(source(tmp_path / "x.xliff", content).rows()) == [
        *(("one", "un"), ("two", None), ("three", None), ("seven", "sept")),
    ]
    for said in ("not reviewed yet", "not translated yet", "not to be translated"):
        assert f"1 units {said}: left out" in caplog.text
    held_out = source(tmp_path / "x.xliff", content, part="valid")
    assert list(held_out.rows()) == [("one", "un"), ("seven", "sept")]
    assert "2 units without translation: left out" in caplog.text
    assert held_out.place(1) == f"{tmp_path}/x.xliff:9"


def test_xliff_2_has_states_of_its_own(tmp_path: Path) -> None:
    def segment(text: str, more: str = "") -> str:
        match = "<mtc:match xmlns:mtc='m'><source>no</source><target>non</target></mtc:match>"
        sides = f"<source>{text}</source><target>{text.upper()}</target>"
        return f"{match}<segment{more}>{sides}</segment><ignorable><source> </source></ignorable>"

    content = xliff2(
        segment("a"),
        segment("b", ' state="initial"'),
        segment("c", ' state="final"'),
        segment("d", ' state="translated" subState="nmt:unreviewed"'),
    )
    assert list(source(tmp_path / "x.xliff", content).rows()) == [("a", "A"), ("c", "C")]


def test_the_sides_of_xliff_and_po_can_be_swapped(tmp_path: Path) -> None:
    unit = '<trans-unit id="1"><source>yes</source><target>oui</target></trans-unit>'
    content = xliff1(unit)
    assert list(source(tmp_path / "x.xliff", content, "fr", "en").rows()) == [("oui", "yes")]
    content = po('msgid "yes"\nmsgstr "oui"\n')
    assert list(source(tmp_path / "x.po", content, "fr-CA", "en").rows()) == [("oui", "yes")]


def test_po_gives_finished_entries(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    content = po(
        '# note\n#: a.c:1\nmsgctxt "m"\nmsgid "Say \\"hi\\"\\n"\n"twice"\nmsgstr "Dis"\n" oui"\n',
        '#, fuzzy, c-format\nmsgid "old"\nmsgstr "vieux"\n',
        'msgid "%d file"\nmsgid_plural "%d files"\n'
        'msgstr[0] "%d fichier"\nmsgstr[1] "%d fichiers"\n',
        'msgid "later"\nmsgstr ""\n',
        '#~ msgid "gone"\n#~ msgstr "parti"\n',
    )
    found = source(tmp_path / "x.po", content)
    assert list(found.rows()) == [
        *(('Say "hi"\ntwice', "Dis oui"), ("%d file", "%d fichier")),
        *(("%d files", "%d fichiers"), ("later", None)),
    ]
    assert "1 units fuzzy: left out" in caplog.text
    assert "1 units obsolete: left out" in caplog.text
    assert found.place(0) == f"{tmp_path}/x.po:9"
    valid = source(tmp_path / "x.po", content, part="valid")
    assert len(list(valid.rows())) == 3


@pytest.mark.parametrize("charset", ["UTF-8", "ISO-8859-1", "windows-1252", "koi8-r"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_po_in_its_character_set(tmp_path: Path, charset: str, ending: str) -> None:
    text = "да" if charset == "koi8-r" else "été"
    content = po(f'msgid "a"\nmsgstr "{text}"\n', charset=charset).replace("\n", ending)
    assert list(source(tmp_path / "x.po", content.encode(charset)).rows()) == [("a", text)]


def test_po_without_a_language_is_taken_as_it_stands(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    found = source(tmp_path / "x.po", 'msgid "a"\nmsgstr "b"\n')
    assert list(found.rows()) == [("a", "b")]
    assert "names no language in its header: its translations are taken for fr" in caplog.text


@pytest.mark.parametrize(
    ("wanted", "present", "found"),
    [
        ("en", ["fr", "EN"], "EN"),
        ("en", ["en-US"], "en-US"),
        ("en", ["en-GB", "en"], "en"),
        ("en-US", ["en"], "en"),
        ("en-US", ["en-GB"], None),
        ("en", ["eng", "fr"], "eng"),
        ("zh", ["zho_Hans"], "zho_Hans"),
        ("en", ["enx", "", "e"], None),
        ("pt_BR", ["pt-PT", "pt-br"], "pt-br"),
    ],
)
def test_codes_are_matched_leniently(wanted: str, present: list[str], found: str | None) -> None:
    assert matching(wanted, present) == found


LAUGHS = (
    '<!DOCTYPE tmx [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>\n'
)
FILE = '<!DOCTYPE tmx [<!ENTITY a SYSTEM "file:///etc/passwd">]>\n'
OUTSIDE = '<!DOCTYPE tmx [<!ENTITY % a SYSTEM "http://127.0.0.1:9/x.dtd"> %a;]>\n'


@pytest.mark.parametrize("start", [LAUGHS, FILE, OUTSIDE])
def test_entities_are_refused(tmp_path: Path, start: str) -> None:
    with pytest.raises(ValueError, match=r"x\.tmx:1: declares the entity 'a'"):
        list(source(tmp_path / "x.tmx", tmx(tu(en="&c;", fr="&a;"), start=start)).rows())


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "x.tmx",
            tmx(tu(en="&unknown;", fr="a")),
            r"x\.tmx:3: the entity &unknown; is not defined",
        ),
        ("x.tmx", tmx(tu(en="<b>", fr="a")), r"x\.tmx:3: no well-formed XML: mismatched tag"),
        ("x.tmx", tmx(tu(en="a", fr="a"))[:-20], r"x\.tmx:\d+: no well-formed XML"),
        ("x.tmx", "", r"x\.tmx:1: no well-formed XML: no element found"),
        ("x.tmx", "<html></html>", r"x\.tmx:1: the root element is <html>; TMX has <tmx>"),
        (
            "x.tmx",
            tmx(tu(en="a", de="b")),
            r"no language 'fr'; there are: 'en', 'de'\. Set tgt_col",
        ),
        ("x.tmx", tmx(), r"no language 'en'; there are: none"),
        ("x.tmx", tmx(tu(en="a\0b", fr="c")), r"x\.tmx:3: no well-formed XML"),
        ("x.xliff", xliff1(languages=""), r"no language 'en'; there are: none"),
        (
            "x.xliff",
            xliff2("<segment><source>a</source></segment>", languages='srcLang="de" trgLang="fr"'),
            r"x\.xliff: no language 'en'; there are: 'de', 'fr'",
        ),
        ("x.po", 'msgid "a"\nmsgstr "b\n', r"x\.po:2: no PO: end-of-line within string"),
        ("x.po", "Hello.\n", r"x\.po:1: no PO"),
        ("x.po", po().replace("fr", "de"), r"x\.po: no language 'fr'; there are: 'de'"),
        ("x.po", po().replace("UTF-8", "klingon"), "unknown character set 'klingon'"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, name: str, content: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        list(source(tmp_path / name, content).rows())


def test_bytes_that_are_no_text_are_located(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"x\.po:1: not valid utf-8 .byte 0xff"):
        list(source(tmp_path / "x.po", b'msgid "\xff"\nmsgstr "a"\n').rows())


def test_without_the_toolkit_the_command_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = source(tmp_path / "x.po", po('msgid "a"\nmsgstr "b"\n'))
    monkeypatch.setitem(sys.modules, "translate.storage", None)
    with pytest.raises(ValueError, match=r"pip install '\.\[formats\]'"):
        list(found.rows())


def test_identity_says_what_was_read(tmp_path: Path) -> None:
    first = source(tmp_path / "x.tmx", tmx(tu(en="a", fr="b"))).identity()
    second = source(tmp_path / "x.tmx", tmx(tu(en="a", fr="c"))).identity()
    assert first != second
    assert source(tmp_path / "x.tmx", tmx(tu(en="a", fr="b"))).identity() == first
    assert json.dumps(first)


class Endless:
    """A file of many units, which never exists as a whole."""

    def __init__(self, unit: str, times: int) -> None:
        self._parts = iter([b"<tmx><body>", *[unit.encode() * 500] * times, b"</body></tmx>"])

    def read(self, size: int) -> bytes:
        return next(self._parts, b"")


def test_units_are_read_one_by_one() -> None:
    unit: Any = tu(en="a" * 200, fr="b" * 200)
    stream = Endless(unit, 20)
    units = read_units(stream, "x", "tmx")
    assert next(units).line == 1
    assert len(list(stream._parts)) == 20, "the rest was not read yet"
    assert logging.getLogger("nmt").name
