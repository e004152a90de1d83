from typing import Any

import pytest

from nmt.models.interface import Seq2SeqModel
from tests.contract.models import list_models, make_model

MODELS = list_models()


@pytest.fixture(params=MODELS.values(), ids=MODELS.keys(), scope="module")
def spec(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The spec of one model that the configs offer, at its full size."""
    spec: dict[str, Any] = request.param
    return spec


@pytest.fixture(params=[1, 2], ids=["1-layer", "2-layers"], scope="module")
def model(spec: dict[str, Any], request: pytest.FixtureRequest) -> Seq2SeqModel:
    """A small random one in evaluation mode, shared: a test that changes one makes its own."""
    return make_model(spec, num_layers=request.param)
