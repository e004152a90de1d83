import os
from collections.abc import Iterator
from io import BytesIO

import pytest

from nmt.assembly.translating import line_chunks, write
from nmt.translator import Translation


def test_lines_are_cut_as_files_are_read() -> None:
    text = "\ufeffone\r\n\n  two \u2028 still two\x0c\rstill\nthree"
    lines = [line for chunk in line_chunks(BytesIO(text.encode())) for line in chunk]
    assert lines == ["one", "", "  two \u2028 still two\x0c\rstill", "three"]


@pytest.mark.parametrize(("text", "lines"), [(b"", []), (b"\n", [""]), (b"a", ["a"])])
def test_a_line_for_each_line(text: bytes, lines: list[str]) -> None:
    assert [line for chunk in line_chunks(BytesIO(text)) for line in chunk] == lines


class Trickle(BytesIO):
    """Gives one byte at a time, as a slow sender may."""

    def read1(self, size: int | None = -1, /) -> bytes:
        return super().read1(1)


def test_a_character_may_come_in_parts() -> None:
    chunks = list(line_chunks(Trickle("ä€😀\nö\n".encode())))
    assert chunks == [["ä€😀"], ["ö"]]


def test_a_line_is_there_before_the_next_is_sent() -> None:
    reading, writing = os.pipe()
    with open(reading, "rb") as stream, open(writing, "wb", buffering=0) as sender:
        chunks = line_chunks(stream)
        sender.write(b"first\nand sec")
        assert next(chunks) == ["first"]
        sender.write(b"ond\nthird\n")
        assert next(chunks) == ["and second", "third"]
        sender.close()
        assert list(chunks) == []


def test_invalid_text_is_named_after_all_that_is_good() -> None:
    chunks = line_chunks(Trickle(b"a\nb\nc\xffd\ne\n"))
    assert [next(chunks), next(chunks)] == [["a"], ["b"]]
    with pytest.raises(ValueError, match=r"standard input, line 3: not valid UTF-8 \(byte 0xff\)"):
        next(chunks)
    chunks = line_chunks(BytesIO(b"a\nb\nc\xffd\ne\n"))
    assert next(chunks) == ["a", "b"]
    with pytest.raises(ValueError, match="line 3"):
        next(chunks)


def test_output_is_flushed_chunk_by_chunk_and_cuts_are_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stream = BytesIO()

    def translations() -> Iterator[list[Translation]]:
        yield [Translation(text="eins", score=0.0, tokens=1, hit_limit=False)]
        assert stream.getvalue() == b"eins\n"
        yield [
            Translation(text="", score=0.0, tokens=0, hit_limit=False),
            Translation(text="dr\u00e4i", score=0.0, tokens=9, hit_limit=True),
        ]

    write(translations(), stream)
    assert stream.getvalue().decode() == "eins\n\ndr\u00e4i\n"
    assert "1 of 3 translations" in caplog.text
