"""Pairs on disk come back exactly, by number and in order."""

from pathlib import Path

import pytest

from nmt.data.stores import BATCH_ROWS, TextStore, TextWriter
from nmt.data.text_files import SentencePair

HOSTILE = [
    "",
    " ",
    "\0",
    "a\tb\rc",
    "\u2028",
    "\ufeff",
    "null",
    '"',
    "😀 e\u0301 \u202eא",
    "x" * 10**5,
]


def stored(path: Path, pairs: list[SentencePair]) -> TextStore:
    with TextWriter.open(path) as writer:
        for pair in pairs:
            writer.add(*pair)
    return TextStore(path)


def numbered(count: int) -> list[SentencePair]:
    return [SentencePair(f"source {n}", f"target {n}") for n in range(count)]


@pytest.mark.parametrize("count", [0, 1, BATCH_ROWS, 2 * BATCH_ROWS + 3])
def test_pairs_come_back_in_order_and_by_number(tmp_path: Path, count: int) -> None:
    pairs = numbered(count)
    store = stored(tmp_path / "x", pairs)
    assert len(store) == count
    assert list(store) == list(store) == pairs
    assert [store[row] for row in range(0, count, 997)] == pairs[::997]
    for row in (-1, count):
        with pytest.raises(IndexError):
            store[row]


def test_any_text_comes_back_exactly(tmp_path: Path) -> None:
    pairs = [SentencePair(text, text[::-1]) for text in HOSTILE]
    assert list(stored(tmp_path / "x", pairs)) == pairs


def test_other_programs_read_it(tmp_path: Path) -> None:
    import datasets

    store = stored(tmp_path / "x.arrow", numbered(BATCH_ROWS + 1))
    data = datasets.Dataset.from_file(str(tmp_path / "x.arrow"))
    assert len(data) == len(store)
    assert data[BATCH_ROWS] == {"src": f"source {BATCH_ROWS}", "tgt": f"target {BATCH_ROWS}"}


def test_a_sample_is_random_and_always_the_same(tmp_path: Path) -> None:
    pairs = numbered(3 * BATCH_ROWS + 5)
    store = stored(tmp_path / "x", pairs)
    sample = store.drawn(5000)
    drawn = list(sample)
    assert len(sample) == len(drawn) == len(set(drawn)) == 5000
    assert drawn == list(sample) == list(store.drawn(5000))
    numbers = [int(pair.src.split()[1]) for pair in drawn]
    assert numbers == sorted(numbers)
    thirds = [sum(n // (len(pairs) // 3) == third for n in numbers) for third in range(3)]
    assert all(1500 < count < 1833 for count in thirds)  # five standard deviations
    assert list(store.drawn(10**6)) == pairs
