"""Search and training over every model that the configs offer."""

from typing import Any

import pytest
from torch.nn import functional as F

from nmt.models.interface import Seq2SeqModel
from nmt.search.beam import BeamSearch
from nmt.search.constraints import Constraint
from nmt.search.greedy import GreedySearch
from nmt.search.sampling import SampleSearch
from nmt.tokenizer import BOS, EOS, PAD
from nmt.training.optimizer import adamw
from tests.contract.models import VOCAB_SIZE, make_model, trained_alone
from tests.search.reference import exhaustive
from tests.toy import make_sources

LIMITS = {"max_length": 1.0, "extra_length": 5}
"""Of models that rarely end by themselves."""


@pytest.mark.numeric
def test_a_beam_of_one_is_greedy_search(model: Seq2SeqModel) -> None:
    src = make_sources(3, 8, 1, 5, vocab_size=VOCAB_SIZE)
    greedy, beam = GreedySearch()(model, src), BeamSearch(beam_size=1)(model, src)
    assert [found.tokens for (found,) in greedy] == [found.tokens for (found,) in beam]
    assert [found.score for (found,) in greedy] == pytest.approx(
        [found.score for (found,) in beam], abs=1e-4
    )


@pytest.mark.numeric
def test_a_wide_beam_is_exhaustive_search(spec: dict[str, Any]) -> None:
    model = make_model(spec, vocab_size=6)
    src = make_sources(3, 5, 1, vocab_size=6)
    search = BeamSearch(beam_size=108, length_penalty=0.7, max_length=0.1, extra_length=4)
    for row, found in zip(src, search(model, src), strict=True):
        expected = exhaustive(model, row[row != PAD][None], limit=4, alpha=0.7)
        assert len(found) == len(expected) == 1 + 3 + 9 + 27
        assert found[0].tokens == expected[0].tokens
        scores = {hypothesis.tokens: hypothesis.score for hypothesis in expected}
        for hypothesis in found:
            assert hypothesis.score == pytest.approx(scores[hypothesis.tokens], abs=1e-4)


@pytest.mark.numeric
@pytest.mark.parametrize("model", [2], ids=["2-layers"], indirect=True)
def test_looking_seldom_who_has_ended_changes_nothing(
    model: Seq2SeqModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a GPU, which has to be waited for."""
    src = make_sources(4, 12, 7, 1, 9, vocab_size=VOCAB_SIZE, seed=1)
    constraints = [Constraint(), Constraint(require=((9, 4),)), *[Constraint(prefix=(8,))] * 3]
    greedy, beam = GreedySearch(**LIMITS), BeamSearch(beam_size=3, **LIMITS)
    searches = greedy, beam, SampleSearch(samples=2, **LIMITS)
    expected = [search(model, src) for search in searches]
    constrained = beam(model, src, constraints)
    for name in ("base", "beam"):
        monkeypatch.setattr(f"nmt.search.{name}.looks", lambda step, device: step % 8 == 7)
    found = [search(model, src) for search in searches]
    for old, new in zip(
        [*expected, constrained],
        [*found, beam(model, src, constraints)],
        strict=True,
    ):
        for before, after in zip(old, new, strict=True):
            assert [one.tokens for one in before] == [one.tokens for one in after]
            scores = [one.score for one in before]
            assert [one.score for one in after] == pytest.approx(scores, abs=1e-4)


@pytest.mark.numeric
def test_a_sentence_is_translated_alike_alone_and_among_others(model: Seq2SeqModel) -> None:
    src = make_sources(4, 12, 7, 1, 9, vocab_size=VOCAB_SIZE, seed=1)
    constraints = [
        Constraint(),
        Constraint(prefix=(5, 4), forbid=((6,), (7, 8))),
        Constraint(require=((9, 4), (5,))),
        Constraint(prefix=(8,), require=((8, 8), (6,)), forbid=((5, 5),)),
        Constraint(),
    ]
    free = [Constraint()] * len(src)
    for search, given in (
        (GreedySearch(**LIMITS), free),
        (BeamSearch(beam_size=3, **LIMITS), free),
        (BeamSearch(beam_size=3, no_repeat_ngram=2, **LIMITS), constraints),
        (SampleSearch(samples=2, **LIMITS), free),
    ):
        every = zip(src, given, search(model, src, given), strict=True)
        for row, constraint, found in every:
            alone = search(model, row[row != PAD][None], [constraint])[0]
            assert not constraint.missing(found[0].tokens)
            assert [h.tokens for h in found] == [h.tokens for h in alone]
            assert [h.log_prob for h in found] == pytest.approx(
                [h.log_prob for h in alone], abs=1e-4
            )


def test_memorises_five_pairs_and_learns_on_after_searching(spec: dict[str, Any]) -> None:
    model = make_model(spec, vocab_size=20, hidden_size=32, dropout=0.0, noise=0.0).train()
    lengths = (3, 7, 4, 2, 6)
    src = make_sources(*lengths, vocab_size=20, seed=1)
    labels = make_sources(*reversed(lengths), vocab_size=20, seed=2)
    tgt_input = F.pad(labels, (1, -1), value=BOS)
    for learner in trained_alone(model):
        optimizer = adamw(learner, lr=0.02, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0)
        for _ in range(60):
            logits = learner.project(learner.decode(tgt_input, learner.encode(src)))
            loss = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=PAD)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if loss < 0.02:
                break
        assert loss < 0.05
    expected = [tuple(row[(row != PAD) & (row != EOS)].tolist()) for row in labels]
    for search in (GreedySearch(), BeamSearch(beam_size=3)):
        assert [found[0].tokens for found in search(model.eval(), src)] == expected
    logits = model.train().project(model.decode(tgt_input, model.encode(src)))
    logits.sum().backward()
