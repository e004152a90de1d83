"""Every rule drops what it says and nothing else, and the counts add up."""

import json
import random

import pytest

from nmt.data.cleaning import RULES, CleaningReport, CleaningRules
from nmt.data.text_files import SentencePair
from tests.data.fake import built, clean


def pairs(*texts: tuple[str, str]) -> list[SentencePair]:
    return [SentencePair(*text) for text in texts]


def good(count: int) -> list[SentencePair]:
    """Pairs no rule objects to, about as long on either side."""
    return pairs(*((f"ein Satz, Nummer {n}", f"a sentence, number {n}") for n in range(count)))


def dropped(report: CleaningReport) -> dict[str, int]:
    return {rule: count for rule, count in report.dropped.items() if count}


@pytest.mark.parametrize("bad", [("", "a"), ("a", ""), ("", ""), (" \t\u3000", "a")])
def test_a_pair_with_an_empty_side_goes(bad: tuple[str, str]) -> None:
    kept, report = clean([*good(2), SentencePair(*bad)], CleaningRules(), [])
    assert kept == good(2)
    assert dropped(report) == {"empty": 1}


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize(("text", "unit"), [("x ", "max_words"), ("語", "max_characters")])
def test_only_a_pair_over_a_limit_is_too_long(side: int, text: str, unit: str) -> None:
    sides = [text * 10, text * 10]
    sides[side] = text * 11
    at_limit, over = pairs((text * 10, text * 10), (sides[0], sides[1]))
    kept, report = clean([at_limit, over], CleaningRules(**{unit: 10}), [])
    assert kept == [at_limit]
    assert dropped(report) == {"too_long": 1}


@pytest.mark.parametrize("swap", [False, True])
def test_a_side_far_from_its_expected_length_goes(swap: bool) -> None:
    bad = SentencePair("@@", "A sentence that has nothing to do with the other side of the pair.")
    corpus = [*good(50), bad]
    if swap:
        corpus = [SentencePair(pair.tgt, pair.src) for pair in corpus]
    kept, report = clean(corpus, CleaningRules(max_ratio=3.0), [])
    assert kept == corpus[:-1]
    assert dropped(report) == {"length_ratio": 1}


def test_the_length_ratio_follows_the_corpus() -> None:
    """One side of scarce characters, as of English and Chinese, is no reason to drop anything."""
    rng = random.Random(1)
    corpus = [SentencePair("word " * n, "語" * n) for n in (rng.randint(2, 60) for _ in range(200))]
    rules = CleaningRules(max_ratio=2.0, drop_duplicates=False)
    kept, report = clean([*corpus, SentencePair("word " * 40, "語" * 2)], rules, [])
    assert kept == corpus
    assert dropped(report) == {"length_ratio": 1}


def test_short_sentences_may_differ_in_length() -> None:
    corpus = [*good(50), *pairs(("Ja.", "Yes, of course."), ("Selbstverständlich.", "OK."))]
    assert clean(corpus, CleaningRules(max_ratio=1.0), [])[0] == corpus


def test_of_equal_pairs_the_first_stays() -> None:
    first, other = pairs(("a b", "c d"), ("a b", "c d e"))
    kept, report = clean([first, other, first, first], CleaningRules(), [])
    assert kept == [first, other]
    assert dropped(report) == {"duplicate": 2}
    off = CleaningRules(drop_duplicates=False)
    assert clean([first, other, first, first], off, [])[0] == [first, other, first, first]


@pytest.mark.parametrize(
    ("held_out", "held"),
    [
        (("ein Satz, Nummer 1", "other"), True),
        (("other", "a sentence, number 1"), True),
        (("  ein Satz, Nummer 1\t", "other"), True),
        (("Ein Satz, Nummer 1", "other"), False),
        (("ein Satz", "a sentence"), False),
        (("a sentence, number 1", "ein Satz, Nummer 1"), False),
        (("", ""), False),
    ],
)
def test_what_is_tested_is_not_trained_on(held_out: tuple[str, str], held: bool) -> None:
    rest = [good(3)[0], good(3)[2]]
    kept, report = clean(good(3), CleaningRules(), pairs(held_out))
    assert kept == (rest if held else good(3))
    assert dropped(report) == ({"held_out": 1} if held else {})
    assert clean(good(3), CleaningRules(drop_held_out=False), pairs(held_out))[0] == good(3)


