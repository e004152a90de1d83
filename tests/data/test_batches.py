from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from nmt.data.batches import (
    Curriculum,
    PairsInMemory,
    TrainingBatches,
    budget_ends,
    collate,
    sorted_batches,
    token_batches,
)
from nmt.disk_cache import DiskCache
from nmt.files import mapped_zeros
from nmt.tokenizer import BOS, EOS, PAD


def random_lengths(count: int, seed: int = 0) -> NDArray[np.int32]:
    """Without EOS."""
    return np.random.default_rng(seed).integers(0, 59, size=(count, 2), dtype=np.int32)


def test_collate_adds_bos_and_eos_before_padding() -> None:
    batch = collate([([7, 8], [9]), (np.array([7], np.int32), [9, 10, 11]), ([], [])])
    assert batch.src.tolist() == [[7, 8, EOS], [7, EOS, PAD], [EOS, PAD, PAD]]
    assert batch.tgt_input.tolist() == [
        [BOS, 9, PAD, PAD],
        [BOS, 9, 10, 11],
        [BOS, PAD, PAD, PAD],
    ]
    assert batch.labels.tolist() == [[9, EOS, PAD, PAD], [9, 10, 11, EOS], [EOS, PAD, PAD, PAD]]
    assert batch.num_tokens == 7
    assert batch.src.dtype == torch.int64


@pytest.mark.parametrize("seed", [None, 1])
def test_every_pair_stands_in_one_batch_within_the_budget(seed: int | None) -> None:
    lengths = random_lengths(5000)
    batches = token_batches(lengths, 500, seed=seed)
    assert sorted(np.concatenate(list(batches)).tolist()) == list(range(5000))
    assert all((lengths[batch].max() + 1) * len(batch) <= 500 for batch in batches)
    assert len(batches) == len(list(batches))


@pytest.mark.parametrize("cached", [False, True])
def test_short_pairs_come_first(cached: bool, tmp_path: Path) -> None:
    lengths = random_lengths(5000)
    pairs = PairsInMemory((range(src), range(tgt)) for src, tgt in lengths)
    batches = TrainingBatches(
        lambda epoch: pairs,
        batch_tokens=500,
        seed=1,
        cache=DiskCache(tmp_path) if cached else None,
        curriculum=Curriculum(epochs=2, longest=20),
    )
    found = []
    for epoch in range(3):
        count, read = batches.epoch(epoch)
        found.append([tuple(batch.src.shape) for batch in read(0)])
        assert count == len(found[epoch])
        sides = [batch for each in read(0) for batch in (each.src, each.labels)]
        longest = 20 if epoch < 2 else 58
        assert max(side.shape[1] - 1 for side in sides) == longest
        read_pairs = sum(map(len, sides)) // 2
        assert read_pairs == (lengths.max(axis=1) <= longest).sum()
    assert found[0] != found[1]
    plain = TrainingBatches(lambda epoch: pairs, batch_tokens=500, seed=1)
    assert found[2] == [tuple(batch.src.shape) for batch in plain.epoch(2)[1](0)]


def test_a_curriculum_needs_short_pairs() -> None:
    lengths = np.array([(3, 9), (7, 5), (1, 8)], np.int32)
    Curriculum(epochs=1, longest=7).check_fits(lengths)
    Curriculum(epochs=0, longest=6).check_fits(lengths)
    with pytest.raises(ValueError, match="longest must be at least 7, the tokens of the shortest"):
        Curriculum(epochs=1, longest=6).check_fits(lengths)


def test_a_pair_over_the_budget_is_a_batch_by_itself() -> None:
    lengths = np.array([(3, 3), (900, 2), (3, 3)], np.int32)
    batches = [batch.tolist() for batch in token_batches(lengths, 100, seed=1)]
    assert [1] in batches
    assert sorted(i for batch in batches for i in batch) == [0, 1, 2]


