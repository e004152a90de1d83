"""Corpus BLEU and chrF, as sacreBLEU computes them, from counts of each sentence.

Dims: N sentences, R corpora scored together.

Both metrics sum whole numbers over the sentences of a corpus and score the sums. So the counts of
each sentence suffice to score any subset and any resample.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sacrebleu.metrics.bleu import BLEU, MAX_NGRAM_ORDER
from sacrebleu.metrics.chrf import CHRF

from nmt.checks import one_of

Counts = NDArray[np.float64]
"""Whole numbers in floating point, which sums fast, and exactly up to 2**53."""


@dataclass(frozen=True)
class Score:
    """BLEU and chrF of a corpus, 0-100. length_ratio: tokens of the hypotheses per token of the
    references, None where these have none."""

    bleu: float
    chrf: float
    brevity_penalty: float
    length_ratio: float | None


class Scorer:
    """BLEU (Papineni et al., 2002) and chrF2 (Popović, 2015) with sacreBLEU's defaults.

    tokenize: sacreBLEU's name of the tokenizer for BLEU. lowercase: whether to ignore case.

    Raises ValueError for a tokenizer that sacreBLEU does not have, or cannot set up here.
    """

    def __init__(self, *, tokenize: str = "13a", lowercase: bool = False) -> None:
        one_of("tokenize", tokenize, sorted(BLEU.TOKENIZERS))
        try:
            # force: no warning that text looks tokenised, where it is meant to be.
            self._bleu = BLEU(tokenize=tokenize, lowercase=lowercase, force=tokenize == "none")
        except (RuntimeError, ImportError, OSError) as error:
            said = " ".join(str(error).split())  # sacreBLEU's text has line breaks
            raise ValueError(f"tokenize={tokenize} cannot be set up: {said}") from error
        self._chrf = CHRF(lowercase=lowercase)

    def signatures(self) -> dict[str, str]:
        """sacreBLEU's signature of each metric, by the metric's name."""
        metrics = {"bleu": self._bleu, "chrf": self._chrf}
        for metric in metrics.values():
            metric.corpus_score([""], [[""]])  # only scoring tells it the number of references
        return {name: str(metric.get_signature()) for name, metric in metrics.items()}

    def count(self, hypotheses: Sequence[str], references: Sequence[str]) -> "Statistics":
        """Counts what each hypothesis has in common with the reference on the same line.

        Raises ValueError if there is nothing to score or the numbers of lines differ, TypeError if
        either argument is not a sequence of strings.
        """
        for name, lines in (("hypotheses", hypotheses), ("references", references)):
            if isinstance(lines, str) or not isinstance(lines, Sequence):
                raise TypeError(f"{name} must be a list of sentences, got {type(lines).__name__}")
            for number, line in enumerate(lines, start=1):
                if not isinstance(line, str):
                    raise TypeError(f"{name}: sentence {number} is no text but {line!r}")
        if len(hypotheses) != len(references):
            raise ValueError(
                f"{len(hypotheses)} hypotheses but {len(references)} references: "
                "line i of one must translate line i of the other"
            )
        if not hypotheses:
            raise ValueError("there is no sentence to score")
        # This method is private. sacreBLEU's own significance tests use it, and our tests compare
        # every score with its public functions.
        return Statistics(
            bleu=np.array(self._bleu._extract_corpus_statistics(hypotheses, [references]), float),
            chrf=np.array(self._chrf._extract_corpus_statistics(hypotheses, [references]), float),
        )

    def corpus_score(self, statistics: "Statistics") -> Score:
        """The score of all sentences together, equal to sacreBLEU's to the last digit."""
        bleu = self._bleu._compute_score_from_stats([int(n) for n in statistics.bleu.sum(axis=0)])
        chrf = self._chrf._compute_score_from_stats([int(n) for n in statistics.chrf.sum(axis=0)])
        ratio = bleu.sys_len / bleu.ref_len if bleu.ref_len else None
        return Score(bleu.score, chrf.score, bleu.bp, ratio)


@dataclass(frozen=True)
class Statistics:
    """The counts that the metrics sum, a row for each sentence.

    bleu: (N, 10): tokens of the hypothesis, tokens of the reference, then for n = 1..4 the n-grams
        they share and for n = 1..4 the n-grams of the hypothesis.
    chrf: (N, 18): for n = 1..6 the character n-grams of the hypothesis, of the reference, shared.
    """

    bleu: Counts
    chrf: Counts

    def __len__(self) -> int:
        return len(self.bleu)

    def select(self, sentences: Sequence[int]) -> "Statistics":
        """The rows of these sentences, by index."""
        rows = np.asarray(sentences, dtype=np.intp)
        return Statistics(self.bleu[rows], self.chrf[rows])

    @property
    def bleu_is_defined(self) -> bool:
        """Whether any reference holds a 4-gram. If none does, even perfect translations score 0."""
        return bool((self.bleu[:, 1] >= MAX_NGRAM_ORDER).any())


def bleu_of_sums(sums: Counts) -> Counts:
    """BLEU on 0-100 of each row of summed ``Statistics.bleu``: (R, 10) -> (R,). With sacreBLEU's
    default smoothing: the k-th order without a match counts 1 / 2**k matches."""
    hypothesis, reference = sums[:, 0], sums[:, 1]
    shared, total = sums[:, 2 : 2 + MAX_NGRAM_ORDER], sums[:, 2 + MAX_NGRAM_ORDER :]
    smoothed = np.where(shared > 0, shared, 0.5 ** np.cumsum(shared == 0, axis=1))
    scored = shared.any(axis=1) & total.all(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.exp(np.log(smoothed / total).mean(axis=1))
        brevity = np.where(hypothesis < reference, np.exp(1 - reference / hypothesis), 1.0)
        return np.where(scored, 100 * brevity * precision, 0.0)


def chrf_of_sums(sums: Counts, beta: int = CHRF.BETA) -> Counts:
    """chrF on 0-100 of each row of summed ``Statistics.chrf``: (R, 18) -> (R,). The F-score of
    precision and recall, each the mean over the orders that both sides have."""
    hypothesis, reference, shared = sums[:, 0::3], sums[:, 1::3], sums[:, 2::3]  # (R, 6) each
    counted = (hypothesis > 0) & (reference > 0)
    orders = counted.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.where(counted, shared / hypothesis, 0.0).sum(axis=1) / orders
        recall = np.where(counted, shared / reference, 0.0).sum(axis=1) / orders
        score = (1 + beta**2) * precision * recall / (beta**2 * precision + recall)
        return np.where(np.isnan(score), 0.0, 100 * score)
