import random

import pytest

from nmt.text.spans import Protection
from nmt.translator.parts import Cutting, Part, join, parts
from nmt.translator.translation import FLAGS, Alternative, Translation


def words(text: str) -> int:
    return len(text.split())


def texts(line: str, most: int, count=words) -> list[str]:
    return [part.text for part in parts(line, count, most)]


@pytest.mark.parametrize(
    ("line", "cut"),
    [
        ("a b c. D e, f g.", ["a b c.", "D e, f g."]),
        ("a b c! D, e, f g.", ["a b c!", "D, e, f g."]),
        ('a b "c." D, e, f g.', ['a b "c."', "D, e, f g."]),
        ("a b c d e.g. f, g h", ["a b c d e.g. f,", "g h"]),
        ("a b; c d e f g h", ["a b;", "c d e f g h"]),
        ("a b 1,000 d e f 2.5 h", ["a b 1,000", "d e f 2.5 h"]),
        ("a  b \t c d e f g h ", ["a  b \t c", "d e f g h"]),
    ],
)
def test_sentence_ends_come_before_clause_ends_and_these_before_spaces(
    line: str, cut: list[str]
) -> None:
    assert texts(line, 6) == cut


@pytest.mark.parametrize(
    ("line", "cut"),
    [
        ("我喜欢\uff0c红猫。他喜欢蓝狗。", ["我喜欢\uff0c红猫。", "他喜欢蓝狗。"]),
        ("「我喜欢红猫。」他喜欢蓝狗", ["「我喜欢红猫。」", "他喜欢蓝狗"]),
        ("我喜欢红猫、他喜欢蓝狗", ["我喜欢红猫、", "他喜欢蓝狗"]),
        ("我喜欢红猫他喜欢蓝狗", ["我喜欢红猫", "他喜欢蓝狗"]),
    ],
)
def test_languages_without_spaces_are_cut_at_their_own_ends(line: str, cut: list[str]) -> None:
    assert texts(line, 8, len) == cut


def test_parts_are_even() -> None:
    sizes = [words(text) for text in texts(" ".join("x" * 130), 60)]
    assert len(sizes) == 3 and max(sizes) - min(sizes) <= 1
    sentences = texts(" ".join(["A b c d e."] * 8), 20)
    assert [words(text) for text in sentences] == [20, 20]


def test_a_short_sentence_at_the_edge_is_no_reason_to_cut_there() -> None:
    assert words(texts("Mr. " + "x " * 59, 40)[0]) > 20


@pytest.mark.parametrize("seed", range(40))
def test_nothing_but_white_space_is_lost_and_no_part_is_too_long(seed: int) -> None:
    generator = random.Random(seed)
    letters = "aab.,!? \u3002\uff0c\t  \u3000\u00e9\U0001f600-'"
    line = "".join(generator.choices(letters, k=generator.randint(1, 300)))
    most = generator.randint(1, 40)
    cut = parts(line, len, most)
    assert "".join("".join(part.text for part in cut).split()) == "".join(line.split())
    for part in cut:
        assert line[part.start :].startswith(part.text)
        assert part.text == part.text.strip() != ""
        assert len(part.text) == part.tokens <= most


def test_a_character_is_never_cut() -> None:
    line = "e\u0301" * 9 + "\U0001f469\u200d\U0001f680" * 9
    for text in texts(line, 7, len):
        assert not text.startswith(("\u0301", "\u200d", "\U0001f680"))
    assert texts("\u00e9\u00e9", 1, lambda text: len(text.encode())) == ["\u00e9", "\u00e9"]


def test_a_very_long_line() -> None:
    cut = parts("word " * 10_000, words, 50)
    assert max(part.tokens for part in cut) <= 50 and len(cut) < 300
    assert len(parts("!" * 10_000, len, 50)) < 300


def cut(
    line: str, sentences: str = "auto", most: int | None = 1, usual: int | None = 20
) -> list[str]:
    cutting = Cutting("en", sentences, most, usual, None if usual is None else 2 * usual)
    found = cutting(line, words(line), words)
    for part in found:
        assert line[part.start : part.end] == part.text and part.tokens == words(part.text)
    assert "".join("".join(part.text for part in found).split()) == "".join(line.split())
    return [part.text for part in found]


THREE = "He left.  Dr. Smith stayed!\tWhy?"


