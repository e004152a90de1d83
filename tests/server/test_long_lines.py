"""What of a plain text is translated, and that nothing else of it changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmt.server.long_lines import PlainText


@given(st.text())
def test_plain_text_comes_back(text: str) -> None:
    layout = PlainText(text)
    assert layout.filled(layout.texts) == text
    assert all(line and line == line.strip() and "\n" not in line for line in layout.texts)


@pytest.mark.parametrize(
    ("text", "lines", "filled"),
    [
        ("\ufeffone\r\n\n two \x85three", ["one", "two", "three"], "\ufeff1\r\n\n 2 \x853"),
        ("a a\u2028a", ["a a", "a"], "1\u20282"),
        (" \n\ufeff\n", [], " \n\ufeff\n"),
    ],
)
def test_lines_change_and_all_between_them_stays(text: str, lines: list[str], filled: str) -> None:
    layout = PlainText(text)
    assert layout.texts == lines
    assert layout.filled([str(number) for number, _ in enumerate(lines, 1)]) == filled
