import gzip
import os
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import pytest

from nmt.cli.streams import open_lines, with_progress
from nmt.data.text_files import READ_BYTES, Lines

TEXT = "\ufeffone\r\n\n  two \u2028 still two\x0c\rstill\x00\n\ufeffthree"
LINES = ["one", "", "  two \u2028 still two\x0c\rstill\x00", "\ufeffthree"]


def as_it_is(number: int, line: str) -> str:
    return line


def numbered(number: int, line: str) -> tuple[int, str]:
    return number, line


def read_all(lines: Lines) -> list[str]:
    return [line for chunk in lines.chunks(as_it_is) for line in chunk]


def lines_of(data: bytes) -> Lines:
    return Lines(BytesIO(data), "in.txt")


class Trickle(BytesIO):
    """Gives one byte at a time, as a slow sender may."""

    def read1(self, size: int | None = -1, /) -> bytes:
        return super().read1(1)


def test_a_line_ends_at_its_line_break_and_nowhere_else() -> None:
    assert read_all(lines_of(TEXT.encode())) == LINES


@pytest.mark.parametrize(
    ("text", "lines"), [(b"", []), (b"\n", [""]), (b"a", ["a"]), (b"\n\n", ["", ""])]
)
def test_a_line_for_each_line(text: bytes, lines: list[str]) -> None:
    assert read_all(lines_of(text)) == lines


def test_a_character_may_come_in_parts() -> None:
    chunks = Lines(Trickle("ä€😀\nö\n".encode()), "in.txt").chunks(as_it_is)
    assert list(chunks) == [["ä€😀"], ["ö"]]


def test_a_line_is_there_before_the_next_is_sent() -> None:
    reading, writing = os.pipe()
    with open(reading, "rb") as stream, open(writing, "wb", buffering=0) as sender:
        chunks = Lines(stream, "pipe").chunks(as_it_is)
        sender.write(b"first\nand sec")
        assert next(chunks) == ["first"]
        sender.write(b"ond\nthird\n")
        assert next(chunks) == ["and second", "third"]
        sender.close()
        assert list(chunks) == []


def test_lines_longer_than_what_is_read_at_once_stay_whole() -> None:
    texts = ["x" * READ_BYTES * 3, "", "y" * READ_BYTES, "z"]
    assert read_all(lines_of("\n".join(texts).encode())) == texts


def test_a_long_text_comes_in_parts() -> None:
    stream = BytesIO(b"a line of text\n" * READ_BYTES)
    lines = Lines(stream, "in.txt")
    chunks = lines.chunks(as_it_is)
    first = next(chunks)
    assert 0 < len(first) * 15 <= stream.tell() == lines.position() == READ_BYTES
    assert len(first) + sum(map(len, chunks)) == READ_BYTES


def test_a_gpu_gets_more_lines_at_once() -> None:
    lines = Lines(BytesIO(b"a line of text\n" * READ_BYTES), "text")
    lines.larger = 4
    assert 3 * READ_BYTES < 15 * len(next(lines.chunks(lambda _, text: text))) <= 4 * READ_BYTES


@pytest.mark.parametrize("stream", [BytesIO, Trickle])
def test_invalid_text_is_named_after_all_that_is_good(stream: type[BytesIO]) -> None:
    chunks = Lines(stream(b"a\nb\nc\xffd\ne\n"), "in.txt").chunks(as_it_is)
    good: list[str] = []
    with pytest.raises(ValueError, match=r"in.txt:3: not valid UTF-8 .*0xff at offset 5\b.*iconv"):
        good.extend(line for chunk in chunks for line in chunk)
    assert good == ["a", "b"]


def test_what_the_reader_refuses_is_named_after_all_that_is_good() -> None:
    lines = lines_of(b"1\n2\nthree\n4\n")
    chunks = lines.chunks(lambda _, line: int(line))
    assert next(chunks) == [1, 2]
    with pytest.raises(ValueError, match=r"^in.txt:3: invalid literal"):
        next(chunks)


@pytest.mark.parametrize("stream", [BytesIO, Trickle])
@pytest.mark.parametrize("count", range(5))
def test_skipping_leaves_the_rest_and_its_numbers(stream: type[BytesIO], count: int) -> None:
    lines = Lines(stream(TEXT.encode()), "in.txt")
    assert lines.skip(count) == ["", *LINES][count]
    rest = [item for chunk in lines.chunks(numbered) for item in chunk]
    assert rest == list(enumerate(LINES, start=1))[count:]


def test_no_more_can_be_skipped_than_there_is() -> None:
    with pytest.raises(ValueError, match=r"in\.txt has 4 lines, not 5"):
        lines_of(TEXT.encode()).skip(5)


@pytest.fixture(params=["in.txt", "in.txt.gz"])
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / str(request.param)
    data = TEXT.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def test_a_file_may_be_compressed(file: Path) -> None:
    with open_lines(str(file)) as lines:
        assert lines.size == file.stat().st_size
        assert read_all(lines) == LINES
        assert lines.position() == lines.size


def test_an_empty_file_has_no_lines(file: Path) -> None:
    file.write_bytes(b"")
    with open_lines(str(file)) as lines:
        assert read_all(lines) == []


@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda data: b"x" + data])
def test_damaged_gzip_is_said(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "in.gz"
    path.write_bytes(damage(gzip.compress(TEXT.encode())))
    with (
        open_lines(str(path)) as lines,
        pytest.raises(ValueError, match=r"in\.gz is not whole gzip"),
    ):
        read_all(lines)


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    with (
        pytest.raises(IsADirectoryError, match=f"{tmp_path} is a directory: name a file"),
        open_lines(str(tmp_path)),
    ):
        pass
    with pytest.raises(FileNotFoundError), open_lines(str(tmp_path / "nothing")):
        pass


def test_progress_changes_nothing_and_shows_on_terminals_only(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = lines_of(TEXT.encode())
    chunks: Iterator[list[str]] = with_progress(lines.chunks(as_it_is), lines, shown=True)
    assert [line for chunk in chunks for line in chunk] == LINES
    assert capsys.readouterr().err == ""
