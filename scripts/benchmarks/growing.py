"""How time grows: of training with the corpus, of translating with the sentence."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from nmt.models.interface import Seq2SeqModel
from nmt.search.base import SearchBase
from nmt.search.beam import BeamSearch
from nmt.search.greedy import GreedySearch
from nmt.tokenizer import EOS
from scripts.benchmarks import training
from scripts.benchmarks.shapes import VOCABULARY, random_model

SENTENCES = 20


def with_corpus(*, sizes: Sequence[int], data: Path, steps: int, threads: int) -> list[Any]:
    """Target tokens a second of the benchmark's transformer on the first pairs of Multi30k."""
    rows = []
    for pairs in sizes:
        row = training.measure(
            experiment="bench_transformer",
            data=data,
            steps=steps,
            precision="auto",
            threads=threads,
            keep=None,
            options=[f"data.max_pairs={pairs}", "tokenizer.vocab_size=4000"],
        )
        rows.append(
            {
                "pairs": pairs,
                "target_tokens_per_second": row["target_tokens_per_second"],
                "peak_memory_mb": row["peak_memory_mb"],
            }
        )
    return rows


def with_length(*, lengths: Sequence[int]) -> list[dict[str, Any]]:
    """Milliseconds a sentence and a token; source and translation have the same length, which the
    limit sets: the weights are random and end nothing."""
    rows = []
    for name in ("transformer", "lstm_bahdanau"):
        model = random_model(name).eval()
        for beam_size in (1, 5):
            for length in lengths:
                limits: dict[str, Any] = {"max_length": 1e-9, "extra_length": length}
                search: SearchBase = (
                    GreedySearch(**limits) if beam_size == 1 else BeamSearch(**limits)
                )
                seconds = _seconds(model, search, length) / SENTENCES
                rows.append(
                    {
                        "model": name,
                        "beam": beam_size,
                        "tokens": length,
                        "ms_per_sentence": round(1000 * seconds, 2),
                        "ms_per_token": round(1000 * seconds / length, 3),
                    }
                )
    return rows


def _seconds(model: Seq2SeqModel, search: SearchBase, length: int) -> float:
    """The faster of two."""
    src = torch.randint(EOS + 1, VOCABULARY, (SENTENCES, length))
    src[:, -1] = EOS
    times = []
    for _ in range(2):
        start = time.perf_counter()
        search(model, src)
        times.append(time.perf_counter() - start)
    return min(times)
