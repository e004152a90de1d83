"""What ``models.interface`` promises, held against every model that the configs offer."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from nmt.models.interface import DecoderState, Memory, NoAlignment, Seq2SeqModel
from nmt.models.weights import load_weights, save_weights
from nmt.tokenizer import BOS, EOS, PAD
from tests.bf16 import skip_without_bf16
from tests.contract.models import VOCAB_SIZE, make_model, weights_decode_used
from tests.toy import make_sources

pytestmark = pytest.mark.numeric

SENTENCES, BEAM, LENGTH = 4, 3, 6


@pytest.fixture
def src() -> Tensor:
    """(B, S): sentences of several lengths, one of EOS alone."""
    return make_sources(3, 8, 1, 5, vocab_size=VOCAB_SIZE)


def random_targets(*shape: int, seed: int = 0) -> Tensor:
    """Ids (..., T) that begin with BOS."""
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randint(EOS + 1, VOCAB_SIZE, shape, generator=generator)
    tokens[..., 0] = BOS
    return tokens


def forced(model: Seq2SeqModel, src: Tensor, tgt_input: Tensor) -> Tensor:
    """Log-probabilities under teacher forcing, (B, K, T, V), for targets (B, K, T)."""
    size = tgt_input.shape[1]
    features = model.decode(
        tgt_input.flatten(0, 1), model.encode(src.repeat_interleave(size, dim=0))
    )
    return model.project(features).log_softmax(dim=-1).unflatten(0, (-1, size))


def stepped(
    model: Seq2SeqModel, tokens: Tensor, memory: Memory, state: DecoderState
) -> tuple[Tensor, DecoderState]:
    """Log-probabilities (B, K, t, V) of reading tokens (B, K, t) one by one."""
    every = []
    for column in tokens.unbind(-1):
        logits, state = model.step(column, memory, state)
        every.append(logits.log_softmax(dim=-1))
    return torch.stack(every, dim=2), state


@torch.no_grad()
def test_step_by_step_is_teacher_forcing(model: Seq2SeqModel, src: Tensor) -> None:
    tgt_input = random_targets(SENTENCES, BEAM, LENGTH)
    found, _ = stepped(model, tgt_input, *model.start(model.encode(src), BEAM))
    assert_close(found, forced(model, src, tgt_input), atol=1e-4, rtol=0)


@torch.no_grad()
def test_hypotheses_continue_as_their_parents(model: Seq2SeqModel, src: Tensor) -> None:
    memory, state = model.start(model.encode(src), BEAM)
    read = random_targets(SENTENCES, BEAM, 1)
    _, state = stepped(model, read, memory, state)
    generator = torch.Generator().manual_seed(1)
    for kept, beam_size in (([0, 1, 3], 3), ([2, 0], 5), ([1, 0], 2), ([0], 4)):
        sentences = torch.tensor(kept)
        parents = torch.randint(read.shape[1], (len(kept), beam_size), generator=generator)
        src, read = src[sentences], read[sentences]
        memory, state = memory.select(sentences), state.select(sentences)
        read = torch.stack([rows[order] for rows, order in zip(read, parents, strict=True)])
        new = random_targets(len(kept), beam_size, 3, seed=beam_size)[..., 1:]
        found, state = stepped(model, new, memory, state.reorder(parents))
        read = torch.cat([read, new], dim=-1)
        assert_close(found, forced(model, src, read)[:, :, -2:], atol=1e-4, rtol=0)


@torch.no_grad()
def test_padding_changes_nothing(model: Seq2SeqModel, src: Tensor) -> None:
    tgt_input = random_targets(SENTENCES, 1, LENGTH)
    padded = torch.nn.functional.pad(src, (0, 5), value=PAD)
    encoded = model.encode(padded)
    assert torch.equal(encoded.mask, padded != PAD)
    expected = forced(model, src, tgt_input)
    assert_close(forced(model, padded, tgt_input), expected, atol=1e-4, rtol=0)
    found, _ = stepped(model, tgt_input, *model.start(encoded, 1))
    assert_close(found, expected, atol=1e-4, rtol=0)


@torch.no_grad()
def test_target_padding_changes_nothing_before_it(model: Seq2SeqModel, src: Tensor) -> None:
    tgt_input = random_targets(SENTENCES, 1, LENGTH)
    padded = torch.nn.functional.pad(tgt_input, (0, 4), value=PAD)
    found = forced(model, src, padded)[:, :, :LENGTH]
    assert_close(found, forced(model, src, tgt_input), atol=1e-4, rtol=0)


@torch.no_grad()
def test_a_batch_is_its_sentences_one_by_one(model: Seq2SeqModel, src: Tensor) -> None:
    tgt_input = random_targets(SENTENCES, 1, LENGTH)
    together = forced(model, src, tgt_input)
    for row, target, found in zip(src, tgt_input, together, strict=True):
        alone = forced(model, row[row != PAD][None], target[None])[0]
        assert_close(found, alone, atol=1e-4, rtol=0)


@torch.no_grad()
def test_the_future_changes_nothing_and_the_past_does(model: Seq2SeqModel, src: Tensor) -> None:
    tgt_input = random_targets(SENTENCES, 1, LENGTH)
    before = forced(model, src, tgt_input)
    for place in range(1, LENGTH):
        changed = tgt_input.clone()
        changed[..., place] = EOS + 1 + (tgt_input[..., place] - EOS) % (VOCAB_SIZE - EOS - 1)
        after = forced(model, src, changed)
        assert_close(after[:, :, :place], before[:, :, :place], atol=1e-4, rtol=0)
        for later in range(place, LENGTH):
            assert (after - before)[:, :, later].abs().max() > 1e-2


@torch.no_grad()
def test_every_source_token_counts(model: Seq2SeqModel) -> None:
    src, tgt_input = make_sources(7, vocab_size=VOCAB_SIZE), random_targets(1, 1, LENGTH)
    before = forced(model, src, tgt_input)
    for place in range(src.shape[1] - 1):
        changed = src.clone()
        changed[0, place] = EOS + 1 + (src[0, place] - EOS) % (VOCAB_SIZE - EOS - 1)
        assert (forced(model, changed, tgt_input) - before).abs().max() > 1e-3


@torch.no_grad()
def test_has_no_longest_sentence(spec: dict[str, Any]) -> None:
    model = make_model(spec, noise=0.0)
    src, tgt_input = make_sources(700, vocab_size=VOCAB_SIZE), random_targets(1, 1, 600)
    assert forced(model, src, tgt_input).isfinite().all()


@torch.no_grad()
def test_attention_is_what_decoding_used(model: Seq2SeqModel, src: Tensor) -> None:
    encoded, tgt_input = model.encode(src), random_targets(SENTENCES, LENGTH)
    used = weights_decode_used(model, tgt_input, encoded)
    if not used:
        with pytest.raises(NoAlignment):
            model.attend(tgt_input, encoded)
        return
    weights = model.attend(tgt_input, encoded)  # (B, layers, heads, T, S)
    assert_close(weights, torch.stack(used, dim=1), atol=1e-4, rtol=0)
    assert_close(weights.sum(dim=-1), torch.ones(weights.shape[:-1]))
    padding = ~encoded.mask[:, None, None, None].expand_as(weights)
    assert not weights[padding].any()
    assert weights.std(dim=-1)[1].max() > 1e-3


@torch.no_grad()
def test_bf16_products_change_little(model: Seq2SeqModel, src: Tensor) -> None:
    skip_without_bf16(model)
    tgt_input = random_targets(SENTENCES, BEAM, LENGTH)
    exact = forced(model, src, tgt_input)
    with torch.autocast("cpu", torch.bfloat16):
        at_once = forced(model, src, tgt_input)
        found, _ = stepped(model, tgt_input, *model.start(model.encode(src), BEAM))
    for rough in (at_once, found):
        assert_close(rough.float(), exact, atol=0.5, rtol=0)


def test_dropout_works_in_training_only(spec: dict[str, Any], src: Tensor) -> None:
    model, tgt_input = make_model(spec, dropout=0.5), random_targets(SENTENCES, 1, LENGTH)
    assert torch.equal(forced(model, src, tgt_input), forced(model, src, tgt_input))
    model.train()
    assert not torch.allclose(forced(model, src, tgt_input), forced(model, src, tgt_input))


def test_every_parameter_is_trained(spec: dict[str, Any], src: Tensor) -> None:
    model = make_model(spec)
    forced(model, src, random_targets(SENTENCES, 1, LENGTH))[..., EOS].sum().backward()
    still = [name for name, p in model.named_parameters() if p.grad is None]
    assert not still


@pytest.mark.parametrize("share_embeddings", [True, False])
@torch.no_grad()
def test_saved_and_loaded_it_is_the_same(
    spec: dict[str, Any], src: Tensor, share_embeddings: bool, tmp_path: Path
) -> None:
    first, second = (
        make_model(spec, seed=seed, share_embeddings=share_embeddings) for seed in (0, 1)
    )
    tgt_input = random_targets(SENTENCES, 1, LENGTH)
    save_weights(first, tmp_path / "model.safetensors")
    assert not torch.allclose(forced(first, src, tgt_input), forced(second, src, tgt_input))
    load_weights(second, tmp_path / "model.safetensors")
    assert torch.equal(forced(first, src, tgt_input), forced(second, src, tgt_input))
