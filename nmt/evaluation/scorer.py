"""Scores a corpus with several metrics, from counts of each of its sentences.

Dims: N sentences, K counts of a metric for each.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sacrebleu.metrics.bleu import MAX_NGRAM_ORDER

from nmt.checks import one_of
from nmt.evaluation.metrics import METRICS, VARYING, Bleu, Counts, Metric, ReferenceTexts


@dataclass(frozen=True)
class CorpusScore:
    """Scores of a corpus, by the metric's name. length_ratio: tokens of the hypotheses per token of
    the references, None where these have none."""

    scores: Mapping[str, float]
    brevity_penalty: float
    length_ratio: float | None

    @property
    def bleu(self) -> float:
        """0-100."""
        return self.scores["bleu"]


class Scorer:
    """Scores translations with several metrics.

    metrics: names in METRICS; "bleu" must be one. tokenize, lowercase: see ``Metric``. own: further
    metrics, by their names.

    Raises ValueError for an unknown metric, without BLEU, and for a tokenizer that sacreBLEU does
    not have, or cannot set up here.
    """

    def __init__(
        self,
        *,
        metrics: Sequence[str] = ("bleu", "chrf"),
        tokenize: str = "13a",
        lowercase: bool = False,
        own: Mapping[str, Metric] | None = None,
    ) -> None:
        check_metrics(metrics)
        self.metrics = {
            name: METRICS[name](tokenize=tokenize, lowercase=lowercase) for name in metrics
        } | dict(own or {})
        bleu = self.metrics["bleu"]
        assert isinstance(bleu, Bleu)
        self._bleu = bleu

    def signatures(self, nrefs: int = 1) -> dict[str, str]:
        """The signature of each metric. nrefs: number of references, or VARYING."""
        return {name: metric.signature(nrefs) for name, metric in self.metrics.items()}

    def tokens(self, line: str) -> list[str]:
        """The words of a line, as BLEU counts them."""
        return self._bleu.tokens(line)

    def count(
        self,
        hypotheses: Sequence[str],
        *references: Sequence[str],
        sources: Sequence[str] | None = None,
    ) -> "Statistics":
        """Counts what each hypothesis has in common with the references on the same line.

        references: each a text with a line for each hypothesis; see ``reference_texts``. sources:
        for the metrics that read them.
        Raises ValueError if there is nothing to score or the numbers of lines differ, TypeError if
        an argument is not a sequence of strings.
        """
        _check_lines("hypotheses", hypotheses)
        texts = reference_texts(references)
        if len(hypotheses) != len(texts[0]):
            raise ValueError(
                f"{len(hypotheses)} hypotheses but {len(texts[0])} references: "
                "line i of one must translate line i of the other"
            )
        if not hypotheses:
            raise ValueError("there is no sentence to score")
        return Statistics(
            {
                name: metric.count(hypotheses, texts, sources)
                for name, metric in self.metrics.items()
            }
        )

    def corpus_score(self, statistics: "Statistics") -> CorpusScore:
        """The scores of all sentences together, sacreBLEU's to the last digit."""
        bleu = statistics["bleu"]
        hypothesis, reference = bleu[:, 0].sum(), bleu[:, 1].sum()
        return CorpusScore(
            scores={name: metric.score(statistics[name]) for name, metric in self.metrics.items()},
            brevity_penalty=self._bleu.brevity_penalty(bleu),
            length_ratio=float(hypothesis / reference) if reference else None,
        )


@dataclass(frozen=True)
class Statistics:
    """The counts that the metrics sum: for each metric (N, K), a row for each sentence."""

    counts: Mapping[str, Counts]

    def __getitem__(self, metric: str) -> Counts:
        return self.counts[metric]

    def __len__(self) -> int:
        return len(self.counts["bleu"])

    def select(self, sentences: Sequence[int] | NDArray[Any]) -> "Statistics":
        """The rows of these sentences, by index."""
        rows = np.asarray(sentences, dtype=np.intp)
        return Statistics({name: counts[rows] for name, counts in self.counts.items()})

    @property
    def bleu_is_defined(self) -> bool:
        """Whether any reference holds a 4-gram. If none does, even perfect translations score 0."""
        return bool((self.counts["bleu"][:, 1] >= MAX_NGRAM_ORDER).any())


def check_metrics(names: Sequence[str]) -> None:
    """Raises ValueError for names that no metric has, one given twice, and without BLEU."""
    for name in names:
        one_of("metrics", name, METRICS)
    if len(set(names)) != len(names) or "bleu" not in names:
        raise ValueError(f"metrics must name bleu, and each metric once, got {list(names)}")


def reference_texts(references: Sequence[Sequence[str]]) -> list[Sequence[str | None]]:
    """The references with None for a blank one of a sentence that has another: it is missing there.

    Raises ValueError for no reference, or for different numbers of lines, TypeError for other than
    sequences of strings.
    """
    if not references:
        raise ValueError("there is no reference")
    for text in references:
        _check_lines("references", text)
    if len({len(text) for text in references}) > 1:
        listed = " and ".join(f"{len(text)} lines" for text in references)
        raise ValueError(f"references of {listed}: each must have a line for each sentence")
    if len(references) == 1:
        return [references[0]]
    rows = [
        [one if one.strip() or not any(other.strip() for other in row) else None for one in row]
        for row in zip(*references, strict=True)
    ]
    return [list(text) for text in zip(*rows, strict=True)] or [[] for _ in references]


def number_of_references(texts: ReferenceTexts) -> int:
    """How many references each sentence has; VARYING where not all have as many."""
    numbers = {sum(one is not None for one in row) for row in zip(*texts, strict=True)}
    return numbers.pop() if len(numbers) == 1 else VARYING if numbers else len(texts)


def _check_lines(name: str, lines: Sequence[str]) -> None:
    if isinstance(lines, str) or not isinstance(lines, Sequence):
        raise TypeError(f"{name} must be a list of sentences, got {type(lines).__name__}")
    for number, line in enumerate(lines, start=1):
        if not isinstance(line, str):
            raise TypeError(f"{name}: sentence {number} is no text but {line!r}")
