"""Subtitles: only the text of cues changes, and no text makes another cue."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.translator.stand_ins import (
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

SRT = """\ufeff1
00:00:01,000 --> 00:00:03,500
The old man who lives
in the village

2
00:00:03,500 --> 00:00:05,000
did not give the book to his sister.

3
00:00:06,000 --> 00:00:08,000
- You sold the apples.
- The cat sleeps.

4
00:00:09,000 --> 00:00:10,000 X1:10 X2:20
{\\an8}<i>The dog sees the house</i>
<i>and the green garden.</i>

5
00:00:11,000 --> 00:00:12,000
The <b>red</b> cat sleeps and 3 --> 2 run.

6
00:00:13,000 --> 00:00:14,000
42

7
00:00:15,000 --> 00:00:16,000
"""
VTT = """WEBVTT - a title

STYLE
::cue { color: blue }

NOTE The cat stays
as it is

intro
00:01.000 --> 00:03.000 position:10% align:start
<v Mary>The cat &amp; the dog sleep
in the <c.loud>green</c> garden.

text of no cue

00:04.000 --> 00:05.000

00:06.000 --> 00:07.000
He runs <00:06.500>home."""
TIMES = re.compile(r"^(?:\d+\n)?\S+ --> .*$", re.MULTILINE)
ODD = [
    "\n",
    "\r\n",
    "\n\n",
    "\u2028",
    "\0",
    " ",
    "1\n00:00:01,000 --> 00:00:02,000",
    "<i>",
    "</",
    "&",
]
TEXTS = st.lists(st.sampled_from(ODD) | st.text(max_size=9), max_size=6).map("".join)


@pytest.mark.parametrize(("name", "content"), [("a.srt", SRT), ("a.vtt", VTT), ("a.srt", "")])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_its_own_text_gives_the_file_again(
    name: str, content: str, ending: str, encoding: str
) -> None:
    data = content.removeprefix("\ufeff").replace("\n", ending).encode(encoding)
    assert translated(data, name, same) == (data, 0)


def test_what_is_one_text() -> None:
    assert texts_of(SRT.encode(), "a.srt") == [
        "The old man who lives in the village did not give the book to his sister.",
        *("- You sold the apples.", "- The cat sleeps."),
        "The dog sees the house and the green garden.",
        "The <g1>red</g1> cat sleeps and 3 --> 2 run.",
    ]
    assert texts_of(VTT.encode(), "a.vtt") == [
        "The cat & the dog sleep in the <g1>green</g1> garden.",
        "He runs <x1/>home.",
    ]


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_exactly_the_texts_change(ending: str) -> None:
    said = [
        *("The old man who lives", "in the village", "did not give the book to his sister."),
        *("You sold the apples.", "The cat sleeps.", "The dog sees the house"),
        *("and the green garden.", "The <b>", "red", " cat sleeps and 3 --> 2 run."),
        *("The cat &amp; the dog sleep", "in the <", ">green<", "> garden.", "He runs", "home."),
    ]
    for name, content, tagged in (("a.srt", SRT, 1), ("a.vtt", VTT, 2)):
        expected = content
        for text in said:
            upper = text.upper().replace("&AMP;", "&amp;").replace("<B>", "<b>")
            expected = expected.replace(text, upper)
        for translate, lost in ((capitals, 0), (careless, tagged)):
            data, damaged = translated(content.replace("\n", ending).encode(), name, translate)
            assert data.decode() == expected.replace("\n", ending)
            assert damaged == lost


def test_each_voice_says_its_own_text() -> None:
    content = "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Mary>The cat\nsleeps.\n<v.loud Bob>Yes.</v>"
    assert texts_of(content.encode(), "a.vtt") == ["The cat sleeps.", "Yes."]
    data, _ = translated(content.encode(), "a.vtt", capitals)
    assert data.decode().endswith("<v Mary>THE CAT\nSLEEPS.\n<v.loud Bob>YES.</v>")


def test_words_may_move_before_and_behind_a_pair() -> None:
    head = "1\r\n00:00:01,000 --> 00:00:02,000 X1:10\r\n"
    for cue, wanted in (
        ("<i>Red</i> cats", "Chats <i>rouges</i>"),
        ("{\\an8}<i>Red</i>\r\ncats", "{\\an8}Chats\r\n<i>rouges</i>"),
        ("cats <i>red</i>", "<i>rouges</i> chats"),
        ("<b>cats <i>red</i></b>", "<b><i>rouges</i> chats</b>"),
    ):
        data, lost = filled((head + cue).encode(), "a.srt", reordered)
        assert (data.decode(), lost) == (head + wanted, 0)


def test_lines_are_as_many_and_even() -> None:
    made = "Le chien voit la maison et il voit aussi tout le grand jardin vert."
    cue = "1\n00:00:01,000 --> 00:00:02,000\n{}\n"
    for count in (1, 2, 3):
        lines = [f"The dog sees {number}" for number in range(count)]
        data, _ = translated(cue.format("\n".join(lines)).encode(), "a.srt", always(made))
        broken = data.decode().splitlines()[2:]
        assert " ".join(broken) == made
        assert len(broken) == count
        assert max(map(len, broken)) <= len(made) / count + 6


def test_a_sentence_gives_each_cue_its_share() -> None:
    made = "Le vieil homme qui habite ici n'a pas donné le livre à sa sœur."
    content = SRT.replace("did not give the book to his sister.", "did not give it.")
    data, _ = translated(content.encode(), "a.srt", always(made))
    first, second = data.decode().split("\n\n")[:2]
    lines = first.splitlines()[2:], second.splitlines()[2:]
    assert [len(each) for each in lines] == [2, 1]
    assert " ".join([*lines[0], *lines[1]]) == made
    assert len(" ".join(lines[0])) > 2 * len(lines[1][0])


def test_one_word_for_a_sentence_stands_in_all_its_cues() -> None:
    data, _ = translated(SRT.encode(), "a.srt", always("Oui"))
    assert data.decode().splitlines().count("Oui") == 2 + 2, "of two cues, and of two speakers"
    assert TIMES.findall(data.decode()) == TIMES.findall(SRT)


def test_without_spaces_between_words() -> None:
    content = b"1\n00:00:01,000 --> 00:00:02,000\nThe cat\nsleeps.\n"
    translate = always("猫は庭で寝ています。")
    after, _ = translated(content, "a.srt", translate, tgt_lang="ja")
    lines = after.decode().splitlines()[2:]
    assert "".join(lines) == "猫は庭で寝ています。"
    assert [len(line) for line in lines] == [5, 5]


@example(["1\n00:00:01,000 --> 00:00:02,0001\n00:00:01,000 --> 00:00:02,000"])
@given(texts=st.lists(TEXTS, min_size=1, max_size=4))
def test_no_text_makes_or_loses_a_cue(texts: list[str]) -> None:
    for name, content in (("a.srt", SRT), ("a.vtt", VTT)):
        data, _ = translated(content.encode(), name, always(*texts))
        after = data.decode()
        assert TIMES.findall(after) == TIMES.findall(content)
        assert translated(data, name, same) == (data, 0)


@given(content=st.lists(st.sampled_from([*SRT.splitlines(True), *ODD]), max_size=12).map("".join))
def test_any_text_is_read_or_refused(content: str) -> None:
    for name, data in (("a.srt", content), ("a.vtt", f"WEBVTT\n\n{content}")):
        assert read_or_refused(data.encode(), name, same) in (data.encode(), None)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.srt", VTT.encode(), "a.srt is WebVTT: name it .vtt"),
        ("a.vtt", SRT.encode(), "a.vtt does not begin with WEBVTT"),
        ("a.srt", b"The cat sleeps.\n", "a.srt has no times of subtitles, such as 00:00:01,000"),
        ("a.srt", "1\n00:01 --> 00:02\né".encode("cp1252"), "a.srt is not valid UTF-8 .*iconv"),
        ("a.srt", b"PK\0\0", "a.srt is no text"),
    ],
)
def test_what_is_refused(name: str, content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        texts_of(content, name)
