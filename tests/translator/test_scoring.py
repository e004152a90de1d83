import pytest
import torch

from nmt.models.interface import Seq2SeqModel
from nmt.search.beam import BeamSearch
from nmt.tokenizer import BOS, EOS, PAD
from nmt.translator import inference as scoring
from nmt.translator.inference import log_probs, token_log_probs
from tests.contract.models import list_models, make_model

MODELS = list_models()
SOURCES = [[5, 6, 7], [5], [], [9, 8, 7, 6, 5, 4]]


@pytest.fixture(params=["lstm-bahdanau", "transformer"])
def model(request: pytest.FixtureRequest) -> Seq2SeqModel:
    return make_model(MODELS[request.param])


@torch.inference_mode()
def test_is_the_sum_over_tokens_added_up_by_hand(model: Seq2SeqModel) -> None:
    source, target = [5, 6, 7], [8, 4]
    encoded = model.encode(torch.tensor([[*source, EOS]]))
    memory, state = model.start(encoded, beam_size=1)
    total = 0.0
    for token, following in zip([BOS, *target], [*target, EOS], strict=True):
        logits, state = model.step(torch.tensor([[token]]), memory, state)
        total += float(logits[0, 0].log_softmax(dim=-1)[following])
    assert log_probs(model, [(source, target)]) == pytest.approx([total], abs=1e-4)


def test_is_what_search_says_of_its_translations(model: Seq2SeqModel) -> None:
    src = torch.tensor([[*source, EOS] + [PAD] * (6 - len(source)) for source in SOURCES])
    finished = [
        (source, one)
        for source, found in zip(SOURCES, BeamSearch(beam_size=3)(model, src), strict=True)
        for one in found
        if one.finished
    ]
    scores = log_probs(model, [(source, one.tokens) for source, one in finished])
    assert scores == pytest.approx([one.log_prob for _, one in finished], abs=1e-4)


def test_does_not_depend_on_neighbours_or_chunks(
    model: Seq2SeqModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = [(source, [7, *source]) for source in SOURCES]
    alone = [log_probs(model, [pair])[0] for pair in pairs]
    monkeypatch.setattr(scoring, "CHUNK_TOKENS", 3)
    assert log_probs(model, pairs) == pytest.approx(alone, abs=1e-4)


def test_tokens_add_up_to_the_whole(model: Seq2SeqModel, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = [(source, [7, *source, 4]) for source in SOURCES]
    wanted = log_probs(model, pairs)
    for area in (2**20, 1):
        monkeypatch.setattr(scoring, "MOST_AREA", area)
        found = token_log_probs(model, pairs)
        assert [len(each) for each in found] == [len(target) + 1 for _, target in pairs]
        assert [sum(each) for each in found] == pytest.approx(wanted, abs=1e-4)
    assert token_log_probs(model, []) == []
