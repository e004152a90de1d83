"""Which pairs of several corpora an epoch reads."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from nmt.data.batches import PairsInMemory, TrainingBatches, token_batches
from nmt.data.mixture import CorpusCounts, Mixture, Share, table
from nmt.disk_cache import DiskCache

SHARES = (Share(7, 2), Share(101, 0.5), Share(0, 3), Share(10, 1.5), Share(30, 0.3), Share(5, 1))
MIXTURE = Mixture(SHARES)
PAIRS = sum(share.pairs for share in SHARES)


def rows(mixture: Mixture, epoch: int, seed: int = 1) -> NDArray[np.int64]:
    found = np.zeros(mixture.size(epoch), np.int64)
    mixture.fill(found, seed=seed, epoch=epoch)
    return found


def times_read(mixture: Mixture, epochs: range) -> list[NDArray[np.int64]]:
    """How many times the epochs read each pair, corpus by corpus."""
    size = sum(share.pairs for share in mixture.shares)
    read = np.concatenate([rows(mixture, epoch) for epoch in epochs])
    ends = np.cumsum([share.pairs for share in mixture.shares])
    return np.split(np.bincount(read, minlength=size), ends[:-1])


@pytest.mark.parametrize("epoch", [0, 1, 8])
def test_an_epoch_reads_each_pair_as_often_as_the_weight_says(epoch: int) -> None:
    twice, half, none, more, third, once = times_read(MIXTURE, range(epoch, epoch + 1))
    assert (twice == 2).all() and (once == 1).all() and not len(none)
    assert half.max() == 1 and half.sum() in (50, 51)
    assert (more.min(), more.max(), more.sum()) == (1, 2, 15)
    assert third.max() == 1 and third.sum() == 9


@pytest.mark.parametrize("start", [0, 1, 6])
def test_the_halves_of_two_epochs_are_the_whole(start: int) -> None:
    half, more = (times_read(MIXTURE, range(start, start + 2))[n] for n in (1, 3))
    assert half.max() <= 2 and (half >= 1).sum() >= 100 and (more == 3).all()
    even = Mixture((Share(100, 0.5),))
    assert (times_read(even, range(start, start + 2))[0] == 1).all()


@pytest.mark.parametrize(("weight", "epochs", "times"), [(0.1, 10, 1), (0.3, 10, 3), (2.25, 4, 9)])
def test_weights_come_out_even_in_the_end(weight: float, epochs: int, times: int) -> None:
    mixture = Mixture((Share(37, weight), Share(2, 1)))
    assert (times_read(mixture, range(epochs))[0] == times).all()
    for end in range(1, epochs):
        so_far = times_read(mixture, range(end))[0]
        assert so_far.max() - so_far.min() <= 1


def test_parts_differ_between_seeds_and_corpora_and_are_drawn_at_random() -> None:
    def part(seed: int, number: int) -> list[int]:
        alike = Mixture((Share(1000, 0.5), Share(1000, 0.5)))
        return sorted(rows(alike, 0, seed)[500 * number :][:500] - 1000 * number)

    assert part(1, 0) == part(1, 0)
    assert part(1, 0) != part(2, 0)
    assert part(1, 0) != part(1, 1)
    assert 200 < sum(row < 500 for row in part(1, 0)) < 300


def test_an_epoch_is_the_same_whatever_was_read_before() -> None:
    """So that a resumed run goes on as if it had not stopped."""
    later = rows(MIXTURE, 3)
    for epoch in range(3):
        rows(MIXTURE, epoch)
    assert (rows(MIXTURE, 3) == later).all()


@pytest.mark.parametrize("on_disk", [True, False])
def test_corpora_of_weight_1_are_one_corpus(tmp_path: Path, on_disk: bool) -> None:
    lengths = np.random.default_rng(0).integers(0, 59, size=(500, 2), dtype=np.int32)
    cache = DiskCache(tmp_path) if on_disk else None
    mixture = Mixture((Share(200, 1), Share(0, 1), Share(300, 1.0)))
    for epoch in range(2):
        mixed = token_batches(lengths, 300, seed=1, epoch=epoch, cache=cache, mixture=mixture)
        plain = token_batches(lengths, 300, seed=1, epoch=epoch)
        assert np.concatenate(list(mixed)).tolist() == np.concatenate(list(plain)).tolist()
        assert mixed.bounds.tolist() == plain.bounds.tolist()


def test_batches_hold_the_pairs_of_the_epoch_shuffled() -> None:
    pairs = PairsInMemory([([n], [n] * (1 + n % 7)) for n in range(PAIRS)])
    batches = TrainingBatches(lambda epoch: pairs, batch_tokens=40, seed=1, mixture=MIXTURE)
    length, read = batches.epoch(3)
    whole = [batch.src[:, 0].tolist() for batch in read(0)]
    assert len(whole) == length
    order = [row for batch in whole for row in batch]
    assert sorted(order) == sorted(rows(MIXTURE, 3).tolist()) != order
    assert [batch.src[:, 0].tolist() for batch in read(4)] == whole[4:]
    assert max(batch.labels.numel() for batch in read(0)) <= 40


def test_the_table_shows_the_rules_that_dropped_something() -> None:
    def counts(number: int, dropped: int, tag: str | None) -> CorpusCounts:
        return CorpusCounts(
            name=f"train[{number}]",
            text="a.en",
            weight=0.5,
            tag=tag,
            total=2000,
            dropped={"empty": 0, "too_long": dropped},
            drawn=0,
            kept=2000 - dropped,
            an_epoch=1000,
        )

    assert table([]) == []
    assert table([counts(0, 0, None), counts(1, 500, "<web>")]) == [
        "corpus    text   read  too_long   kept  weight  pairs an epoch  tag",
        "train[0]  a.en  2,000         0  2,000     0.5           1,000",
        "train[1]  a.en  2,000       500  1,500     0.5           1,000  <web>",
    ]
