import json

import numpy as np
import pytest

from nmt.evaluation.alignment_error import Counts
from nmt.evaluation.attention_figures import (
    PairFigures,
    agreement_figures,
    attention_figures,
    by_length,
    kendall_tau,
    mean,
)

EVENLY = np.full((4, 5), 0.2)
SHARP = np.eye(4, 5)


def test_what_is_attended_to_often_and_hardly() -> None:
    """Four source words: the first gets 2.5, the second 1.0, the third 0.1; the end gets 0.4."""
    weights = np.array([[0.9, 0.0, 0.1, 0.0, 0.0], [0.9, 0.0, 0.0, 0.0, 0.1]] + [[0.0] * 5] * 2)
    weights[2] = [0.35, 0.5, 0.0, 0.0, 0.15]
    weights[3] = [0.35, 0.5, 0.0, 0.0, 0.15]
    found = attention_figures(weights)
    assert found["over"] == 1 / 4
    assert found["under"] == 2 / 4
    assert attention_figures(SHARP)["over"] == attention_figures(SHARP)["under"] == 0


def test_entropy_is_in_bits() -> None:
    assert attention_figures(EVENLY)["entropy"] == pytest.approx(np.log2(5))
    assert attention_figures(SHARP)["entropy"] == 0
    assert attention_figures(SHARP / 2)["entropy"] == 0  # what goes to white space is left out
    two = np.array([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]])
    assert attention_figures(two)["entropy"] == pytest.approx(0.5)


def test_agreement_is_of_the_most_attended_and_the_most_needed() -> None:
    weights = np.array([[0.7, 0.2, 0.1], [0.1, 0.2, 0.7], [0.2, 0.7, 0.1]])
    needed = np.array([[9.0, 2.0, 1.0], [1.0, 2.0, 3.0], [5.0, 1.0, 3.0]])
    found = agreement_figures(weights, needed)
    assert found["agreement"] == pytest.approx(2 / 3)
    assert found["chance"] == pytest.approx(1 / 3)
    assert found["tau"] == pytest.approx((1 + 1 - 1 / 3) / 3)


def test_kendalls_tau() -> None:
    """By hand: of 6 pairs of places, 5 in one order and 1 in the other; ties count for neither."""
    one = np.array([1.0, 2.0, 3.0, 4.0])
    assert kendall_tau(one, np.array([1.0, 2.0, 4.0, 3.0])) == pytest.approx(4 / 6)
    assert kendall_tau(one, -one) == pytest.approx(-1)
    tied = np.array([1.0, 1.0, 2.0, 3.0])
    assert kendall_tau(one, tied) == pytest.approx(5 / (6 * 5) ** 0.5)
    assert kendall_tau(one, np.zeros(4)) == 0


def test_nothing_is_said_of_a_pair_without_words() -> None:
    for shape in ((0, 5), (4, 1), (0, 1)):
        assert attention_figures(np.zeros(shape)) == {}
        assert agreement_figures(np.zeros(shape), np.zeros(shape)) == {}


def test_means_are_of_the_pairs_that_have_a_figure() -> None:
    pairs = [
        PairFigures(id=1, src_words=3, tgt_words=3, entropy=1.0),
        PairFigures(id=2, src_words=12, tgt_words=9, entropy=2.0, tau=0.5),
        PairFigures(id=3, src_words=0, tgt_words=4),
        PairFigures(id=4, src_words=13, tgt_words=9, entropy=4.0),
    ]
    groups = dict(by_length(pairs, [10, 20]))
    assert {label: [one.id for one in group] for label, group in groups.items()} == {
        "0-9": [1],
        "10-19": [2, 4],
        "20+": [],
    }
    assert mean(groups["10-19"], "entropy") == 3
    assert mean(groups["10-19"], "tau") == 0.5
    assert mean(groups["20+"], "entropy") is None


def test_a_row_holds_numbers_only_and_no_text() -> None:
    links = Counts(links=3, sure=2, possible=2, right=2, sure_found=2)
    row = PairFigures(id=7, src_words=3, tgt_words=2, over=1 / 3, links=links).row()
    assert row == {
        **{"id": 7, "src_words": 3, "tgt_words": 2, "over": 0.3333},
        "links": {"links": 3, "sure": 2, "possible": 2, "right": 2, "sure_found": 2},
    }
    assert json.loads(json.dumps(row)) == row