def test_no_pairs_are_no_batches() -> None:
    for seed in (None, 1):
        assert list(token_batches(random_lengths(0), 100, seed=seed)) == []


def test_little_of_a_batch_is_padding() -> None:
    lengths = random_lengths(20_000)
    batches = token_batches(lengths, 2000, seed=1)
    padded = sum(int(lengths[batch, 1].max() + 1) * len(batch) for batch in batches)
    assert (lengths[:, 1] + 1).sum() / padded > 0.9


def test_order_is_decided_by_seed_and_epoch() -> None:
    def order(seed: int, epoch: int) -> list[int]:
        batches = token_batches(random_lengths(500), 300, seed=seed, epoch=epoch)
        return np.concatenate(list(batches)).tolist()

    assert order(1, 3) == order(1, 3)
    assert order(1, 3) != order(1, 4)
    assert order(1, 3) != order(2, 3)


@pytest.mark.parametrize("on_disk", [True, False])
def test_the_order_is_that_of_a_permutation_in_memory(tmp_path: Path, on_disk: bool) -> None:
    """One pair a batch and one pool: nothing is left but the two shuffles."""
    lengths = np.full((70_000, 2), 4, np.int32)
    cache = DiskCache(tmp_path) if on_disk else None
    batches = token_batches(lengths, 5, seed=1, epoch=2, cache=cache)
    random = np.random.default_rng([1, 2])
    order = random.permutation(70_000)
    expected = order[random.permutation(70_000)]
    assert np.concatenate(list(batches)).tolist() == expected.tolist()


def test_the_order_lies_in_the_cache_and_not_where_temporary_files_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There it may lie in memory."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    made: list[Path] = []

    def watched(path: Path, dtype: Any, size: int) -> NDArray[Any]:
        made.append(path)
        return mapped_zeros(path, dtype, size)

    monkeypatch.setattr("nmt.data.batches.mapped_zeros", watched)
    cache = DiskCache(tmp_path / "cache")
    pairs = PairsInMemory([([5], [6, 7])] * 10)
    batches = TrainingBatches(lambda epoch: pairs, batch_tokens=40, seed=1, cache=cache)
    _, read = batches.epoch(0)
    assert [path.parents[1] for path in made] == [cache.place]
    assert list(cache.place.iterdir()) == []
    assert sum(len(batch.src) for batch in read(0)) == 10


def test_an_epoch_can_be_read_from_its_middle() -> None:
    pairs = PairsInMemory([([5] * (1 + i % 7), [6] * (1 + i % 5)) for i in range(100)])
    batches = TrainingBatches(lambda epoch: pairs, batch_tokens=40, seed=1)
    length, read = batches.epoch(2)
    whole = list(read(0))
    assert len(whole) == length
    for one, other in zip(whole[4:], read(4), strict=True):
        assert torch.equal(one.src, other.src) and torch.equal(one.labels, other.labels)


def test_validation_reads_every_pair_once() -> None:
    pairs = [([5] * (1 + i % 7), [6] * (1 + i % 5)) for i in range(100)]
    batches = list(sorted_batches(PairsInMemory(pairs), batch_tokens=40))
    assert sum(len(batch.src) for batch in batches) == 100
    assert sum(batch.num_tokens for batch in batches) == sum(len(tgt) + 1 for _, tgt in pairs)


@pytest.mark.parametrize("sizes", [[], [9], [3, 3, 3], [1, 9, 1, 1], [2, 3, 1, 1, 5, 1], [5] * 7])
def test_batches_of_a_budget_end_as_late_as_can_be(sizes: list[int]) -> None:
    ends = list(budget_ends(sizes, 6))
    starts = [0, *ends[:-1]]
    assert ends[-1:] == [len(sizes)][: len(sizes)]
    for start, end in zip(starts, ends, strict=False):
        assert end - start == 1 or (end - start) * max(sizes[start:end]) <= 6
        assert end == len(sizes) or (end + 1 - start) * max(sizes[start : end + 1]) > 6
