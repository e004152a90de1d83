"""CSV with quotes and zip archives; files of another format are not read as text."""

import gzip
import zipfile
from pathlib import Path
from typing import Any

import pytest

from nmt.data.sources import PairSource, open_source
from nmt.data.text_files import read_lines


def table(path: Path, content: str | bytes, **options: Any) -> PairSource:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    columns = {"src_column": "en", "tgt_column": "fr", **options}
    return open_source({"format": "csv", "train": str(path), **columns}, "train")


def archive(path: Path, files: dict[str, str], src: str = "en", tgt: str = "fr") -> PairSource:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as written:
        for name, content in files.items():
            written.writestr(name, content)
    section = {"format": "opus_zip", "src_column": src, "tgt_column": tgt}
    return open_source({**section, "train": str(path)}, "train")


def test_quotes_hold_commas_line_breaks_and_quotes(tmp_path: Path) -> None:
    found = table(
        tmp_path / "x.csv",
        'en,note,fr\nplain,,simple\n"a, b","x\ny","dit ""oui"""\n"two\nlines",,"deux\r\nlignes"\n'
        'NA,,null\n5" pipe,,None\n',
    )
    assert list(found.rows()) == [
        *(("plain", "simple"), ("a, b", 'dit "oui"'), ("two\nlines", "deux\nlignes")),
        *(("NA", "null"), ('5" pipe', "None")),
    ]
    assert [found.place(row) for row in range(5)] == [
        f"{tmp_path}/x.csv:{n}" for n in (2, 3, 5, 8, 9)
    ]


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_line_ends_and_marks_of_other_programs(tmp_path: Path, ending: str) -> None:
    content = f"\ufeffen;fr{ending}a,b;c{ending}"
    assert list(table(tmp_path / "x.csv", content, delimiter=";").rows()) == [("a,b", "c")]
    packed = gzip.compress(content.encode())
    assert list(table(tmp_path / "x.csv.gz", packed, delimiter=";").rows()) == [("a,b", "c")]
    tabs = content.replace(";", "\t")
    assert list(table(tmp_path / "x.csv", tabs, delimiter=r"\t").rows()) == [("a,b", "c")]


