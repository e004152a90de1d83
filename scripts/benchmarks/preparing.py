"""How long ``nmt-prepare`` takes and what memory and disk it needs, on corpora of growing size; and
what memory training on them needs."""

import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from nmt.disk_cache import DiskCache
from scripts.benchmarks.process import console_script, run

VOCABULARY = 30_000  # words
PHRASES = 2**18
AT_ONCE = 100_000  # pairs


def measure(*, sizes: list[int], vocab_size: int, steps: int) -> list[dict[str, Any]]:
    """A row a size: seconds and peak_memory_mb (RssAnon) from nothing to encoded pairs, and the
    bytes of a pair that stay on disk. steps: of a small model's training on them, whose
    training_memory_mb is the same; 0 for none."""
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for pairs in sizes:
            place = Path(scratch) / str(pairs)
            place.mkdir()
            write_corpus(place, pairs)
            options = [
                "data=files",
                *(f"data.{part}.{side}={place / part}.{side}" for part in PARTS for side in SIDES),
                f"data.cache={place / 'cache'}",
                f"tokenizer.vocab_size={vocab_size}",
            ]
            finished = run([console_script("nmt-prepare"), *options])
            kept = sum(size for _, size in DiskCache(place / "cache").entries())
            row = {
                "pairs": pairs,
                "seconds": round(finished.seconds, 1),
                "pairs_per_second": round(pairs / finished.seconds),
                "peak_memory_mb": round(finished.peak_mb),
                "bytes_a_pair": round(kept / pairs),
            }
            if steps:
                limits = [f"trainer.max_steps={steps}", f"trainer.validate_every={steps}"]
                more = ["model=small/transformer", "device=cpu", "search.max_length=0.1"]
                command = [console_script("nmt-train"), *options, f"run={place / 'run'}"]
                row["training_memory_mb"] = round(run([*command, *limits, *more]).peak_mb)
            rows.append(row)
    return rows


PARTS, SIDES = ("train", "valid"), ("src", "tgt")


def write_corpus(place: Path, pairs: int) -> None:
    """Made-up sentences of three phrases, of 15 words together on average, whose frequencies fall
    off as Zipf says. Joining phrases is five times as fast as joining words."""
    choose = np.random.default_rng(1)
    letters = np.array([*"etaoinshrdlucmfwypvbgkjqxz"])
    common = np.arange(26, 0, -1) / sum(range(27))
    shares = np.cumsum(1 / np.arange(1, VOCABULARY + 1))
    for side in SIDES:
        words = [
            "".join(choose.choice(letters, size, p=common))
            for size in choose.integers(2, 10, VOCABULARY)
        ]
        counts = choose.integers(3, 8, PHRASES)
        drawn = choose.random(counts.sum()) * shares[-1]
        said = [words[rank] for rank in np.searchsorted(shares, drawn)]
        ends = np.cumsum(counts).tolist()
        phrases = [" ".join(said[start:end]) for start, end in pairwise([0, *ends])]
        for part, size in zip(PARTS, (pairs, 500), strict=True):
            with open(place / f"{part}.{side}", "w", encoding="utf-8") as file:
                for first in range(0, size, AT_ONCE):
                    rows = choose.integers(PHRASES, size=(min(AT_ONCE, size - first), 3)).tolist()
                    file.writelines(f"{phrases[a]} {phrases[b]} {phrases[c]}\n" for a, b, c in rows)
