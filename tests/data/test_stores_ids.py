"""Ids on disk are those that the tokenizer gives, made once, by number."""

from pathlib import Path

import numpy as np
import pytest

from nmt.data import stores as module
from nmt.data.stores import BATCH_ROWS, IdsStore, TextStore, TextWriter, encoded, write_sampled
from nmt.disk_cache import DiskCache
from nmt.tokenizer import Tokenizer

PRINTS = {"src": "1", "tgt": "2"}


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> TextStore:
    """More than a batch, with empty sides and characters that no piece covers."""
    path = tmp_path_factory.mktemp("text") / "text"
    words = ["a", "ab", "ba bb", "é", "", "b a b"]
    with TextWriter.open(path) as writer:
        for n in range(BATCH_ROWS + 10):
            writer.add(words[n % 5] + " ab" * (n % 11), words[n % 6])
    return TextStore(path)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    pairs = [("a ab ba bb", "b a b ab ab")] * 3
    return Tokenizer.train(pairs, kind="bpe", vocab_size=274, joint=True, normalization="none")


def test_ids_are_those_of_the_tokenizer(
    text: TextStore, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    store = encoded(text, PRINTS, tokenizer, DiskCache(tmp_path), threads=2)
    src = tokenizer.encode_src([pair.src for pair in text])
    tgt = tokenizer.encode_tgt([pair.tgt for pair in text])
    for row in (*range(20), BATCH_ROWS - 1, BATCH_ROWS, BATCH_ROWS + 9):
        assert [side.tolist() for side in store[row]] == [src[row], tgt[row]]
    expected = [(len(one), len(other)) for one, other in zip(src, tgt, strict=True)]
    assert store.lengths.tolist() == np.array(expected).tolist()
    assert store.longest_source == max(map(len, src))
    assert store.tokens == {"src": sum(map(len, src)), "tgt": sum(map(len, tgt))}


def test_they_are_made_once_for_a_text_and_a_tokenizer(
    text: TextStore, tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = DiskCache(tmp_path)
    first = encoded(text, PRINTS, tokenizer, cache, threads=1)
    with monkeypatch.context() as patch:
        patch.setattr(module, "write_ids", None)  # would fail if it were called
        again = encoded(text, PRINTS, tokenizer, cache, threads=1)
        assert again[5][0].tolist() == first[5][0].tolist()
    pairs = [("a ab ba bb", "b a b ab ab")] * 3
    other = Tokenizer.train(pairs, kind="bpe", vocab_size=272, joint=True)
    encoded(text, PRINTS, other, cache, threads=1)
    encoded(text, PRINTS | {"tgt": "3"}, tokenizer, cache, threads=1)
    assert len(list(tmp_path.iterdir())) == 3


def test_a_random_segmentation_stands_for_the_same_text(
    text: TextStore, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    stores = []
    for seed in (1, 2):
        with DiskCache(tmp_path).scratch() as directory:
            write_sampled(directory, text, tokenizer, sampling=0.5, seed=seed)
            stores.append(IdsStore(directory))
    first, second = stores
    assert list(tmp_path.iterdir()) == []  # nothing is left to delete, and both can be read
    rows = range(0, len(text), 7)
    assert [tokenizer.decode_tgt([first[row][0].tolist()])[0] for row in rows] == [
        text[row].src for row in rows
    ]
    assert any(first[row][1].tolist() != second[row][1].tolist() for row in rows)
    src = list(tokenizer.sample_src((pair.src for pair in text), sampling=0.5, seed=1))
    assert [first[row][0].tolist() for row in range(len(text))] == src
