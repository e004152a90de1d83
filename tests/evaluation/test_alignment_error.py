import random
from pathlib import Path
from typing import Any

import pytest

from nmt.evaluation.alignment_error import Counts, GoldLinks, alignment_score, counts, read_gold
from nmt.evaluation.bootstrap import Bootstrap

# "la maison bleue" / "the blue house": la-the, maison-house, bleue-blue, by hand.
FRENCH_FIRST = "0-0 1-2 2p1\n"


def gold_file(path: Path, text: str) -> str:
    (path / "gold").write_text(text)
    return str(path / "gold")


def test_both_orders_and_both_bases_name_the_same_links(tmp_path: Path) -> None:
    """English to French: the index of a French-English file is turned."""
    wanted = [GoldLinks(frozenset({(0, 0), (2, 1)}), frozenset({(0, 0), (2, 1), (1, 2)}))]
    for text, base, order in (
        (FRENCH_FIRST, 0, "target-source"),
        ("0-0 2-1 1p2", 0, "source-target"),
        ("1-1 2-3 3p2\n", 1, "target-source"),
        ("1-1 3-2 2p3\n", 1, "source-target"),
    ):
        path = gold_file(tmp_path, text)
        assert read_gold(path, [(3, 3)], base=base, order=order) == wanted
    untouched = read_gold(gold_file(tmp_path, FRENCH_FIRST), [(3, 3)])
    assert untouched != wanted


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("0-0\n0-3\n", {}, "gold:2: '0-3' links word 3 of the target, whose words are 0 to 2"),
        ("0-0\n3p0\n", {}, "gold:2: '3p0' links word 3 of the source, whose words are 0 to 1"),
        ("0-0\n0-1\n", {"base": 1}, "gold:1: '0-0' links word 0 of the source, .* are 1 to 2"),
        ("0-0\n0-2\n", {"order": "target-source"}, "gold:2: '0-2' links word 2 of the source"),
        ("0-0\n0-x\n", {}, "gold:2: '0-x' is no link"),
        ("0-0\n0:1\n", {}, "gold:2: '0:1' is no link"),
        ("0-0\n\u0663-1\n", {}, "gold:2: '\u0663-1' is no link"),
        ("0-0\n", {}, "gold has 1 lines for 2 pairs"),
        ("0-0\n\n\n", {}, "gold has 3 lines for 2 pairs"),
        ("\n\n", {"base": 2}, "gold_base"),
        ("\n\n", {"order": "fr-en"}, "gold_order"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(
    tmp_path: Path, text: str, options: dict[str, Any], said: str
) -> None:
    (tmp_path / "gold").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=said):
        read_gold(str(tmp_path / "gold"), [(2, 3), (2, 3)], **options)


def test_is_what_och_and_ney_define() -> None:
    gold = GoldLinks(frozenset({(0, 0), (1, 1)}), frozenset({(0, 0), (1, 1), (1, 2), (2, 2)}))
    found = [(0, 0), (1, 2), (2, 0)]  # one sure, one possible, one wrong
    score = alignment_score([counts(found, gold)])
    assert score.precision == pytest.approx(100 * 2 / 3)
    assert score.recall == pytest.approx(100 * 1 / 2)
    assert score.error_rate == pytest.approx(100 * (1 - (1 + 2) / (3 + 2)))
    assert alignment_score([counts(sorted(gold.sure), gold)]).error_rate == 0
    assert alignment_score([counts(sorted(gold.possible), gold)]).error_rate == 0
    everywhere = GoldLinks(gold.sure, gold.sure)
    score = alignment_score([counts(found, everywhere)])  # without possible links, 1 - F
    assert score.precision is not None
    assert score.recall is not None
    f_score = 2 / (1 / score.precision + 1 / score.recall)
    assert score.error_rate == pytest.approx(100 - f_score)


def test_there_is_no_rate_of_nothing() -> None:
    for statistics in ([], [Counts(0, 0, 0, 0, 0)]):
        score = alignment_score(statistics, Bootstrap(samples=10))
        assert (score.error_rate, score.precision, score.recall) == (None, None, None)
        assert score.interval is None


def test_sentences_are_drawn_for_the_interval() -> None:
    rng = random.Random(1)
    rows = [
        Counts(n, n, n, k, k)
        for n in (rng.randint(5, 20) for _ in range(400))
        for k in [n * 7 // 10]
    ]
    bootstrap = Bootstrap(samples=500)
    score = alignment_score(rows, bootstrap)
    assert score.interval is not None
    low, high = score.interval
    assert score.error_rate is not None
    assert low < score.error_rate < high < low + 2
    fewer = alignment_score(rows[:40], bootstrap).interval
    assert fewer is not None
    assert fewer[1] - fewer[0] > 2 * (high - low)
    same = alignment_score([Counts(10, 10, 10, 7, 7)] * 30, bootstrap)
    assert same.interval == pytest.approx((30, 30))
