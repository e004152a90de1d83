"""How fast a run translates, in batches and sentence by sentence, start-up left out."""

import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from nmt.data.text_files import read_lines
from nmt.evaluation.scorer import Scorer
from nmt.models.transformer import TransformerSeq2Seq
from nmt.search.base import SearchBase
from nmt.search.beam import BeamSearch
from nmt.search.greedy import GreedySearch
from nmt.translator import Translation, Translator
from scripts.benchmarks.peers import Peers

LIMIT = 40
"""Most tokens of a translation, the same for every program."""

LIMITS: dict[str, Any] = {"max_length": 1e-9, "extra_length": LIMIT}
WHOLE: dict[str, Any] = {"sentences": "line", "protection": None}
"""Each line once, as it is, which is what other programs do."""

SEARCHES: dict[int, SearchBase] = {
    1: GreedySearch(**LIMITS),
    5: BeamSearch(beam_size=5, **LIMITS),
}


@dataclass
class Timed:
    """A translator, and what it took so far: seconds each time, translations the last time."""

    translator: Translator
    seconds: list[float] = field(default_factory=list)
    found: list[Translation] = field(default_factory=list)

    def translate(self, lines: Sequence[str]) -> None:
        """Once more."""
        start = time.perf_counter()
        self.found = self.translator.translate(lines, **WHOLE)
        self.seconds.append(time.perf_counter() - start)


def measure(
    *,
    run: Path,
    source: Path,
    reference: Path | None,
    precisions: Sequence[str],
    repeats: int,
    batch_tokens: int,
    peers: Peers | None,
) -> list[dict[str, Any]]:
    """A row a search and precision: sentences_per_second and tokens_per_second in batches, medians
    of ``repeats``; p50_ms and p95_ms of single sentences, the first hundred lines one by one; with
    a reference, BLEU. All translate in turn.

    ``times_X`` is the speed over that of X, the first precision or a peer: OpenNMT-py with a model
    of its own, CTranslate2 with the weights of the run, if that is a transformer's, in float32 and
    in the type that it finds fastest.
    ``same_lines_X`` is the share of lines that both translate alike.
    """
    lines = read_lines(source)
    references = read_lines(reference) if reference else None
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for beam_size, search in SEARCHES.items():
            load = partial(
                Translator.load, run, search=search, device="cpu", batch_tokens=batch_tokens
            )
            ours = {precision: Timed(load(precision=precision)) for precision in precisions}
            for each in ours.values():
                each.translator.translate(lines[:64], **WHOLE)
            first = ours[precisions[0]]
            asked = {"beam_size": beam_size, "limit": LIMIT, "batch_tokens": batch_tokens}
            others: dict[str, tuple[list[float], list[str]]] = {}
            for _ in range(repeats):
                for each in ours.values():
                    each.translate(lines)
                if peers and _is_compared(peers, first.translator):
                    for kind in ("float32", "auto"):
                        seconds, texts = peers.ctranslate2(
                            Path(scratch), first.translator, lines, kind, **asked
                        )
                        before = others.get(kind, ([], texts))[0]
                        others[kind] = [*before, seconds], texts
            theirs = {}
            if peers and peers.has("onmt"):
                theirs = _opennmt(peers, first.translator.model, asked)
            for precision, each in ours.items():
                row = {"beam": beam_size, "precision": precision, **_speed(each, lines)}
                if references:
                    row["bleu"] = _bleu(_texts(each.found), references)
                if each is not first:
                    row |= _beside(precisions[0], each, first.seconds, _texts(first.found))
                for kind, (times, texts) in others.items():
                    row |= _beside(f"ctranslate2_{kind}", each, times, texts)
                if theirs:
                    rate = row["sentences_per_second"] / theirs["opennmt"]
                    row |= {**theirs, "times_opennmt": round(rate, 2)}
                rows.append(row)
    return rows


def _is_compared(peers: Peers, translator: Translator) -> bool:
    """Whether CTranslate2 can take the model."""
    return peers.has("ctranslate2") and isinstance(translator.model, TransformerSeq2Seq)


def _speed(timed: Timed, lines: Sequence[str]) -> dict[str, Any]:
    middle = statistics.median(timed.seconds)
    return {
        "sentences_per_second": round(len(lines) / middle, 1),
        "tokens_per_second": round(sum(one.tokens for one in timed.found) / middle),
        **_latency(timed.translator, lines[:100]),
    }


def _beside(
    name: str, timed: Timed, seconds: Sequence[float], texts: Sequence[str]
) -> dict[str, float]:
    theirs, same = statistics.median(seconds), zip(_texts(timed.found), texts, strict=True)
    return {
        name: round(len(texts) / theirs, 1),
        f"times_{name}": round(theirs / statistics.median(timed.seconds), 2),
        f"same_lines_{name}": round(statistics.mean(one == other for one, other in same), 3),
    }


def _texts(found: Sequence[Translation]) -> list[str]:
    return [translation.text for translation in found]


def _bleu(texts: Sequence[str], references: Sequence[str]) -> float:
    scorer = Scorer()
    bleu = scorer.corpus_score(scorer.count(texts, references)).bleu
    return round(bleu, 2)


def _opennmt(peers: Peers, model: object, asked: dict[str, int]) -> dict[str, float]:
    kind = "transformer" if isinstance(model, TransformerSeq2Seq) else "rnn"
    theirs = peers.opennmt(kind, **asked)
    return {
        "opennmt": round(theirs["sentences_per_second"], 1),
        "opennmt_tokens_per_second": round(theirs["tokens_per_second"]),
    }


def _latency(translator: Translator, lines: Sequence[str]) -> dict[str, float]:
    milliseconds = []
    for line in lines:
        start = time.perf_counter()
        translator.translate([line], **WHOLE)
        milliseconds.append(1000 * (time.perf_counter() - start))
    percentiles = statistics.quantiles(milliseconds, n=20, method="inclusive")
    return {
        "p50_ms": round(statistics.median(milliseconds), 1),
        "p95_ms": round(percentiles[18], 1),
    }
