import pytest
import torch

from nmt.search.greedy import GreedySearch
from nmt.tokenizer import BOS, EOS, PAD
from tests.search.reference import plain_beam, teacher_forced
from tests.toy import ToyModel, make_sources


@pytest.mark.parametrize("seed", range(5))
def test_takes_the_likeliest_token_at_every_step(seed: int) -> None:
    model, src = ToyModel(seed=seed), make_sources(2, 6, 4, 9, seed=seed)
    search = GreedySearch(max_length=1.5, extra_length=5)
    for row, (found,) in zip(src, search(model, src), strict=True):
        alone = row[row != PAD][None]
        limit = int(1.5 * alone.shape[1]) + 5
        (expected,) = plain_beam(model, alone, size=1, limit=limit, alpha=1.0)
        assert (found.tokens, found.finished) == (expected.tokens, expected.finished)
        assert found.score == pytest.approx(expected.score, abs=1e-5)


def test_log_prob_is_what_training_would_give_the_sentence() -> None:
    model, src = ToyModel(seed=3), make_sources(5)
    ((found,),) = GreedySearch()(model, src)
    assert found.finished
    labels = [*found.tokens, EOS]
    (rows,) = teacher_forced(model, src, [found.tokens])
    log_prob = sum(row[label] for row, label in zip(rows, labels, strict=True))
    assert found.log_prob == pytest.approx(log_prob, abs=1e-5)
    assert found.score == pytest.approx(log_prob / len(labels), abs=1e-5)


def test_limit_follows_each_sentence_and_says_so() -> None:
    endless = ToyModel(bias={EOS: -100.0})
    found = GreedySearch(max_length=1.3)(endless, make_sources(2, 10, 5))
    lengths = [len(hypothesis.tokens) for (hypothesis,) in found]
    assert lengths == [2 + 10, 13 + 10, 6 + 10]
    assert not any(hypothesis.finished for (hypothesis,) in found)


def test_ending_with_the_last_token_allowed_is_finished() -> None:
    model, src = ToyModel(seed=3), make_sources(5)
    ((free,),) = GreedySearch(max_length=2, extra_length=10)(model, src)
    enough = len(free.tokens) + 1
    for extra_length, finished in ((enough, True), (enough - 1, False)):
        ((found,),) = GreedySearch(max_length=0.1, extra_length=extra_length)(model, src)
        assert found.finished == finished
        assert found.tokens == free.tokens


def test_never_produces_padding_or_a_beginning() -> None:
    model = ToyModel(bias={PAD: 50.0, BOS: 50.0})
    for (hypothesis,) in GreedySearch()(model, make_sources(2, 3, 4)):
        assert not {PAD, BOS} & set(hypothesis.tokens)
        assert hypothesis.log_prob < -40  # it was not renormalised without them


def test_finished_sentences_leave_the_batch() -> None:
    model, src = ToyModel(seed=1), make_sources(*[4] * 20)
    found = GreedySearch()(model, src)
    steps = [len(hypothesis.tokens) + hypothesis.finished for (hypothesis,) in found]
    most = sum(steps) * 8 / 7 + len(model.batch_sizes)
    assert sum(steps) <= sum(model.batch_sizes) <= most < 20 * max(steps)
    assert len(set(steps)) > 2


def test_half_precision_logits_are_summed_in_float32() -> None:
    model, src = ToyModel(seed=3), make_sources(5)
    model.table.data = model.table.data.bfloat16()
    ((found,),) = GreedySearch()(model, src)
    (rows,) = teacher_forced(model, src, [found.tokens])
    log_prob = sum(row[label] for row, label in zip(rows, [*found.tokens, EOS], strict=True))
    assert found.log_prob == pytest.approx(log_prob, abs=1e-5)


def test_leaves_no_graph_behind() -> None:
    model = ToyModel()
    torch.set_grad_enabled(True)
    GreedySearch()(model, make_sources(3))
    assert model.table.grad is None
    model.table.sum().backward()


def test_says_that_a_model_is_spoilt() -> None:
    with pytest.raises(ValueError, match="NaN"):
        GreedySearch()(ToyModel(bias={5: float("nan")}), make_sources(3))


@pytest.mark.parametrize(
    ("options", "name"),
    [({"max_length": 0.0}, "max_length"), ({"extra_length": -1}, "extra_length")],
)
def test_refuses_values_out_of_range(options: dict[str, float], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        GreedySearch(**options)
