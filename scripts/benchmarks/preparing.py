"""How long ``nmt-prepare`` takes and what memory it holds, on corpora of growing size."""

import random
import tempfile
from pathlib import Path
from typing import Any

from scripts.benchmarks.process import console_script, run

WORDS = 15
VOCABULARY = 30_000


def measure(*, sizes: list[int], vocab_size: int) -> list[dict[str, Any]]:
    """A row a size: seconds and peak_memory_mb (RssAnon) from nothing to encoded pairs."""
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for pairs in sizes:
            place = Path(scratch) / str(pairs)
            place.mkdir()
            write_corpus(place, pairs)
            finished = run(
                [
                    console_script("nmt-prepare"),
                    "data=files",
                    *(
                        f"data.{part}.{side}={place / part}.{side}"
                        for part in PARTS
                        for side in SIDES
                    ),
                    f"data.cache={place / 'cache'}",
                    f"tokenizer.vocab_size={vocab_size}",
                ]
            )
            rows.append(
                {
                    "pairs": pairs,
                    "seconds": round(finished.seconds, 1),
                    "pairs_per_second": round(pairs / finished.seconds),
                    "peak_memory_mb": round(finished.peak_mb),
                }
            )
    return rows


PARTS, SIDES = ("train", "valid"), ("src", "tgt")


def write_corpus(place: Path, pairs: int) -> None:
    """Made-up sentences of 15 words on average, their frequencies falling off as Zipf says."""
    choose = random.Random(1)
    letters = "etaoinshrdlucmfwypvbgkjqxz"
    for side in SIDES:
        words = [
            "".join(choose.choices(letters, range(26, 0, -1), k=choose.randint(2, 9)))
            for _ in range(VOCABULARY)
        ]
        weights = [1 / rank for rank in range(1, VOCABULARY + 1)]
        cumulated = [sum(weights[:1])]
        for weight in weights[1:]:
            cumulated.append(cumulated[-1] + weight)
        for part, size in zip(PARTS, (pairs, 500), strict=True):
            with open(place / f"{part}.{side}", "w", encoding="utf-8") as file:
                for _ in range(size):
                    count = choose.randint(WORDS - 5, WORDS + 5)
                    line = choose.choices(words, cum_weights=cumulated, k=count)
                    file.write(" ".join(line) + "\n")
