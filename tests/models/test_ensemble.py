import pytest
import torch

from nmt.models.ensemble import Ensemble
from nmt.models.interface import NoAlignment
from nmt.search.beam import BeamSearch
from tests.search.reference import teacher_forced
from tests.toy import ToyModel, make_sources

TARGETS = [[4, 5, 6], [6, 6, 1]]


def test_probability_is_the_mean_of_probabilities() -> None:
    models, src = [ToyModel(seed=seed) for seed in range(3)], make_sources(4)
    found = torch.tensor(teacher_forced(Ensemble(models), src, TARGETS)).exp()
    each = torch.tensor([teacher_forced(model, src, TARGETS) for model in models]).exp()
    torch.testing.assert_close(found, each.mean(dim=0), atol=1e-6, rtol=1e-5)
    assert (found - each[0]).abs().max() > 0.1


def test_of_one_model_is_that_model() -> None:
    src = make_sources(4, 2, 7)
    alone, ensemble = ToyModel(seed=1), Ensemble([ToyModel(seed=1)])
    expected, found = BeamSearch()(alone, src), BeamSearch()(ensemble, src)
    assert [[h.tokens for h in row] for row in found] == [
        [h.tokens for h in row] for row in expected
    ]


def test_models_that_attend_to_nothing_are_left_out_of_attention() -> None:
    src, tgt_input = make_sources(4, 2), torch.tensor([[2, 5, 6], [2, 4, 4]])
    attends, other = ToyModel(seed=1, attends=True), ToyModel(seed=2)
    ensemble = Ensemble([other, attends])
    weights = ensemble.attend(tgt_input, ensemble.encode(src))
    torch.testing.assert_close(weights, attends.attend(tgt_input, attends.encode(src)))
    ensemble = Ensemble([other])
    with pytest.raises(NoAlignment):
        ensemble.attend(tgt_input, ensemble.encode(src))


def test_needs_a_model() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Ensemble([])