def test_kept_pairs_are_unchanged_and_in_order() -> None:
    corpus = pairs((" zwei  Wörter ", "\ttwo words"), ("…ﬁ½", "x\u2028y"), ("A", "a"))
    assert clean(corpus, CleaningRules(), [])[0] == corpus


def test_counts_add_up_and_the_first_rule_has_a_pair() -> None:
    long = "x " * 30
    corpus = [
        *good(20),
        *pairs(("", long), (long, "short"), (long, "short"), ("y" * 70, "y"), ("y" * 70, "y")),
        *good(3),
    ]
    kept, report = clean(corpus, CleaningRules(max_words=20, max_ratio=2.0), good(1))
    assert report.dropped == {
        "not_text": 0,
        "empty": 1,
        "too_long": 2,
        "language": 0,
        "length_ratio": 2,
        "duplicate": 3,
        "held_out": 1,
        "copy": 0,
    }
    assert report.total == len(corpus)
    assert report.kept == len(kept) == 19


def test_cleaning_twice_drops_nothing_more() -> None:
    rules = CleaningRules(max_words=8, max_ratio=1.5)
    rng = random.Random(2)
    corpus = [SentencePair("s " * rng.randint(0, 9), "t " * rng.randint(0, 9)) for _ in range(300)]
    kept, first = clean(corpus, rules, [])
    assert 0 < len(kept) < len(corpus)
    again, second = clean(kept, rules, [])
    assert again == kept
    assert dropped(second) == {}
    assert first.kept == second.total


def test_the_report_names_every_rule_with_its_count() -> None:
    _, report = clean([*good(2000), *good(1200)], CleaningRules(), good(1))
    assert list(report.dropped) == list(RULES)
    text = report.lines()
    assert "3,200 training pairs" in text[0]
    for line, (rule, count) in zip(text[1:-1], report.dropped.items(), strict=True):
        assert line.split()[:3] == [f"{count:,}", "dropped:", rule]
    assert text[-1].split() == ["1,999", "kept"]
    saved = json.loads(json.dumps(report.as_dict()))
    assert saved["dropped"] == report.dropped
    assert saved["total"] == saved["kept"] + sum(saved["dropped"].values())
    assert saved["rules"]["max_ratio"] == CleaningRules().max_ratio


@pytest.mark.parametrize("rows", [[], [("", "a"), ("b", "")], [(None, None)]])
def test_nothing_left_is_an_error_that_says_why(rows: list[tuple[object, object]]) -> None:
    with pytest.raises(ValueError, match="no training pair") as error:
        clean(rows, CleaningRules(), [])
    assert f"{len(rows)} training pairs read" in str(error.value)


@pytest.mark.parametrize("value", [None, 3, 2.5, True, b"bytes", ["a"], {"a": "b"}, "half \ud83d"])
@pytest.mark.parametrize("side", [0, 1])
def test_what_is_no_text_goes_and_its_place_is_told(value: object, side: int) -> None:
    bad = ("a", value) if side else (value, "a")
    kept, report = clean([*good(2), bad, *good(3)[2:], *[bad] * 5], CleaningRules(), [])
    assert kept == good(3)
    assert dropped(report) == {"not_text": 6}
    assert report.not_text_at == ["fake:3", "fake:5", "fake:6"]


def test_words_that_other_readers_take_for_missing_stay() -> None:
    words = pairs(("NA", "null"), ("None", "nan"), ('"quoted', "a\tb"), ("\ufeffx", "\x00y\r"))
    assert clean(words, CleaningRules(), [])[0] == words


