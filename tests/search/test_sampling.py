from collections import Counter

import pytest
import torch

from nmt.search.greedy import GreedySearch
from nmt.search.sampling import SampleSearch, exponential, random_bits
from nmt.tokenizer import BOS, EOS, PAD
from tests.search.reference import assert_same, teacher_forced
from tests.toy import VOCAB_SIZE, ToyModel, make_sources

DRAWN = 4000


def first_tokens(**options: float) -> Counter[int]:
    """How often each token came first in ``DRAWN`` samples of one sentence."""
    search = SampleSearch(samples=DRAWN, max_length=0.1, extra_length=1, **options)
    (found,) = search(ToyModel(seed=1), make_sources(4))
    return Counter(h.tokens[0] if h.tokens else EOS for h in found)


def first_probabilities(temperature: float = 1.0) -> dict[int, float]:
    ((row,),) = teacher_forced(ToyModel(seed=1), make_sources(4), [[]])
    logits = torch.tensor(row)
    logits[[PAD, BOS]] = -torch.inf
    return dict(enumerate((logits / temperature).softmax(dim=-1).tolist()))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_draws_by_probability(temperature: float) -> None:
    counts = first_tokens(temperature=temperature)
    for token, probability in first_probabilities(temperature).items():
        deviation = (probability * (1 - probability) / DRAWN) ** 0.5
        assert counts[token] / DRAWN == pytest.approx(probability, abs=5 * deviation + 1e-9)


def test_later_tokens_are_drawn_by_probability_too() -> None:
    model, src = ToyModel(seed=1), make_sources(4)
    search = SampleSearch(samples=DRAWN, max_length=0.1, extra_length=2)
    counts = Counter(h.tokens for h in search(model, src)[0])
    for first in range(EOS + 1, VOCAB_SIZE):
        rows = teacher_forced(model, src, [[first]])[0][1]
        allowed = torch.tensor(rows)
        allowed[[PAD, BOS]] = -torch.inf
        after = allowed.softmax(dim=-1).tolist()
        total = sum(counts[first, second] for second in range(VOCAB_SIZE)) + counts[(first,)]
        for second in range(EOS + 1, VOCAB_SIZE):
            deviation = (after[second] * (1 - after[second]) / total) ** 0.5
            share = counts[first, second] / total
            assert share == pytest.approx(after[second], abs=5 * deviation)


@pytest.mark.parametrize("top_k", [1, 2, 3, 100])
def test_top_k_leaves_the_likeliest(top_k: int) -> None:
    probabilities = first_probabilities()
    likeliest = sorted(probabilities, key=lambda token: -probabilities[token])[: min(top_k, 5)]
    assert set(first_tokens(top_k=top_k)) == set(likeliest)


@pytest.mark.parametrize("top_k", [0, 3])
@pytest.mark.parametrize("top_p", [0.01, 0.3, 0.6, 0.9, 1.0])
def test_top_p_leaves_the_fewest_that_make_it(top_p: float, top_k: int) -> None:
    probabilities = first_probabilities()
    likeliest = sorted(probabilities, key=lambda token: -probabilities[token])[: top_k or 5]
    whole = sum(probabilities[token] for token in likeliest)
    kept, mass = set(), 0.0
    for token in likeliest:
        if mass < top_p * whole:
            kept.add(token)
        mass += probabilities[token]
    counts = first_tokens(top_p=top_p, top_k=top_k)
    assert set(counts) == kept
    left = sum(probabilities[token] for token in kept)
    for token in kept:
        assert counts[token] / DRAWN == pytest.approx(probabilities[token] / left, abs=0.04)


@pytest.mark.parametrize("options", [{"top_k": 1}, {"temperature": 1e-4}, {"top_p": 1e-6}])
def test_without_chance_it_is_greedy_search(options: dict[str, float]) -> None:
    model, src = ToyModel(seed=3), make_sources(2, 9, 5)
    found = SampleSearch(samples=2, **options)(model, src)
    for (greedy,), drawn in zip(GreedySearch()(model, src), found, strict=True):
        assert [h.tokens for h in drawn] == [greedy.tokens] * 2


