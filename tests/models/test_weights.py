"""Buffers are weights too: of a user's own model, whatever was learnt is saved and comes back."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from nmt.models.interface import Seq2SeqModel
from nmt.models.transformer import TransformerSeq2Seq
from nmt.models.weights import SkipInit, load_weights, save_weights, set_weights, weights_of
from nmt.run_directory import RunDirectory
from nmt.search.greedy import GreedySearch
from nmt.tokenizer import Tokenizer
from nmt.training.checkpoint import read_checkpoint
from nmt.training.optimizer import AdamW
from nmt.training.signals import StopRequest
from nmt.training.trainer import Trainer
from nmt.translator import Translator
from tests.runs import PAIRS
from tests.training.test_trainer import SETTINGS, make_trainer


class WithBuffers(TransformerSeq2Seq):
    """Features are normalised by a running mean, counted, and mixed by fixed random numbers."""

    def __init__(self, *, src_vocab_size: int, tgt_vocab_size: int) -> None:
        super().__init__(
            src_vocab_size=src_vocab_size,
            tgt_vocab_size=tgt_vocab_size,
            hidden_size=8,
            num_heads=2,
            ff_size=8,
            num_layers=1,
            dropout=0.1,
            share_embeddings=True,
        )
        self.register_buffer("mean", torch.zeros(8))
        self.register_buffer("batches", torch.tensor(0))
        self.register_buffer("mixed", torch.empty(8).normal_())
        drawn = torch.empty(8).normal_(generator=torch.Generator().manual_seed(5))
        self.register_buffer("fixed", drawn, persistent=False)
        self.register_buffer("alias", self.mean)

    def decode(self, tgt_input: Tensor, encoded: Any) -> Tensor:
        features = super().decode(tgt_input, encoded)
        if self.training:
            self.batches += 1
            self.mean += 0.1 * (features.detach().mean(dim=(0, 1)) - self.mean)
        return features

    def project(self, features: Tensor) -> Tensor:
        scale = self.mixed + self.fixed + (self.batches % 7)
        return super().project((features - self.mean) * scale)


SPEC = {"_target_": f"{__name__}.WithBuffers"}
PERSISTENT = {"mean", "batches", "mixed"}


def own_model(seed: int, vocab_size: int = 20) -> WithBuffers:
    torch.manual_seed(seed)
    return WithBuffers(src_vocab_size=vocab_size, tgt_vocab_size=vocab_size)


def assert_equal(found: Seq2SeqModel, expected: Seq2SeqModel) -> None:
    ours, theirs = found.state_dict(), expected.state_dict()
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if not torch.equal(ours[name], theirs[name])] == []


def test_weights_are_parameters_and_persistent_buffers_once() -> None:
    model = own_model(1)
    parameters = {name for name, _ in model.named_parameters()}
    assert weights_of(model).keys() == parameters | PERSISTENT
    assert not any(tensor.requires_grad for tensor in weights_of(model).values())


def test_buffers_come_back_from_a_file(tmp_path: Path) -> None:
    model, other = own_model(1), own_model(2)
    model.mean.fill_(3.0)
    model.batches.fill_(2**40 + 1)
    save_weights(model, tmp_path / "model.safetensors")
    load_weights(other, tmp_path / "model.safetensors")
    assert_equal(other, model)
    assert other.alias is other.mean


def test_what_no_file_holds_is_made_by_the_constructor() -> None:
    model = own_model(1)
    with SkipInit():
        loaded = own_model(2)
    assert torch.equal(loaded.fixed, model.fixed)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mean": None}, "f does not hold this model's weights: mean"),
        ({"more": torch.ones(1)}, "f does not hold this model's weights: more"),
        ({"mean": torch.ones(9)}, r"f: mean is \(9,\), the model has \(8,\)"),
    ],
)
def test_other_weights_are_refused(change: dict[str, Tensor | None], message: str) -> None:
    given = weights_of(own_model(1)) | change
    with pytest.raises(ValueError, match=message):
        set_weights(own_model(1), {k: v for k, v in given.items() if v is not None}, "f")


def test_a_run_resumes_with_its_buffers_and_serves_them(tmp_path: Path) -> None:
    """Interrupted equals uninterrupted; the average has the mean of means and the last count."""
    finished = make_own_trainer(tmp_path / "whole", 12)
    assert finished.train(StopRequest())
    make_own_trainer(tmp_path / "parts", 6).train(StopRequest())
    resumed = make_own_trainer(tmp_path / "parts", 12)
    assert resumed.train(StopRequest())
    for run in (finished.run, resumed.run):
        stored = [read_checkpoint(run, f"checkpoints/{step}")["model"] for step in (8, 12)]
        assert [state["batches"].item() for state in stored] == [8, 12]
        assert stored[0].keys() >= PERSISTENT
        assert_close(finished.model.mean, (stored[0]["mean"] + stored[1]["mean"]) / 2)
    assert finished.model.batches.item() == 12  # served or not, the average was validated last


def make_own_trainer(path: Path, steps: int) -> Trainer:
    model = own_model(1)
    optimizer = AdamW(model.parameters(), lr=0.01)
    settings = replace(SETTINGS, max_steps=steps)
    return make_trainer(path, settings, model=model, optimizer=optimizer)


def test_a_run_translates_as_the_model_that_was_trained(tmp_path: Path) -> None:
    tokenizer = Tokenizer.train(PAIRS, kind="bpe", vocab_size=285, joint=True)
    model = own_model(1, vocab_size=tokenizer.tgt_vocab_size).eval()
    model.mean.normal_()
    model.batches.fill_(3)
    run = RunDirectory.create(tmp_path / "run")
    run.write_config({"model": SPEC, "data": {}})
    for file in tokenizer.save(run.path):
        run.add_file(file.name)
    save_weights(model, run.path / "model-1.safetensors")
    run.add_file("model-1.safetensors")
    run.commit(serving="model-1.safetensors", serving_kind="best")
    loaded = Translator.load(
        run.path, search=GreedySearch(), device="cpu", trusted_packages=["tests"]
    )
    assert_equal(loaded.model, model)
    lines = ["the cat sat", "a dog ran home"]
    assert loaded.translate(lines) == Translator(model, tokenizer, GreedySearch()).translate(lines)
