"""How fast a run translates, in batches and sentence by sentence, start-up left out."""

import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nmt.corpus.reading import read_lines
from nmt.search.beam import BeamSearch
from nmt.search.greedy import GreedySearch
from nmt.search.hypothesis import Search
from nmt.translator import Translator

SEARCHES: dict[str, Search] = {
    "greedy": GreedySearch(),
    "beam 5": BeamSearch(beam_size=5),
}


def measure(*, run: Path, source: Path, repeats: int, batch_tokens: int) -> list[dict[str, Any]]:
    """A row a search: sentences_per_second and tokens_per_second in batches, medians of
    ``repeats``; p50_ms and p95_ms of single sentences, the first hundred lines one by one."""
    lines = read_lines(source)
    rows = []
    for name, search in SEARCHES.items():
        translator = Translator.load(run, search=search, device="cpu", batch_tokens=batch_tokens)
        translator.translate(lines[:64])
        seconds, tokens = [], 0
        for _ in range(repeats):
            start = time.perf_counter()
            tokens = sum(translation.tokens for translation in translator.translate(lines))
            seconds.append(time.perf_counter() - start)
        middle = statistics.median(seconds)
        rows.append(
            {
                "search": name,
                "sentences_per_second": round(len(lines) / middle, 1),
                "tokens_per_second": round(tokens / middle),
                **_latency(translator, lines[:100]),
            }
        )
    return rows


def _latency(translator: Translator, lines: Sequence[str]) -> dict[str, float]:
    milliseconds = []
    for line in lines:
        start = time.perf_counter()
        translator.translate([line])
        milliseconds.append(1000 * (time.perf_counter() - start))
    percentiles = statistics.quantiles(milliseconds, n=20, method="inclusive")
    return {
        "p50_ms": round(statistics.median(milliseconds), 1),
        "p95_ms": round(percentiles[18], 1),
    }