def test_rows_with_other_cells_are_handed_on(tmp_path: Path) -> None:
    found = table(tmp_path / "x.csv", "a,b\nonly\n\na,b,c\nz,z\n", columns=["en", "fr"])
    assert list(found.rows()) == [
        *(("a", "b"), ("only", None), (None, None), (None, None), ("z", "z")),
    ]


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ('en,fr\na,b\n"never,closed\nc,d\n', {}, r"x\.csv:3: a quote opens a cell and none closes"),
        ('en,fr\n"a,b\nc,"d"\n', {}, r"x\.csv:2: text stands behind the quote .* line 3"),
        ('en,fr\n"a" b,c\n', {}, r"x\.csv:2: text stands behind the quote"),
        (
            "en;fr\na;b\n",
            {},
            r"""no column 'en'; there are: 'en;fr'.*'delimiter=";"' may be meant""",
        ),
        ("en\tfr\na\tb\n", {}, r"""no column 'en'.*'delimiter="\\t"' may be meant"""),
        ("en,de\na,b\n", {}, r"x\.csv:1: no column 'fr'; there are: 'en', 'de'\. Set tgt_column"),
        ("en,fr,en\na,b,c\n", {}, "2 columns are named 'en'"),
        ("en,fr\n", {"delimiter": "||"}, "delimiter must be one character"),
        ("", {}, r"x\.csv is empty"),
    ],
)
def test_csv_that_is_wrong_is_refused(
    tmp_path: Path, content: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        list(table(tmp_path / "x.csv", content, **options).rows())


def test_tsv_that_is_csv_says_so(tmp_path: Path) -> None:
    (tmp_path / "x.tsv").write_text("en,fr\na,b\n")
    section = {"format": "tsv", "src_column": "en", "tgt_column": "fr"}
    with pytest.raises(ValueError, match=r"there are: 'en,fr'.*data=csv reads such files"):
        list(open_source({**section, "train": str(tmp_path / "x.tsv")}, "train").rows())


OPUS = {
    "README": "About this corpus.\n",
    "LICENSE": "free\n",
    "Books.en-fr.en": "Hello.\n\nBye.\n",
    "Books.en-fr.fr": "Bonjour.\r\nx\nAdieu.\n",
    "Books.en-fr.xml": "<x/>\n",
}


def test_an_archive_of_opus(tmp_path: Path) -> None:
    found = archive(tmp_path / "x.zip", OPUS)
    assert list(found.rows()) == [("Hello.", "Bonjour."), ("", "x"), ("Bye.", "Adieu.")]
    place = f"{tmp_path}/x.zip/Books.en-fr"
    assert found.place(1) == f"{place}.en:2 and {place}.fr:2"
    turned = archive(tmp_path / "x.zip", OPUS, "FR", "en")
    assert next(turned.rows()) == ("Bonjour.", "Hello.")
    assert turned.identity() != found.identity()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a.en": "x\n", "README": ""}, r"no file whose name ends in \.fr; it holds a\.en, README"),
        ({"a.en": "x\n", "b.en": "y\n", "a.fr": ""}, r"2 files whose name ends in \.en"),
        ({"a.en": "x\ny\n", "a.fr": "x\n"}, r"a\.fr has 1 lines, and a\.en has more"),
    ],
)
def test_an_archive_without_a_pair_of_files_is_refused(
    tmp_path: Path, files: dict[str, str], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        list(archive(tmp_path / "x.zip", files).rows())


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    found = archive(tmp_path / "x.zip", OPUS)
    data = (tmp_path / "x.zip").read_bytes()
    (tmp_path / "x.zip").write_bytes(data[:-30])
    with pytest.raises(ValueError, match=r"x\.zip is no whole zip archive"):
        list(found.rows())
    (tmp_path / "x.zip").write_bytes(data.replace(b"Hello", b"Hullo", 1))
    start = data.index(b"Books.en-fr.en") + 14
    (tmp_path / "x.zip").write_bytes(data[:start] + b"\0\0" + data[start + 2 :])
    with pytest.raises(ValueError, match=r"x\.zip/Books\.en-fr\.en is damaged"):
        list(found.rows())


OTHERS = {
    '<?xml version="1.0"?>\n<!-- a -->\n<tmx version="1.4">': "is TMX.* data=tmx reads it",
    '<xliff version="2.0">': "is XLIFF.* data=xliff reads it",
    '\ufeff<?xml version="1.0"?><!DOCTYPE refset SYSTEM "x"><refset>': r"is XML \(<refset>\)",
    '# French\nmsgid ""\nmsgstr ""\n"Language: fr\\n"\n': "is gettext PO.* data=po reads it",
    "PK\x03\x04": "is a zip archive, no text: data=opus_zip",
    "\x1f\x8b": "is gzipped, no text: give it a name in .gz",
    "\xff\xfea\x00": "is UTF-16, no text: convert it",
}


@pytest.mark.parametrize(("content", "message"), OTHERS.items())
def test_another_format_is_not_read_as_text(tmp_path: Path, content: str, message: str) -> None:
    latin = content.isprintable() or all(ord(letter) < 256 for letter in content)
    (tmp_path / "x").write_bytes(content.encode("latin-1" if latin else "utf-8"))
    with pytest.raises(ValueError, match=message):
        read_lines(tmp_path / "x")


@pytest.mark.parametrize(
    "text",
    [
        '<?xml version="1.0"?>\nis the first line of a file.\n',
        "<b>Bold</b> text.\n",
        "<tmx> is the root of translation memories.\n",
        "PK is short for primary key.\n",
        'msgid "x" begins an entry.\n',
        "<!---->" * 1000 + "\n",
    ],
)
def test_text_about_formats_is_text(tmp_path: Path, text: str) -> None:
    (tmp_path / "x").write_text(text)
    assert read_lines(tmp_path / "x") == text.split("\n")[:-1]
