"""How fast a run translates, in batches and sentence by sentence, start-up left out."""

import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nmt.corpus.reading import read_lines
from nmt.models.transformer import TransformerSeq2Seq
from nmt.search.beam import BeamSearch
from nmt.search.greedy import GreedySearch
from nmt.search.limited import LimitedSearch
from nmt.translator import Translator
from scripts.benchmarks.peers import Peers

LIMIT = 40
"""Most tokens of a translation, the same for every program."""

LIMITS: dict[str, Any] = {"max_length": 1e-9, "extra_length": LIMIT}
SEARCHES: dict[int, LimitedSearch] = {
    1: GreedySearch(**LIMITS),
    5: BeamSearch(beam_size=5, **LIMITS),
}


def measure(
    *, run: Path, source: Path, repeats: int, batch_tokens: int, peers: Peers | None
) -> list[dict[str, Any]]:
    """A row a search: sentences_per_second and tokens_per_second in batches, medians of
    ``repeats``; p50_ms and p95_ms of single sentences, the first hundred lines one by one.

    With peers, these translate in turn with ours: OpenNMT-py with a model of its own, CTranslate2
    with the weights of the run, if that is a transformer's. ``times`` is our speed over theirs;
    ``same_lines`` the share of lines that CTranslate2 translates alike.
    """
    lines = list(read_lines(source))
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for beam_size, search in SEARCHES.items():
            translator = Translator.load(
                run, search=search, device="cpu", batch_tokens=batch_tokens
            )
            translator.translate(lines[:64])
            seconds, others, tokens, alike = [], [], 0, 0.0
            for _ in range(repeats):
                start = time.perf_counter()
                found = translator.translate(lines)
                seconds.append(time.perf_counter() - start)
                tokens = sum(translation.tokens for translation in found)
                if peers and isinstance(translator.model, TransformerSeq2Seq):
                    other, texts = peers.ctranslate2(
                        Path(scratch),
                        translator,
                        lines,
                        beam_size=beam_size,
                        limit=LIMIT,
                        batch_tokens=batch_tokens,
                    )
                    others.append(other)
                    same = [one.text == text for one, text in zip(found, texts, strict=True)]
                    alike = statistics.mean(same)
            middle = statistics.median(seconds)
            row = {
                "beam": beam_size,
                "sentences_per_second": round(len(lines) / middle, 1),
                "tokens_per_second": round(tokens / middle),
                **_latency(translator, lines[:100]),
            }
            if others:
                other = statistics.median(others)
                row["ctranslate2"] = round(len(lines) / other, 1)
                row["times_ctranslate2"] = round(other / middle, 2)
                row["same_lines"] = round(alike, 3)
            if peers:
                row |= _opennmt(peers, translator.model, beam_size, batch_tokens, row)
            rows.append(row)
    return rows


def _opennmt(
    peers: Peers, model: object, beam_size: int, batch_tokens: int, ours: dict[str, Any]
) -> dict[str, float]:
    kind = "transformer" if isinstance(model, TransformerSeq2Seq) else "rnn"
    theirs = peers.opennmt(kind, beam_size=beam_size, limit=LIMIT, batch_tokens=batch_tokens)
    return {
        "opennmt": round(theirs["sentences_per_second"], 1),
        "opennmt_tokens_per_second": round(theirs["tokens_per_second"]),
        "times_opennmt": round(ours["sentences_per_second"] / theirs["sentences_per_second"], 2),
    }


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