def test_a_line_of_more_sentences_than_in_training_is_cut_where_they_end() -> None:
    assert cut(THREE) == ["He left.", "Dr. Smith stayed!", "Why?"]
    assert cut("He left at ten o'clock.") == ["He left at ten o'clock."]
    assert cut(" \t ") == []


def test_a_line_of_no_more_sentences_than_in_training_is_left_whole() -> None:
    assert cut(THREE, most=3) == [THREE]
    assert cut(THREE, most=2) == ["He left.  Dr. Smith stayed!", "Why?"]
    assert cut(THREE, most=None) == [THREE]


def test_a_line_longer_than_nearly_all_in_training_is_cut_where_sentences_end() -> None:
    assert cut(THREE, most=3, usual=5) == ["He left.  Dr. Smith stayed!", "Why?"]
    assert cut(THREE, most=3, usual=2) == ["He left.", "Dr. Smith stayed!", "Why?"]


def test_a_sentence_longer_than_any_in_training_is_cut_within() -> None:
    long = "a b c d e f, " * 8
    assert cut(long, usual=30) == [long.strip()]  # a sentence of training was as long
    assert max(map(words, cut(long, usual=10))) <= 10


def test_split_cuts_at_every_end_and_line_never() -> None:
    assert cut(THREE, "split", most=3) == ["He left.", "Dr. Smith stayed!", "Why?"]
    assert cut(THREE, "split", most=None, usual=None) == ["He left.", "Dr. Smith stayed!", "Why?"]
    assert cut(THREE, "line") == [THREE]


def test_a_line_break_ends_a_sentence() -> None:
    assert cut("a heading\nHe left.", most=3) == ["a heading", "He left."]


def test_what_is_cut_once_more_falls_into_sentences_or_else_halves() -> None:
    cutting = Cutting("en", "auto", 3, 40, 80)
    assert [one.text for one in cutting.smaller(THREE, 6, words)] == cut(THREE)
    long = "a b c d e f g h, " * 3
    assert [words(one.text) for one in cutting.smaller(long, 24, words)] == [8, 8, 8]
    assert len(cutting.smaller("too short to be cut", 5, words)) == 1


def joined_of(
    line: str, cut: list[Part], found: list[Translation], **languages: str
) -> Translation:
    return join(line, cut, found, **{"src_lang": "", "tgt_lang": ""} | languages)


LINE = "the cat, the dog"
CUT = [Part(0, "the cat,", 3), Part(9, "the dog", 1)]
FIRST = Translation("le chat", -1.0, 4, ("hit_limit",), ((0, 0), (1, 1)))
SECOND = Translation("le chien", -2.0, 2, (), ((0, 0), (1, 1)))


def test_parts_are_joined_to_one_translation() -> None:
    joined = joined_of(LINE, CUT, [FIRST, SECOND])
    assert joined.text == "le chat le chien"
    assert joined.score == pytest.approx((3 * -1.0 + 1 * -2.0) / 4)
    assert joined.tokens == 6
    assert joined.flags == ("hit_limit", "split")
    assert joined.flags == tuple(flag for flag in FLAGS if flag in joined.flags)
    assert joined.alignment == ((0, 0), (1, 1), (2, 2), (3, 3))
    assert joined.nbest == ()


def test_a_part_without_translation_leaves_no_gap() -> None:
    empty = Translation("", -3.0, 0, (), ())
    assert joined_of(LINE, CUT, [empty, SECOND]).text == "le chien"
    assert joined_of(LINE, CUT, [empty, SECOND]).alignment == ((2, 0), (3, 1))
    assert joined_of(LINE, CUT, [FIRST, empty]).text == "le chat"
    assert joined_of(LINE, CUT, [empty, empty]).text == ""


def test_a_word_cut_in_two_is_one_word() -> None:
    cut = [Part(0, "我喜欢", 3), Part(3, "猫 了", 3)]
    halves = [
        Translation("ab", 0.0, 1, (), ((0, 0),)),
        Translation("c d", 0.0, 1, (), ((0, 0), (1, 1))),
    ]
    assert joined_of("我喜欢猫 了", cut, halves, tgt_lang="zh").alignment == (
        *((0, 0), (0, 2), (1, 3)),  # by characters of the target
    )
    assert joined_of("我喜欢猫 了", cut, halves).alignment == ((0, 0), (0, 1), (1, 2))


