"""What the CPU computes a GPU computes too: values, gradients, translations."""

import copy
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from nmt.data.batches import collate
from nmt.device import autocast
from nmt.models.interface import Seq2SeqModel
from nmt.search.base import Search
from nmt.search.beam import BeamSearch
from nmt.search.greedy import GreedySearch
from nmt.training.loss import batch_loss
from tests.contract.conftest import MODELS
from tests.contract.models import VOCAB_SIZE, make_model, trained_alone
from tests.contract.test_contract import forced, random_targets, stepped
from tests.toy import make_sources

GPU = torch.device("cuda")

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA GPU here")


@pytest.fixture(autouse=True)
def _exact_products() -> Iterator[None]:
    """Without TF32, whose products have 10 bits."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        yield
    torch.set_float32_matmul_precision(before)


def every_model() -> Iterator[tuple[str, Seq2SeqModel, Seq2SeqModel]]:
    """Its name, on the CPU, and on the GPU."""
    for name, spec in MODELS.items():
        model = make_model(spec)
        yield name, model, copy.deepcopy(model).to(GPU)


def sources() -> Tensor:
    return make_sources(3, 8, 1, 5, vocab_size=VOCAB_SIZE)


def close(found: Tensor, expected: Tensor, name: str, atol: float = 1e-3) -> None:
    assert found.device.type == GPU.type
    assert_close(found.float().cpu(), expected, atol=atol, rtol=0, msg=lambda m: f"{name}: {m}")


@torch.no_grad()
def test_values() -> None:
    src, targets = sources(), random_targets(4, 3, 6)
    for name, there, here in every_model():
        expected = forced(there, src, targets)
        close(forced(here, src.to(GPU), targets.to(GPU)), expected, name)
        started = here.start(here.encode(src.to(GPU)), 3)
        close(stepped(here, targets.to(GPU), *started)[0], expected, name)
        with autocast(GPU, "bf16"):
            close(forced(here, src.to(GPU), targets.to(GPU)), expected, name, atol=0.5)


def test_gradients() -> None:
    batch = collate([([4, 5, 6], [5, 4]), ([7], [6, 6, 8, 9])])
    for name, *both in every_model():
        for there, here in zip(*map(trained_alone, both), strict=True):
            for model, device in ((there, torch.device("cpu")), (here, GPU)):
                loss, _ = batch_loss(model, batch.to(device), smoothing=0.1)
                torch.autograd.backward(loss)
            for expected, found in zip(there.parameters(), here.parameters(), strict=True):
                assert expected.grad is not None
                assert found.grad is not None
                close(found.grad, expected.grad, name)


@pytest.mark.parametrize("search", [GreedySearch(), BeamSearch()], ids=["greedy", "beam"])
def test_translations(search: Search) -> None:
    src = sources()
    for name, there, here in every_model():
        expected, found = search(there, src), search(here, src.to(GPU))
        for own, others in zip(found, expected, strict=True):
            assert [h.tokens for h in own] == [h.tokens for h in others], name
