import math

import pytest
import torch
from torch import Tensor

from nmt.models.interface import Encoded
from nmt.search.base import Hypothesis
from nmt.search.beam import BeamSearch
from nmt.search.constraints import Constraint
from nmt.tokenizer import BOS, EOS, PAD
from tests.toy import ToyModel, make_sources

PENALTY = 0.7


def coverage(model: ToyModel, src: Tensor, hypothesis: Hypothesis) -> float:
    """sum_i log(min(sum_j a_ij, 1)), one number after the other; src (1, S) without padding."""
    labels = [*hypothesis.tokens, *[EOS] * hypothesis.finished]
    tgt_input = torch.tensor([[BOS, *labels[:-1]]])
    weights = model.attend(tgt_input, model.encode(src))[0, 0, 0].tolist()
    assert len(weights) == len(labels)
    return sum(math.log(min(sum(column), 1.0)) for column in zip(*weights, strict=True))


def test_ranks_what_was_found_with_coverage_added() -> None:
    reordered = 0
    for seed in range(6):
        model, src = ToyModel(seed=seed, attends=True), make_sources(5, 9, 2, 12, seed=seed)
        plain = BeamSearch(beam_size=4)(model, src)
        covering = BeamSearch(beam_size=4, coverage_penalty=PENALTY)(model, src)
        for row, before, after in zip(src, plain, covering, strict=True):
            alone = row[row != PAD][None]
            scores = {h.tokens: h.score + PENALTY * coverage(model, alone, h) for h in before}
            assert {h.tokens: h.score for h in after} == pytest.approx(scores, abs=1e-3)
            assert [h.score for h in after] == sorted((h.score for h in after), reverse=True)
            assert {(h.tokens, h.log_prob) for h in after} == {
                (h.tokens, h.log_prob) for h in before
            }
            reordered += before[0].tokens != after[0].tokens
    assert reordered > 3


def test_what_is_cut_off_is_ranked_by_what_it_has() -> None:
    model, src = ToyModel(seed=1, bias={EOS: -100.0}, attends=True), make_sources(3)
    plain = BeamSearch(beam_size=3, extra_length=2)(model, src)[0]
    covering = BeamSearch(beam_size=3, extra_length=2, coverage_penalty=PENALTY)(model, src)[0]
    scores = {h.tokens: h.score + PENALTY * coverage(model, src, h) for h in plain}
    assert not any(h.finished for h in covering)
    assert {h.tokens: h.score for h in covering} == pytest.approx(scores, abs=1e-3)


def test_does_not_depend_on_the_batch_nor_on_constraints_of_others() -> None:
    model, src = ToyModel(seed=2, attends=True), make_sources(5, 9, 2, 12)
    search = BeamSearch(beam_size=4, coverage_penalty=PENALTY)
    constraints = [Constraint(), Constraint(require=((4, 6),)), Constraint(prefix=(5,))]
    constraints.append(Constraint())
    together = search(model, src, constraints)
    for row, constraint, found in zip(src, constraints, together, strict=True):
        alone = search(model, row[row != PAD][None], [constraint])[0]
        assert [h.tokens for h in found] == [h.tokens for h in alone]
        assert [h.score for h in found] == pytest.approx([h.score for h in alone], abs=1e-4)


def test_needs_a_model_that_attends() -> None:
    with pytest.raises(ValueError, match=r"coverage_penalty.*attends to nothing.*to 0"):
        BeamSearch(coverage_penalty=0.2)(ToyModel(), make_sources(3))


def test_a_source_token_left_out_costs_much_but_not_everything() -> None:
    """Attention that underflows to 0 must not make all hypotheses equal at minus infinity."""

    class OneSided(ToyModel):
        def attend(self, tgt_input: Tensor, encoded: Encoded) -> Tensor:
            weights = super().attend(tgt_input, encoded)
            only = torch.zeros_like(weights)
            only[..., 0] = 1.0
            return only

    model = OneSided(seed=2, attends=True)
    (found,) = BeamSearch(beam_size=3, coverage_penalty=PENALTY)(model, make_sources(4))
    assert len(found) == 3
    assert all(math.isfinite(h.score) and h.score < -10 for h in found)


def test_refuses_values_out_of_range() -> None:
    with pytest.raises(ValueError, match=r"coverage_penalty"):
        BeamSearch(coverage_penalty=-0.1)
