"""Lines are what lies between "\\n" and nothing else, or there is an error that says where."""

import gzip
from pathlib import Path

import pytest

from nmt.data import text_files
from nmt.data.text_files import SentencePair, iter_lines, read_lines, read_pairs


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "line",
    [
        "a lone\rcarriage return",
        "a\u2028line\u2029separator\x85\x0b\x0c\x1c\x1d\x1e",
        '"a quote that is never closed',
        "NA",
        "null",
        "None",
        "a\ttab",
        "a\0null",
        "  spaces  around  ",
        "\ufeffa mark that is not the file's",
        "",
        "two carriage returns\r",
    ],
)
def test_nothing_inside_a_line_ends_it_or_changes_it(tmp_path: Path, line: str) -> None:
    lines = ["before", line, "after"]
    for ending in ("\n", "\r\n"):
        content = "".join(text + ending for text in lines).encode()
        if ending == "\n" and line.endswith("\r"):
            continue
        assert read_lines(write(tmp_path / "text", content)) == lines


def test_one_carriage_return_at_the_end_of_a_line_belongs_to_the_ending(tmp_path: Path) -> None:
    assert read_lines(write(tmp_path / "text", b"a\r\nb\r\r\nc\r")) == ["a", "b\r", "c"]


def test_the_last_line_needs_no_ending(tmp_path: Path) -> None:
    assert read_lines(write(tmp_path / "text", b"a\nb")) == ["a", "b"]
    assert read_lines(write(tmp_path / "text", b"a\nb\n")) == ["a", "b"]
    assert read_lines(write(tmp_path / "text", b"a\nb\n\n")) == ["a", "b", ""]
    assert read_lines(write(tmp_path / "text", b"\n")) == [""]


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    assert read_lines(write(tmp_path / "text", b"\xef\xbb\xbfa\nb\n")) == ["a", "b"]


def test_gzip_is_read_directly(tmp_path: Path) -> None:
    plain = "eins\r\n\nzwei \u2028 drei\n".encode()
    packed = write(tmp_path / "text.gz", gzip.compress(plain))
    assert read_lines(packed) == read_lines(write(tmp_path / "text", plain))


def test_home_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "text", b"a\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert read_lines("~/text") == ["a"]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_invalid_utf8_is_located(tmp_path: Path, mark: bytes) -> None:
    good = mark + "gut\nnoch größer\n".encode()
    path = write(tmp_path / "latin", good + "größer\n".encode("latin-1"))
    with pytest.raises(ValueError, match=rf"latin:3: .*0xf6 at offset {len(good) + 2}\b"):
        read_lines(path)


def test_utf16_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="text is UTF-16, no text: convert it"):
        read_lines(write(tmp_path / "text", "a\n".encode("utf-16")))


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf"])
def test_an_empty_file_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ValueError, match="nothing is empty"):
        read_lines(write(tmp_path / "nothing", content))
    with pytest.raises(ValueError, match=r"nothing\.gz is empty"):
        read_lines(write(tmp_path / "nothing.gz", gzip.compress(content)))


def test_damaged_gzip_is_refused(tmp_path: Path) -> None:
    whole = gzip.compress(b"some lines of text\n" * 20)
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0xFF
    for content in (b"plain text\n", whole[:-12], bytes(flipped)):
        with pytest.raises(ValueError, match=r"bad\.gz is not whole gzip data"):
            read_lines(write(tmp_path / "bad.gz", content))


def test_what_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no such file: .*missing\.de"):
        read_lines(tmp_path / "missing.de")
    with pytest.raises(IsADirectoryError, match=f"{tmp_path.name} is a directory"):
        read_lines(tmp_path)
    file = write(tmp_path / "file", b"a\n")
    with pytest.raises(NotADirectoryError, match=r"cannot read .*inside"):
        read_lines(file / "inside")


def test_pairs_of_several_files_stay_in_step(tmp_path: Path) -> None:
    src = [write(tmp_path / "a.de", b"eins\nzwei\n"), write(tmp_path / "b.de", b"drei\n")]
    tgt = [write(tmp_path / "a.en", b"one\ntwo\n"), write(tmp_path / "b.en", b"three\n")]
    expected = [("eins", "one"), ("zwei", "two"), ("drei", "three")]
    assert read_pairs(src, tgt) == [SentencePair(*pair) for pair in expected]
    assert read_pairs(str(src[0]), tgt[0]) == expected[:2]


def test_unequal_counts_are_both_told_with_their_files(tmp_path: Path) -> None:
    short = write(tmp_path / "short.en", b"one\n")
    long = write(tmp_path / "long.de", b"eins\nzwei\n" * 600)
    with pytest.raises(ValueError, match=r"long\.de has 1,200 lines, but .*short\.en has 1:"):
        read_pairs(long, short)
    with pytest.raises(ValueError, match="2 source files against 1 target files"):
        read_pairs([long, long], short)
    even = write(tmp_path / "even.en", b"x\n" * 1201)
    with pytest.raises(ValueError, match=r"long\.de has 1,200 lines, but .*short\.en has 1:"):
        read_pairs([long, short], [short, even])


@pytest.mark.parametrize("packed", [False, True])
def test_a_line_without_an_end_is_not_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    """A megabyte of gzip may hold a gigabyte, and all of it one line."""
    monkeypatch.setattr(text_files, "LONGEST_LINE", 300_000)
    longest = b"x" * 300_000
    name, pack = ("text.gz", gzip.compress) if packed else ("text", bytes)
    path = write(tmp_path / name, pack(b"one\n" + longest + b"\nthree\n"))
    assert [len(line) for line in read_lines(path)] == [3, 300_000, 5]
    write(path, pack(b"one\n" + longest * 9))
    lines = iter_lines(path)
    with pytest.raises(ValueError, match=rf"{name} has a line of over 300,000 bytes: it is no te"):
        list(lines)
