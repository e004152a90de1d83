import pytest
import torch

from nmt.search.beam import BeamSearch
from nmt.search.greedy import GreedySearch
from nmt.tokenizer import BOS, EOS, PAD
from tests.search.reference import assert_same, exhaustive, plain_beam, rows_alone
from tests.toy import ToyModel, make_sources

pytestmark = pytest.mark.numeric

ALPHAS = (0.0, 0.6, 1.0, 2.0)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_wide_beam_is_exhaustive_search(alpha: float) -> None:
    model, src = ToyModel(seed=1), make_sources(1, 2, 3)
    search = BeamSearch(beam_size=320, length_penalty=alpha, max_length=1.0, extra_length=1)
    for alone, found in zip(rows_alone(src), search(model, src), strict=True):
        expected = exhaustive(model, alone, limit=alone.shape[1] + 1, alpha=alpha)
        assert_same(found, expected)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("alpha", ALPHAS)
def test_equals_the_plain_search(size: int, alpha: float) -> None:
    for seed in range(8):
        # Endings from rare to common: pools that fill late, and at once.
        model = ToyModel(seed=seed, bias={EOS: 1.0 * (seed % 4) - 2})
        src = make_sources(2, 7, 4, 1, seed=seed)
        search = BeamSearch(beam_size=size, length_penalty=alpha, max_length=1.5, extra_length=4)
        for alone, found in zip(rows_alone(src), search(model, src), strict=True):
            limit = int(1.5 * alone.shape[1]) + 4
            assert_same(found, plain_beam(model, alone, size=size, limit=limit, alpha=alpha))


@pytest.mark.parametrize("seed", range(5))
def test_stops_when_nothing_can_be_won(seed: int) -> None:
    model = ToyModel(seed=seed)
    BeamSearch(beam_size=3, length_penalty=0.0)(model, make_sources(50))
    assert len(model.batch_sizes) < 20 < 2 * 50 + 10


def test_a_beam_of_one_is_greedy_search() -> None:
    for seed in range(20):
        model, src = ToyModel(seed=seed), make_sources(2, 3, 6, 9, seed=seed)
        greedy = GreedySearch()(model, src)
        for found, expected in zip(BeamSearch(beam_size=1)(model, src), greedy, strict=True):
            assert_same(found, expected)


def test_a_hypothesis_that_ended_first_does_not_end_the_search() -> None:
    overtaken = 0
    for seed in range(20):
        model, src = ToyModel(seed=seed), make_sources(5, seed=seed)
        (found,) = BeamSearch(beam_size=4)(model, src)
        overtaken += len(found[0].tokens) > min(len(h.tokens) for h in found)
    assert overtaken > 2


def test_finds_at_least_what_greedy_search_finds_when_ranking_by_probability() -> None:
    better = 0
    for seed in range(20):
        model, src = ToyModel(seed=seed), make_sources(5, seed=seed)
        ((greedy,),) = GreedySearch()(model, src)
        best = BeamSearch(beam_size=50, length_penalty=0.0)(model, src)[0][0]
        assert best.log_prob >= greedy.log_prob - 1e-4
        better += best.log_prob > greedy.log_prob + 1e-4
    assert better


def test_a_sentence_is_translated_alike_alone_and_among_others() -> None:
    model, src = ToyModel(seed=5), make_sources(2, 12, 7, 1, 3, 12, 6, 4, seed=5)
    search = BeamSearch(beam_size=3)
    together = search(model, src)
    for alone, found in zip(rows_alone(src), together, strict=True):
        assert_same(search(model, alone)[0], found)
    order = torch.tensor([3, 1, 7, 0, 2, 5, 4, 6])
    for place, found in zip(order.tolist(), search(model, src[order]), strict=True):
        assert_same(found, together[place])


def test_finished_sentences_leave_the_batch() -> None:
    model, src = ToyModel(seed=1, bias={EOS: 1.0}), make_sources(*[4] * 20)
    BeamSearch(beam_size=3)(model, src)
    together, model.batch_sizes = model.batch_sizes, []
    for alone in rows_alone(src):
        BeamSearch(beam_size=3)(model, alone)
    needed = sum(model.batch_sizes)
    assert needed <= sum(together) <= needed * 8 / 7 + len(together) < 20 * (2 * 4 + 10)
    assert len(set(together)) > 3


def test_hypotheses_are_distinct_sorted_and_complete() -> None:
    for found in BeamSearch(beam_size=6)(ToyModel(seed=2), make_sources(3, 5, 8)):
        assert len({h.tokens for h in found}) == len(found) == 6
        assert [h.score for h in found] == sorted((h.score for h in found), reverse=True)
        assert not any({PAD, BOS, EOS} & set(h.tokens) for h in found)


def test_unfinished_hypotheses_are_returned_only_where_none_finished() -> None:
    src = make_sources(3, 6)
    endless = BeamSearch(beam_size=4)(ToyModel(bias={EOS: -100.0}), src)
    for found, limit in zip(endless, (2 * 3 + 10, 2 * 6 + 10), strict=True):
        assert [(len(h.tokens), h.finished) for h in found] == [(limit, False)] * 4
    some = False
    for seed in range(10):
        rarely = BeamSearch(beam_size=4, extra_length=2)(ToyModel(seed=seed, bias={EOS: -2.0}), src)
        for found in rarely:
            assert len({h.finished for h in found}) == 1
            some |= found[0].finished and len(found) < 4
    assert some


def test_never_produces_padding_or_a_beginning() -> None:
    model = ToyModel(bias={PAD: 50.0, BOS: 50.0})
    for found in BeamSearch(beam_size=20)(model, make_sources(2, 3, 4)):
        assert not any({PAD, BOS} & set(h.tokens) for h in found)


def test_says_that_a_model_is_spoilt() -> None:
    with pytest.raises(ValueError, match="NaN"):
        BeamSearch()(ToyModel(bias={5: float("nan")}), make_sources(3))


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"beam_size": 0}, "beam_size"),
        ({"beam_size": 2.5}, "beam_size"),
        ({"length_penalty": -0.1}, "length_penalty"),
        ({"max_length": float("nan")}, "max_length"),
        ({"extra_length": -1}, "extra_length"),
    ],
)
def test_refuses_values_out_of_range(options: dict[str, float], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        BeamSearch(**options)
