"""Every rule drops what it says and nothing else, and the counts add up."""

import json
import random

import pytest

from nmt.corpus import CleaningReport, CleaningRules, SentencePair, clean


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
        "empty": 1,
        "too_long": 2,
        "length_ratio": 2,
        "duplicate": 3,
        "held_out": 1,
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
    text = report.lines()
    assert "3,200 training pairs" in text[0]
    for line, (rule, count) in zip(text[1:-1], report.dropped.items(), strict=True):
        assert line.split()[:3] == [f"{count:,}", "dropped:", rule]
    assert text[-1].split() == ["1,999", "kept"]
    saved = json.loads(json.dumps(report.as_dict()))
    assert saved["dropped"] == report.dropped
    assert saved["total"] == saved["kept"] + sum(saved["dropped"].values())
    assert saved["rules"]["max_ratio"] == CleaningRules().max_ratio


def test_no_pairs_are_no_trouble() -> None:
    assert clean([], CleaningRules(), good(1))[0] == []
    assert clean(pairs(("", "a"), ("", "b")), CleaningRules(), [])[0] == []


@pytest.mark.parametrize(
    ("option", "value"),
    [("max_words", 0), ("max_words", 2.5), ("max_characters", -1), ("max_ratio", 0.5)],
)
def test_values_out_of_range_are_refused(option: str, value: float) -> None:
    with pytest.raises(ValueError, match=rf"data\.cleaning\.{option} must be .*{value}"):
        CleaningRules(**{option: value})