def test_a_sample_follows_from_seed_sentence_and_number_alone() -> None:
    model, src = ToyModel(seed=4), make_sources(2, 9, 5, 9, 3)
    few, many = SampleSearch(samples=2, seed=7), SampleSearch(samples=6, seed=7)
    together = few(model, src)
    for row, two, six in zip(src, together, many(model, src), strict=True):
        assert_same(few(model, row[row != PAD][None])[0], two)
        assert not {h.tokens for h in two} - {h.tokens for h in six}
    order = torch.tensor([3, 1, 4, 0, 2])
    for place, found in zip(order.tolist(), few(model, src[order]), strict=True):
        assert_same(found, together[place])
    assert few(model, src) == together


def test_seeds_sentences_and_numbers_draw_differently() -> None:
    model, src = ToyModel(seed=4, bias={EOS: -3.0}), make_sources(*[9] * 20)
    one, other = (SampleSearch(samples=2, seed=seed)(model, src) for seed in (0, 1))
    assert sum(a == b for a, b in zip(one, other, strict=True)) < 2
    assert sum(first == second for first, second in one) < 2
    assert len({tuple(h.tokens for h in drawn) for drawn in one}) > 18


def test_best_first_and_scored_by_the_model_as_it_is() -> None:
    model, src = ToyModel(seed=3), make_sources(5)
    (found,) = SampleSearch(samples=8, temperature=1.5, top_k=3, extra_length=30)(model, src)
    assert len(found) == 8
    assert [h.score for h in found] == sorted((h.score for h in found), reverse=True)
    for hypothesis in found:
        labels = [*hypothesis.tokens, *[EOS] * hypothesis.finished]
        (rows,) = teacher_forced(model, src, [hypothesis.tokens])
        log_prob = sum(row[label] for row, label in zip(rows, labels, strict=False))
        assert hypothesis.log_prob == pytest.approx(log_prob, abs=1e-4)
        assert hypothesis.score == pytest.approx(log_prob / len(labels), abs=1e-4)


def test_finished_sentences_leave_the_batch() -> None:
    model, src = ToyModel(seed=1), make_sources(*[4] * 20)
    found = SampleSearch(samples=3)(model, src)
    longest = [max(len(h.tokens) + h.finished for h in drawn) for drawn in found]
    most = sum(longest) * 8 / 7 + len(model.batch_sizes)
    assert sum(longest) <= sum(model.batch_sizes) <= most < 20 * max(longest)
    assert len(set(longest)) > 2


def test_says_that_a_model_is_spoilt() -> None:
    with pytest.raises(ValueError, match="NaN"):
        SampleSearch(top_p=0.9)(ToyModel(bias={5: float("nan")}), make_sources(3))


def test_random_bits_are_those_of_splitmix64() -> None:
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423]  # of seed 1234567
    found = random_bits(torch.tensor(1234567), torch.arange(3)).tolist()
    assert [number % 2**64 for number in found] == expected


def test_waits_are_exponential() -> None:
    waits = exponential(random_bits(torch.arange(100)[:, None], torch.arange(1000))).double()
    assert waits.min() > 0
    assert waits.mean().item() == pytest.approx(1, abs=0.02)
    for time in (0.1, 1.0, 3.0):
        share = (waits < time).double().mean().item()
        assert share == pytest.approx(1 - torch.tensor(-time).exp().item(), abs=0.01)
    extremes = exponential(torch.tensor([0, -1, -(2**63), 2**63 - 1]))
    assert (extremes > 0).all() and extremes.isfinite().all()


@pytest.mark.parametrize("bits", [0, -1, -(2**63), 2**63 - 1])
def test_whatever_is_drawn_may_be_drawn(bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bits that are all ones once made every wait infinite, so that PAD came first."""
    monkeypatch.setattr(
        "nmt.search.sampling.random_bits", lambda *given: random_bits(*given).fill_(bits)
    )
    model, src = ToyModel(seed=3), make_sources(2, 9, 5)
    for drawn in SampleSearch(top_k=2)(model, src):
        assert not {PAD, BOS} & {token for h in drawn for token in h.tokens}


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"temperature": 0}, "temperature"),
        ({"top_k": -1}, "top_k"),
        ({"top_p": 0.0}, "top_p"),
        ({"top_p": 1.1}, "top_p"),
        ({"samples": 0}, "samples"),
        ({"seed": -1}, "seed"),
        ({"max_length": 0}, "max_length"),
        ({"no_repeat_ngram": -1}, "no_repeat_ngram"),
    ],
)
def test_refuses_values_out_of_range(options: dict[str, float], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        SampleSearch(**options)
