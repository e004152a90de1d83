from pathlib import Path

import numpy as np
import pytest

from nmt.data.build_corpus import repeats


@pytest.mark.parametrize("chunk", [1, 2, 7, 1000])
@pytest.mark.parametrize("kinds", [1, 3, 50, 10**9])
def test_all_but_the_first_repeat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int, kinds: int
) -> None:
    monkeypatch.setattr("nmt.files.SLICE_ROWS", chunk)
    keys = np.random.default_rng(1).integers(0, kinds, size=120).astype(np.uint64)
    keys *= np.uint64(2**64 // 10**9)  # to the far end of 64 bits
    seen: set[int] = set()
    expected = []
    for key in keys.tolist():
        expected.append(key in seen)
        seen.add(key)
    assert repeats(keys, tmp_path).tolist() == expected


def test_no_keys_are_no_trouble(tmp_path: Path) -> None:
    assert repeats(np.zeros(0, np.uint64), tmp_path).tolist() == []
