"""What is made ahead is what would be made when it is needed."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
import torch

from nmt.data.ahead import EpochsAhead, EpochText, _prefetched, on_device
from nmt.data.augmentation import Augmentation, Augmenter
from nmt.data.batches import Batch, collate
from nmt.data.stores import IdsStore, TextStore, TextWriter, encoded
from nmt.disk_cache import DiskCache
from nmt.tokenizer import Tokenizer

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _without_pinned_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Batch, "pinned", lambda batch: batch)


def batches(numbers: Iterator[int] | range) -> Iterator[Batch]:
    return (collate([([5 + n % 9] * (1 + n % 4), [6])]) for n in numbers)


@pytest.mark.parametrize("bring", [on_device, _prefetched])
def test_the_batches_come_in_their_order(bring: Callable[..., Iterator[Batch]]) -> None:
    expected = [batch.src.tolist() for batch in batches(range(20))]
    assert [batch.src.tolist() for batch in bring(batches(range(20)), CPU)] == expected


def test_an_error_comes_after_the_batches_before_it() -> None:
    def failing() -> Iterator[Batch]:
        yield from batches(range(2))
        raise ValueError("the third")

    found = _prefetched(failing(), CPU)
    next(found), next(found)
    with pytest.raises(ValueError, match="the third"):
        next(found)


def test_closing_ends_the_thread() -> None:
    read = count()
    found = _prefetched(batches(read), CPU)
    next(found)
    found.close()
    after = next(read)
    assert next(read) == after + 1  # nobody else reads


ROWS = 300


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> TextStore:
    path = tmp_path_factory.mktemp("text") / "text"
    with TextWriter.open(path) as writer:
        for n in range(ROWS):
            writer.add(f"The {n % 7} red apples of house {n}.", f"Les {n % 7} pommes rouges {n}.")
    return TextStore(path)


@pytest.fixture(scope="module")
def tokenizer(text: TextStore) -> Tokenizer:
    pairs = [(pair.src, pair.tgt) for pair in text]
    return Tokenizer.train(pairs, kind="bpe", vocab_size=330, joint=True)


@pytest.fixture(params=["sampled", "augmented", "both"])
def epochs(
    request: pytest.FixtureRequest, text: TextStore, tokenizer: Tokenizer, tmp_path: Path
) -> EpochText:
    shares = Augmentation(upper=0.3, drop_punctuation=0.5)
    augmenter = Augmenter(
        shares, placeholders=tokenizer.placeholders, src_lang="en", tgt_lang="fr", seed=1
    )
    ids = encoded(text, {"src": "1", "tgt": "2"}, tokenizer, DiskCache(tmp_path / "ids"), threads=1)
    return EpochText(
        text,
        ids,
        tokenizer,
        sampling=0.0 if request.param == "augmented" else 0.3,
        seed=1,
        augmenter=None if request.param == "sampled" else augmenter,
    )


def rows(ids: IdsStore) -> list[list[list[int]]]:
    return [[side.tolist() for side in ids[row]] for row in range(ROWS)]


def expected(epochs: EpochText, epoch: int, directory: Path) -> list[list[list[int]]]:
    directory.mkdir()
    epochs.write(directory, epoch, threads=1)
    return rows(IdsStore(directory))


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """An epoch of a few pairs is encoded ahead too."""
    monkeypatch.setattr("nmt.data.ahead.WORTH", 0.0)


@pytest.mark.usefixtures("always")
def test_another_process_encodes_the_same(epochs: EpochText, tmp_path: Path) -> None:
    cache = DiskCache(tmp_path / "cache")
    ahead = EpochsAhead(epochs, cache, threads=1, ahead=1)
    first = ahead(0)
    assert ahead(0) is first
    process = ahead._begun[1]._process
    second = rows(ahead(1))
    assert process.returncode == 0
    assert second == expected(epochs, 1, tmp_path / "there") != rows(first)
    del ahead
    assert not list(cache.place.iterdir())


@pytest.mark.usefixtures("always")
def test_an_epoch_whose_process_was_killed_is_encoded_here(
    epochs: EpochText, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ahead = EpochsAhead(epochs, DiskCache(tmp_path / "cache"), threads=1, ahead=2)
    ahead(3)
    assert sorted(ahead._begun) == [4, 5]
    for begun in ahead._begun.values():
        begun._process.kill()
    other = ahead._begun[5]._process
    assert rows(ahead(9)) == expected(epochs, 9, tmp_path / "there")
    assert other.returncode is not None  # nobody needs epoch 5 any more
    ahead._begun[10]._process.kill()
    assert rows(ahead(10)) == expected(epochs, 10, tmp_path / "then")
    assert caplog.messages == ["epoch 10 is encoded here: the process that had begun it failed"]


def test_no_process_is_begun_for_what_takes_no_time(epochs: EpochText, tmp_path: Path) -> None:
    ahead = EpochsAhead(epochs, DiskCache(tmp_path / "cache"), threads=1, ahead=2)
    ahead(0), ahead(1)
    assert not ahead._begun
