"""TSV and JSON lines: a bad row is handed on as it is, a bad file is an error."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from nmt.data.sources import PairSource, open_source


def opened(path: Path | list[Path], **options: Any) -> PairSource:
    first = path[0] if isinstance(path, list) else path
    train = list(map(str, path)) if isinstance(path, list) else str(path)
    columns = {"src_column": "en", "tgt_column": "fr"}
    kind = first.name.removesuffix(".gz").rpartition(".")[2]
    return open_source({"format": kind, "train": train, **columns, **options}, "train")


def tsv(directory: Path, content: str | bytes, **options: Any) -> PairSource:
    path = directory / "x.tsv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return opened(path, **options)


def jsonl(directory: Path, *lines: object, **options: Any) -> PairSource:
    """A line of text stands as it is, anything else as JSON."""
    path = directory / "x.jsonl"
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8", newline="\n")
    return opened(path, **options)


ODD = [
    '"a quote that is never closed',
    'a "quoted" word',
    "'",
    '""',
    "NA",
    "null",
    "None",
    "nan",
    "#N/A",
    "1.50",
    "a lone\rcarriage return",
    "a\u2028line\u2029separator\x85\x0b\x0c\x1c\x1d\x1e",
    "a\0null",
    "\\t \\n \\",
    "  spaces  ",
    "",
]


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("text", ODD)
def test_a_line_of_tsv_is_split_at_tabs_and_that_is_all(
    tmp_path: Path, text: str, ending: str
) -> None:
    rows = [("before", "avant"), (text, "x"), ("x", text), (text, text), ("after", "après")]
    lines = ["en\tfr", *("\t".join(row) for row in rows)]
    source = tsv(tmp_path, "".join(line + ending for line in lines))
    assert list(source.rows()) == rows
    assert source.size() == 5


@pytest.mark.parametrize("text", [*ODD, "a\ttab", "a\nline break", "\ufeff", "𝄞 👩‍👩‍👧"])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_json_keeps_every_text(tmp_path: Path, text: str, ascii_only: bool) -> None:
    rows = [{"en": text, "fr": "x"}, {"fr": text, "en": "y"}]
    source = jsonl(tmp_path, *(json.dumps(row, ensure_ascii=ascii_only) for row in rows))
    assert list(source.rows()) == [(text, "x"), ("y", text)]


def test_columns_are_chosen_by_name_and_swapping_them_swaps_the_sides(tmp_path: Path) -> None:
    table = tsv(tmp_path, "id\tfr\tde\ten\n1\tsalut\thallo\thello\n")
    assert list(table.rows()) == [("hello", "salut")]
    assert list(opened(tmp_path / "x.tsv", src_column="fr", tgt_column="de").rows()) == [
        ("salut", "hallo")
    ]
    assert list(opened(tmp_path / "x.tsv", src_column="fr", tgt_column="en").rows()) == [
        ("salut", "hello")
    ]


def test_tsv_without_a_header_has_its_columns_named(tmp_path: Path) -> None:
    content = "hello\tsalut\tx\nyes\toui\ty\n"
    source = tsv(tmp_path, content, columns=["en", "fr", "note"])
    assert list(source.rows()) == [("hello", "salut"), ("yes", "oui")]
    assert source.place(0) == f"{tmp_path}/x.tsv:1"
    swapped = tsv(tmp_path, content, columns=["fr", "en", "note"])
    assert list(swapped.rows()) == [("salut", "hello"), ("oui", "yes")]
    assert source.identity() != swapped.identity()


def test_a_line_of_tsv_with_other_cells_is_handed_on(tmp_path: Path) -> None:
    lines = ["en\tfr\tid", "a\tb\t1", "only", "two\tdeux", "", "a\tb\tc\td", "z\tz\t2"]
    source = tsv(tmp_path, "\n".join(lines))
    assert list(source.rows()) == [
        *(("a", "b"), ("only", None), ("two", "deux"), ("", None), (None, None), ("z", "z")),
    ]
    assert [source.place(row) for row in (0, 5)] == [f"{tmp_path}/x.tsv:{n}" for n in (2, 7)]


def test_rows_of_json_that_are_no_pair_are_handed_on(tmp_path: Path) -> None:
    deep = "[" * 100_000
    bad = ["", "no json", "[1, 2]", '"text"', "null", '{"en": "cut', deep, '{"en": 1' + "0" * 5000]
    odd = [{"en": "a"}, {"fr": "b"}, {"en": None, "fr": 3}, {"en": ["x"], "fr": {"y": 1}}]
    source = jsonl(tmp_path, *bad, *odd, {"en": "hello", "fr": "salut"})
    assert list(source.rows()) == [
        *[(None, None)] * len(bad),
        *(("a", None), (None, "b"), (None, 3), (["x"], {"y": 1})),
        ("hello", "salut"),
    ]
    assert source.place(len(bad)) == f"{tmp_path}/x.jsonl:{len(bad) + 1}"


def test_half_a_surrogate_pair_is_no_text(tmp_path: Path) -> None:
    source = jsonl(tmp_path, r'{"en": "a\ud800b", "fr": "\ud83d\ude00"}', '{"en": "c", "fr": "d"}')
    assert list(source.rows()) == [(None, "😀"), ("c", "d")]


def test_json_looks_for_a_column_in_translation_and_along_dots(tmp_path: Path) -> None:
    row = {"en": "top", "translation": {"en": "in", "fr": "dedans"}, "a": {"b": {"c": "deep"}}}
    assert list(jsonl(tmp_path, row).rows()) == [("top", "dedans")]
    deep = jsonl(tmp_path, row, {"a.b.c": "flat"}, {"a": 1}, src_column="a.b.c", tgt_column="fr")
    assert list(deep.rows()) == [("deep", "dedans"), ("flat", None), (None, None)]
    nested = jsonl(tmp_path, row, src_column="translation.fr", tgt_column="translation.en")
    assert list(nested.rows()) == [("dedans", "in")]


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_a_byte_order_mark_is_not_part_of_the_first_name(tmp_path: Path, bom: bytes) -> None:
    assert list(tsv(tmp_path, bom + b"en\tfr\na\tb\n").rows()) == [("a", "b")]
    (tmp_path / "x.jsonl").write_bytes(bom + b'{"en": "a", "fr": "b"}\n')
    assert list(opened(tmp_path / "x.jsonl").rows()) == [("a", "b")]


@pytest.mark.parametrize("kind", ["tsv", "jsonl"])
def test_several_files_packed_or_not_are_read_in_turn(tmp_path: Path, kind: str) -> None:
    def content(*rows: tuple[str, str]) -> bytes:
        lines = [json.dumps({"en": en, "fr": fr}) for en, fr in rows]
        if kind == "tsv":
            lines = ["en\tfr", *("\t".join(row) for row in rows)]
        return "\n".join(lines).encode()

    first, second = tmp_path / f"a.{kind}", tmp_path / f"b.{kind}.gz"
    first.write_bytes(content(("a", "b"), ("c", "d")))
    second.write_bytes(gzip.compress(content(("e", "f"))))
    source = opened([first, second])
    place = f"{second}:{2 if kind == 'tsv' else 1}"
    assert source.place(2) == place
    assert list(source.rows()) == [("a", "b"), ("c", "d"), ("e", "f")]
    assert source.place(2) == place
    assert (source.size(), opened(first).size()) == (None, 2)
    assert list(opened([first, second], max_pairs=1).rows()) == [("a", "b")]
    assert opened([second, first]).identity() != source.identity()


def test_identity_says_what_was_read(tmp_path: Path) -> None:
    identities = [
        jsonl(tmp_path, {"en": "a", "fr": "b"}),
        jsonl(tmp_path, {"en": "a", "fr": "c"}),
        jsonl(tmp_path, {"en": "a", "fr": "c"}, src_column="fr", tgt_column="en"),
        jsonl(tmp_path, {"en": "a", "fr": "c"}, max_pairs=1),
    ]
    found = [json.dumps(source.identity()) for source in identities[1:]]
    assert len(set(found)) == 3
    again = jsonl(tmp_path, {"en": "a", "fr": "b"}).identity()
    assert json.dumps(again) not in found


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (
            "Hi.\tSalut.\n",
            {},
            r"x\.tsv:1: no column 'en'; there are: .Hi\.., .Salut\..\..*columns=\[",
        ),
        ("en\tde\na\tb\n", {}, r"no column 'fr'; there are: .en., .de.\. Set tgt_column"),
        (
            "en\tfr\na\tb\tc\n",
            {},
            r"no line has the 2 cells .* read has 3\. columns",
        ),
        ("a b\n", {"columns": ["en", "fr"]}, r"no line has the 2 cells .* has 1\."),
        ("", {}, r"x\.tsv is empty"),
        ("x\n", {"columns": ["en", "de"]}, r"columns=\[en,de\] must hold tgt_column=fr"),
        ("x\n", {"columns": ["en", "fr", "en"]}, "must hold src_column=en once"),
        ("x\n", {"columns": "en,fr"}, r"must be a list of names such as \[en,fr\], got 'en,fr'"),
        ("x\n", {"src_column": 1}, r"src_column must be a name, got 1"),
        ("x\n", {"src_column": False}, "got False .YAML reads no as false"),
        ("x\n", {"train": {"src": "a"}}, r"train must be a path or a list of paths"),
    ],
)
def test_tsv_that_holds_no_pairs_is_refused(
    tmp_path: Path, content: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        list(tsv(tmp_path, content, **options).rows())


def test_json_that_holds_no_pairs_is_refused(tmp_path: Path) -> None:
    rows = [{"en": "a", "translation": {"de": "b"}, "id": 1}] * 2
    with pytest.raises(
        ValueError,
        match=r"no column 'fr'; there are: 'en', 'translation\.de', 'id'\. Set tgt_column",
    ):
        list(jsonl(tmp_path, *rows).rows())
    with pytest.raises(ValueError, match="no column 'fr'"):
        list(jsonl(tmp_path, *rows, {"fr": "beyond"}, max_pairs=2).rows())
    with pytest.raises(ValueError, match=r'no line is a JSON object such as {"en": "\.\.\.", "fr"'):
        list(jsonl(tmp_path, "[", '{"en": "a", "fr": "b"},', "]").rows())


def test_names_that_go_on_and_on_are_cut_in_messages(tmp_path: Path) -> None:
    header = "\t".join("word " * 50 for _ in range(50))
    with pytest.raises(ValueError, match=r"\.\.\.' and 38 more\. Set") as error:
        list(tsv(tmp_path, f"{header}\n").rows())
    assert len(str(error.value)) < 800


@pytest.mark.parametrize("kind", ["tsv", "jsonl"])
def test_invalid_utf8_is_located(tmp_path: Path, kind: str) -> None:
    good = b"en\tfr\n" if kind == "tsv" else b'{"en": "a", "fr": "b"}\n'
    path = tmp_path / f"x.{kind}"
    path.write_bytes(good + b"gr\xf6\xdfer\tx\n")
    with pytest.raises(ValueError, match=rf"x\.{kind}:2: not valid UTF-8 .byte 0xf6"):
        list(opened(path).rows())
