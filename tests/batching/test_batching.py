import numpy as np
import pytest
import torch

from nmt.batching.batch import collate
from nmt.batching.loader import TrainingBatches, sorted_batches
from nmt.batching.sampler import token_batches
from nmt.tokenizer import BOS, EOS, PAD


def random_lengths(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 60, size=(count, 2))


def test_collate_adds_bos_and_eos_before_padding() -> None:
    batch = collate([([7, 8], [9]), ([7], [9, 10, 11])])
    assert batch.src.tolist() == [[7, 8, EOS], [7, EOS, PAD]]
    assert batch.tgt_input.tolist() == [[BOS, 9, PAD, PAD], [BOS, 9, 10, 11]]
    assert batch.labels.tolist() == [[9, EOS, PAD, PAD], [9, 10, 11, EOS]]
    assert batch.num_tokens == 6
    assert batch.src.dtype == torch.int64


@pytest.mark.parametrize("seed", [None, 1])
def test_every_pair_stands_in_one_batch_within_the_budget(seed: int | None) -> None:
    lengths = random_lengths(5000)
    batches = token_batches(lengths, 500, seed=seed)
    assert sorted(np.concatenate(batches).tolist()) == list(range(5000))
    assert all(lengths[batch].max() * len(batch) <= 500 for batch in batches)


def test_a_pair_over_the_budget_is_a_batch_by_itself() -> None:
    batches = token_batches([(3, 3), (900, 2), (3, 3)], 100, seed=1)
    assert [1] in [batch.tolist() for batch in batches]
    assert sorted(i for batch in batches for i in batch.tolist()) == [0, 1, 2]


def test_little_of_a_batch_is_padding() -> None:
    lengths = random_lengths(20_000)
    batches = token_batches(lengths, 2000, seed=1)
    padded = sum(int(lengths[batch, 1].max()) * len(batch) for batch in batches)
    assert lengths[:, 1].sum() / padded > 0.9


def test_order_is_decided_by_seed_and_epoch() -> None:
    def order(seed: int, epoch: int) -> list[int]:
        batches = token_batches(random_lengths(500), 300, seed=seed, epoch=epoch)
        return np.concatenate(batches).tolist()

    assert order(1, 3) == order(1, 3)
    assert order(1, 3) != order(1, 4)
    assert order(1, 3) != order(2, 3)


def test_an_epoch_can_be_read_from_its_middle() -> None:
    pairs = [([5] * (1 + i % 7), [6] * (1 + i % 5)) for i in range(100)]
    batches = TrainingBatches(lambda epoch: pairs, batch_tokens=40, seed=1)
    length, read = batches.epoch(2)
    whole = list(read(0))
    assert len(whole) == length
    for one, other in zip(whole[4:], read(4), strict=True):
        assert torch.equal(one.src, other.src) and torch.equal(one.labels, other.labels)


def test_validation_reads_every_pair_once() -> None:
    pairs = [([5] * (1 + i % 7), [6] * (1 + i % 5)) for i in range(100)]
    batches = list(sorted_batches(pairs, batch_tokens=40))
    assert sum(len(batch.src) for batch in batches) == 100
    assert sum(batch.num_tokens for batch in batches) == sum(len(tgt) + 1 for _, tgt in pairs)
