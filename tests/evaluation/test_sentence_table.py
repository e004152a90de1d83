from typing import Any

import numpy as np
import pytest

from nmt.evaluation.bootstrap import Bootstrap
from nmt.evaluation.recipe import Scoring
from nmt.evaluation.sentence_table import SentenceTable, TrainingWords, repeats_itself
from tests.evaluation.test_evaluation import evaluate

SOURCES = [
    "One cat. Two dogs! And more?",
    "A sentence of six words here.",
    "It was late; he slept. She did not.",
    "",
]
REFERENCES = ["Un chat.", "Une phrase.", "Il dormait. Elle non, elle veillait.", ""]
HYPOTHESES = ["un un un un un un", "Une phrase.", "a b c d " * 3, ""]
TRAINING = ["cat " * 10, "a sentence of six words here it was late he slept she did"] * 10


def counted(**changes: Any) -> SentenceTable:
    given: dict[str, Any] = {
        "system": "toy",
        "test_set": "test",
        "sources": SOURCES,
        "references": [REFERENCES],
        "hypotheses": HYPOTHESES,
        "scoring": Scoring(bootstrap=Bootstrap(samples=2)),
        "language": "en",
        **changes,
    }
    return evaluate(**given)[1]


def test_each_sentence_is_described_by_numbers() -> None:
    table = counted(
        hit_limit=[True, False, False, False], training_words=TrainingWords(iter(TRAINING))
    )
    numbers = {name: column.tolist() for name, column in table.numbers.items()}
    assert numbers == {
        "source_words": [6, 6, 8, 0],
        "reference_words": [2, 2, 6, 0],
        "hypothesis_words": [6, 2, 12, 0],
        "source_length": [6, 6, 8, 0],
        "reference_length": [2, 2, 6, 0],
        "sentences": [3, 1, 2, 0],
        "rare": [84, 0, 13, 0],  # one, two, dogs, and, more of 6; not of 8
        "unseen": [84, 0, 13, 0],
        "hit_limit": [1, 0, 0, 0],
        "repeats": [1, 0, 1, 0],
        "reference_repeats": [0, 0, 0, 0],
    }
    assert all(column.dtype == np.int32 for column in table.numbers.values())


def test_a_rare_word_has_been_seen_under_ten_times() -> None:
    words = TrainingWords(["old " * 9, "new " * 10])
    assert words.shares("Old, new") == (50, 0)
    assert words.shares("old new strange") == (67, 34)
    assert words.shares("new " * 200 + "strange") == (1, 1)  # rounded up: 0 is none
    assert words.shares("... !") == (0, 0)


@pytest.mark.parametrize(
    ("text", "repeats"),
    [
        ("a b c d x a b c d y a b c d", True),
        ("a b c d x a b c d", False),
        ("a a a a a a", True),
        ("a a a a a", False),
        ("a b c a b c a b c", False),
        ("", False),
    ],
)
def test_what_repeats_itself(text: str, repeats: bool) -> None:
    assert repeats_itself(text.split()) == repeats


def parts(table: SentenceTable, *cut: Any) -> dict[str, list[int]]:
    return {part.label: inside.tolist() for part, inside in table.divided(*cut)}


def test_sentences_are_divided_in_every_way() -> None:
    table = counted(labels=["news", "book", "news", "talk"], training_words=TrainingWords(TRAINING))
    assert parts(table, "length", "source", (7,)) == {"0-6": [0, 1, 3], "7+": [2]}
    assert parts(table, "length", "reference", (2, 3)) == {"0-1": [3], "2": [0, 1], "3+": [2]}
    assert parts(table, "sentences", "source") == {"0-1": [1, 3], "2+": [0, 2]}
    assert parts(table.select([0, 1, 2]), "sentences", "source") == {"1": [1], "2+": [0, 2]}
    rare = parts(table, "rare", "source")
    assert rare == {"0": [1, 3], "1-5": [], "6-10": [], "11-20": [2], "21+": [0]}
    assert parts(table, "label", "source") == {"book": [1], "news": [0, 2], "talk": [3]}


def test_quantiles_hold_about_as_many_sentences_each() -> None:
    lengths = np.random.default_rng(0).integers(1, 80, size=1000)
    table = counted()
    rows = table.select(np.zeros(1000, int))
    table = SentenceTable(statistics=rows.statistics, numbers={"source_length": lengths})
    sizes = [len(inside) for _, inside in table.divided("length", "source", (), 4)]
    assert sum(sizes) == 1000 and all(220 < size < 280 for size in sizes)
    same = SentenceTable(statistics=rows.statistics, numbers={"source_length": lengths * 0 + 5})
    with pytest.raises(ValueError, match="quantiles=4 finds no edge"):
        same.divided("length", "source", (), 4)


@pytest.mark.parametrize(
    ("by", "changes", "said"),
    [
        ("rare", {}, "train_text=FILE"),
        ("label", {}, "labels=FILE"),
        ("sentences", {"sources": None}, "sources="),
        ("length", {"sources": None}, "side=reference"),
    ],
)
def test_what_is_not_known_is_said(by: str, changes: dict[str, Any], said: str) -> None:
    scoring = Scoring(side="reference", bootstrap=Bootstrap(samples=2))
    table = counted(scoring=scoring, **changes)
    with pytest.raises(ValueError, match=f"by={by} .*{said}"):
        table.divided(by, "source")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"by": "colour"}, "by must be one of length, sentences, rare, unseen, label"),
        ({"quantiles": 1}, "quantiles must lie between 2 and 1,000, got 1"),
        ({"quantiles": 3, "edges": (5,)}, "edges= has no meaning beside quantiles="),
        ({"by": "label", "edges": (5,)}, "edges= has no meaning"),
        ({"by": "label", "quantiles": 2}, "by=label has no quantiles"),
        ({"by": "rare", "edges": (5, 5)}, "edges must rise"),
    ],
)
def test_cuts_that_cannot_be_made_are_named(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Scoring(**options)