def test_a_line_break_becomes_a_space() -> None:
    rows = [("a\nb", "c"), ("d", "e\r\nf"), ("g\rh", "i\u2028j"), ("\n", "k")]
    kept, report = clean(rows, CleaningRules(), [])
    assert kept == pairs(("a b", "c"), ("d", "e f"), ("g\rh", "i\u2028j"))
    assert report.line_breaks == 3
    assert report.lines()[1].strip() == "3 with a line break that became a space"
    assert dropped(report) == {"empty": 1}
    assert not clean(good(2), CleaningRules(), [])[1].line_breaks


def test_a_pair_turned_round_is_no_repetition() -> None:
    both = pairs(("a", "b"), ("b", "a"), ("a", "a"), ("b", "b"))
    assert clean(both, CleaningRules(), [])[0] == both


def test_more_than_a_batch_is_cleaned_as_one_corpus() -> None:
    """Over the borders of what is looked at together, nothing is lost or kept twice."""
    corpus = good(20_000)
    kept, report = clean([*corpus, *corpus[::-1]], CleaningRules(), corpus[5:6])
    assert kept == corpus[:5] + corpus[6:]
    assert dropped(report) == {"duplicate": 20_000, "held_out": 1}


def test_drawn_pairs_leave_the_training_pairs() -> None:
    parts, report = built(good(500), CleaningRules(), good(3), {"valid": 50, "tests.a": 20})
    assert [len(parts[part]) for part in ("train", "valid", "tests.a")] == [427, 50, 20]
    everything = [pair for part in parts.values() for pair in part]
    assert sorted(everything) == sorted(good(500)[3:])
    assert report.drawn == {"valid": 50, "tests.a": 20}
    assert (report.total, report.kept) == (500, 427)
    assert "50 drawn: valid" in "\n".join(report.lines())


def test_what_is_drawn_is_decided_by_content_alone() -> None:
    corpus = good(400)
    shuffled = random.Random(3).sample(corpus, len(corpus))
    turned = [(tgt, src) for src, tgt in corpus]
    drawn = set(built(corpus, CleaningRules(), (), {"valid": 30})[0]["valid"])
    assert set(built(shuffled, CleaningRules(), (), {"valid": 30})[0]["valid"]) == drawn
    other_way = built(turned, CleaningRules(), (), {"valid": 30})[0]["valid"]
    assert {(src, tgt) for tgt, src in other_way} == drawn
    fewer = set(built(corpus, CleaningRules(), (), {"valid": 10})[0]["valid"])
    assert fewer < drawn
    also = built(corpus, CleaningRules(), (), {"valid": 30, "tests.x": 30})[0]
    assert set(also["valid"]) == drawn and not drawn & set(also["tests.x"])


def test_drawn_pairs_are_held_out() -> None:
    """With one source in ten translations, drawing one of them holds out the other nine."""
    corpus = pairs(*((f"quelle {n % 10}", f"a target with number {n}") for n in range(100)))
    parts, report = built(corpus, CleaningRules(), (), {"valid": 1})
    ((held, _),) = parts["valid"]
    assert parts["train"] == [pair for pair in corpus if pair.src != held]
    assert dropped(report) == {"held_out": 9}
    off = built(corpus, CleaningRules(drop_held_out=False), (), {"valid": 1})[0]
    assert len(off["train"]) == 99


def test_of_equal_pairs_no_two_are_drawn() -> None:
    rules = CleaningRules(drop_duplicates=False)
    with pytest.raises(ValueError, match="no training pair"):  # all others repeat what was drawn
        built(good(10) * 5, rules, (), {"valid": 10})
    parts, _ = built(good(10) * 5, rules, (), {"valid": 9})
    assert len(set(parts["valid"])) == 9
    assert len(parts["train"]) == 5


def test_more_cannot_be_drawn_than_there_are() -> None:
    with pytest.raises(ValueError, match=r"tests\.x=8: .* out of the 7"):
        built(good(10), CleaningRules(), (), {"valid": 3, "tests.x": 8})


@pytest.mark.parametrize(
    ("option", "value"),
    [("max_words", 0), ("max_words", 2.5), ("max_characters", -1), ("max_ratio", 0.5)],
)
def test_values_out_of_range_are_refused(option: str, value: float) -> None:
    with pytest.raises(ValueError, match=rf"{option} must be .*{value}"):
        CleaningRules(**{option: value})