def test_no_alignment_of_a_part_is_no_alignment() -> None:
    assert joined_of(LINE, CUT, [FIRST, Translation("x", 0.0, 1)]).alignment is None


def test_the_n_best_are_the_best_combinations() -> None:
    lists = [
        [Alternative("A", -1.0, 1), Alternative("B", -1.1, 1, ("repeats",))],
        [Alternative("x", -1.0, 1), Alternative("y", -1.2, 1)],
    ]
    found = [Translation(best[0].text, -1.0, 1, nbest=tuple(best)) for best in lists]
    joined = joined_of(LINE, CUT, found)
    every = sorted(
        ((3 * a.score + b.score) / 4, f"{a.text} {b.text}") for a in lists[0] for b in lists[1]
    )[::-1]
    assert [one.text for one in joined.nbest] == [text for _, text in every[:2]]
    assert [one.score for one in joined.nbest] == pytest.approx([score for score, _ in every[:2]])
    assert joined.text == joined.nbest[0].text
    assert joined.nbest[1].flags in (("split",), ("repeats", "split"))


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("<p>He sleeps.</p><p>She <b>runs</b></p>", ["<p>", "He sleeps.", "</p><p>"]),
        ("He sleeps.<br />She runs", ["He sleeps.", "<br />", "She runs"]),
        ("He sleeps.\\nShe runs.\\n", ["He sleeps.", "\\n", "She runs.", "\\n"]),
        ("He opens C:\\new\\name now", ["He opens C:\\new\\name now"]),
        ("A <preface> and <b>that</b>", ["A <preface> and <b>that</b>"]),
    ],
)
def test_markup_of_paragraphs_divides_sentences_and_stands_for_itself(
    text: str, cut: list[str]
) -> None:
    cutting = Cutting("en", "split", None, None, None, Protection().find)
    found = cutting(text, words(text), words)
    assert [part.text for part in found][: len(cut)] == cut
    kept = Cutting("en", "split", None, None, None)
    assert [part.text for part in kept("<p>He <br> runs</p>", 3, words)] == ["<p>He <br> runs</p>"]
    same = [Translation(part.text, 0.0, 1) for part in found]
    assert join(text, found, same, src_lang="en", tgt_lang="fr").text == text


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("12. He sleeps", ["12.", "He sleeps"]),
        ("\u2014 He sleeps", ["\u2014", "He sleeps"]),
        ("He sleeps.She runs!Yes", ["He sleeps.", "She runs!", "Yes"]),
        ("He sleeps.</b>She runs.{br}Yes", ["He sleeps.</b>", "She runs.{br}", "Yes"]),
        ("See www.The.com", ["See www.The.com"]),
        ("He sleeps.it", ["He sleeps.it"]),
    ],
)
def test_signs_in_front_and_stops_without_spaces_divide_what_was_translated_badly(
    text: str, cut: list[str]
) -> None:
    cutting = Cutting("en", "auto", 1, 40, 80, Protection().find)
    found = cutting.smaller(text, words(text), words)
    assert [part.text for part in found] == cut
    assert all(text[part.start : part.end] == part.text for part in found)


def test_parts_that_meet_within_a_word_give_it_one_confidence() -> None:
    line = "<p>He</p>"
    cut = [Part(0, "<p>", 1), Part(3, "He", 1), Part(5, "</p>", 1)]
    each = [("<p>", 1.0), ("Il dort", 0.5), ("</p>", 1.0)]
    made = [
        Translation(text, 0.0, 1, confidence=(value,) * len(text.split())) for text, value in each
    ]
    joined = join(line, cut, made, src_lang="en", tgt_lang="fr")
    assert joined.text == "<p>Il dort</p>" and joined.confidence == (0.5, 0.5)


def test_what_must_be_copied_is_not_cut() -> None:
    find = Protection().find
    text = 'so he wrote <a title="to his. My old friend">that</a> and went 1 000 000 miles'
    cut = [part.text for part in parts(text, words, 6, 0, find)]
    assert any('<a title="to his. My old friend">that</a>' in part for part in cut)
    assert len(cut) > 2 and any("1 000 000" in part for part in cut)
    assert len(Cutting("en", "split", None, None, None, find)(text, words(text), words)) == 1
