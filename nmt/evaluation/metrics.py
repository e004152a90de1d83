"""Corpus BLEU, chrF, chrF++ and TER, as sacreBLEU computes them, from counts of each sentence.

Dims: N sentences, K counts for each, R corpora scored together.

Each metric sums numbers over the sentences of a corpus and scores the sums. So the counts of each
sentence suffice to score any subset and any resample.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sacrebleu.metrics.base import Metric as SacreBleuMetric
from sacrebleu.metrics.bleu import BLEU, MAX_NGRAM_ORDER
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.metrics.ter import TER

from nmt.checks import one_of
from nmt.evaluation.edit_rate import edits_and_length

Counts = NDArray[np.float64]
"""Numbers to sum; whole ones are exact up to 2**53."""

ReferenceTexts: TypeAlias = Sequence[Sequence[str | None]]
"""One or several references of the same sentences: a text for each, None where a sentence lacks
one."""

VARYING = -1
"""Number of references, where sentences have different numbers of them."""


class TokenizerMissing(ValueError):
    """A tokenizer of sacreBLEU's needs what is not installed here."""


class Metric(ABC):
    """A metric whose score of a corpus follows from sums of counts over its sentences.

    tokenize: sacreBLEU's name of the tokenizer for words. lowercase: whether to ignore case.
    """

    label: ClassVar[str]
    """The heading in tables."""
    lower_is_better: ClassVar[bool] = False

    def __init__(self, *, tokenize: str = "13a", lowercase: bool = False) -> None:
        self.tokenize, self.lowercase = tokenize, lowercase

    @abstractmethod
    def count(
        self,
        hypotheses: Sequence[str],
        references: ReferenceTexts,
        sources: Sequence[str] | None = None,
    ) -> Counts:
        """(N, K): a row of counts for each hypothesis, its references and its source."""

    @abstractmethod
    def of_sums(self, sums: Counts) -> Counts:
        """The score of each row of summed counts: (R, K) -> (R,)."""

    @abstractmethod
    def signature(self, nrefs: int) -> str:
        """How the score is computed. nrefs: number of references, or VARYING."""

    def score(self, counts: Counts) -> float:
        """The score of the sentences with these counts, (N, K), together."""
        return float(self.of_sums(counts.sum(axis=0)[None])[0])


class MeanMetric(Metric):
    """A metric whose score of a corpus is the mean of the scores of its sentences.

    Counts, K = 2: the score of the sentence, and 1.
    """

    @abstractmethod
    def score_sentences(
        self,
        hypotheses: Sequence[str],
        references: ReferenceTexts,
        sources: Sequence[str] | None,
    ) -> Sequence[float]:
        """The score of each hypothesis."""

    def count(
        self,
        hypotheses: Sequence[str],
        references: ReferenceTexts,
        sources: Sequence[str] | None = None,
    ) -> Counts:
        scores = np.array(self.score_sentences(hypotheses, references, sources), np.float64)
        if scores.shape != (len(hypotheses),) or not np.isfinite(scores).all():
            raise ValueError(f"{self.label} must give each sentence a finite number")
        return np.stack([scores, np.ones(len(scores))], axis=1)

    def of_sums(self, sums: Counts) -> Counts:
        return sums[:, 0] / sums[:, 1]


class _OfSacreBleu(Metric):
    """A metric of sacreBLEU's; its scores equal sacreBLEU's to the last digit."""

    def __init__(self, metric: SacreBleuMetric, *, tokenize: str, lowercase: bool) -> None:
        super().__init__(tokenize=tokenize, lowercase=lowercase)
        self._metric = metric

    # The methods with an underscore are private. sacreBLEU's own significance tests use them, and
    # our tests compare every score with its public functions.
    def count(
        self,
        hypotheses: Sequence[str],
        references: ReferenceTexts,
        sources: Sequence[str] | None = None,
    ) -> Counts:
        extract: Any = self._metric._extract_corpus_statistics  # its type leaves out None
        return np.array(extract(hypotheses, references), np.float64)

    def score(self, counts: Counts) -> float:
        return float(self._metric._compute_score_from_stats([*map(int, counts.sum(axis=0))]).score)

    def signature(self, nrefs: int) -> str:
        self._metric.num_refs = nrefs
        return str(self._metric.get_signature())


class Bleu(_OfSacreBleu):
    """BLEU (Papineni et al., 2002), 0-100, with sacreBLEU's defaults.

    Counts, K = 10: tokens of the hypothesis, tokens of the reference of the closest length, then
    for n = 1..4 the n-grams they share and for n = 1..4 the n-grams of the hypothesis.

    Raises ValueError for a tokenizer that sacreBLEU does not have, TokenizerMissing for one that it
    cannot set up here.
    """

    label = "BLEU"

    def __init__(self, *, tokenize: str = "13a", lowercase: bool = False) -> None:
        one_of("tokenize", tokenize, sorted(BLEU.TOKENIZERS))
        try:
            # force: no warning that text looks tokenised, where it is meant to be.
            metric = BLEU(tokenize=tokenize, lowercase=lowercase, force=tokenize == "none")
        except (RuntimeError, ImportError, OSError) as error:
            said = " ".join(str(error).split())  # sacreBLEU's text has line breaks
            raise TokenizerMissing(f"tokenize={tokenize} cannot be set up: {said}") from error
        super().__init__(metric, tokenize=tokenize, lowercase=lowercase)

    def of_sums(self, sums: Counts) -> Counts:
        """With sacreBLEU's default smoothing: the k-th order without a match counts 1 / 2**k
        matches."""
        shared, total = sums[:, 2 : 2 + MAX_NGRAM_ORDER], sums[:, 2 + MAX_NGRAM_ORDER :]
        smoothed = np.where(shared > 0, shared, 0.5 ** np.cumsum(shared == 0, axis=1))
        scored = shared.any(axis=1) & total.all(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            precision = np.exp(np.log(smoothed / total).mean(axis=1))
            return np.where(scored, 100 * _brevity_penalty(sums) * precision, 0.0)

    def tokens(self, line: str) -> list[str]:
        """The words of a line, as they are counted."""
        tokens: list[str] = self._metric._preprocess_segment(line).split()
        return tokens

    def brevity_penalty(self, counts: Counts) -> float:
        """The factor by which hypotheses shorter than the references lower the score."""
        return float(self._metric._compute_score_from_stats([*map(int, counts.sum(axis=0))]).bp)


class Chrf(_OfSacreBleu):
    """chrF2 (Popović, 2015), 0-100, with sacreBLEU's defaults.

    Counts, K = 18: for n = 1..6 the character n-grams of the hypothesis, of the reference that it
    resembles most, and shared.
    """

    label = "chrF"
    word_order: ClassVar[int] = 0

    def __init__(self, *, tokenize: str = "13a", lowercase: bool = False) -> None:
        metric = CHRF(word_order=self.word_order, lowercase=lowercase)
        super().__init__(metric, tokenize=tokenize, lowercase=lowercase)

    def of_sums(self, sums: Counts) -> Counts:
        """The F-score of precision and recall, each the mean over the orders both sides have."""
        hypothesis, reference, shared = sums[:, 0::3], sums[:, 1::3], sums[:, 2::3]  # (R, K / 3)
        counted = (hypothesis > 0) & (reference > 0)
        orders, factor = counted.sum(axis=1), CHRF.BETA**2
        with np.errstate(divide="ignore", invalid="ignore"):
            precision = np.where(counted, shared / hypothesis, 0.0).sum(axis=1) / orders
            recall = np.where(counted, shared / reference, 0.0).sum(axis=1) / orders
            score = (1 + factor) * precision * recall / (factor * precision + recall)
            return np.where(np.isnan(score), 0.0, 100 * score)


class ChrfPlusPlus(Chrf):
    """chrF++ (Popović, 2017): chrF with the n-grams of one and two words. K = 24."""

    label = "chrF++"
    word_order = 2


class Ter(_OfSacreBleu):
    """TER (Snover et al., 2006): edits and shifts of phrases for each word of the reference, in
    percent; lower is better, and it may exceed 100. With sacreBLEU's defaults, which ignore case.
    Where words are counted without spaces, it takes Chinese characters for words.

    Counts, K = 2: the fewest edits, and the mean length of the references.
    """

    label = "TER"
    lower_is_better = True

    def __init__(self, *, tokenize: str = "13a", lowercase: bool = False) -> None:
        asian = tokenize in WITHOUT_SPACES
        metric = TER(normalized=asian, asian_support=asian)
        super().__init__(metric, tokenize=tokenize, lowercase=lowercase)

    def count(
        self,
        hypotheses: Sequence[str],
        references: ReferenceTexts,
        sources: Sequence[str] | None = None,
    ) -> Counts:
        rows = []
        for hypothesis, *of_it in zip(hypotheses, *references, strict=True):
            words = self._metric._preprocess_segment(hypothesis).split()
            known = [one for one in of_it if one is not None]
            found = [
                edits_and_length(words, self._metric._preprocess_segment(one).split())
                for one in known
            ]
            edits, lengths = zip(*found, strict=True)
            rows.append([min(edits), sum(lengths) / len(known)])
        return np.array(rows, np.float64)

    def of_sums(self, sums: Counts) -> Counts:
        edits, length = sums[:, 0], sums[:, 1]
        with np.errstate(divide="ignore", invalid="ignore"):
            return 100 * np.where(length > 0, edits / length, np.where(edits > 0, 1.0, 0.0))

    def score(self, counts: Counts) -> float:
        # Sums one by one, as sacreBLEU does: mean lengths of three references are no whole numbers.
        return float(self._metric._aggregate_and_compute(counts.tolist()).score)


METRICS: dict[str, type[Metric]] = {"bleu": Bleu, "chrf": Chrf, "chrf++": ChrfPlusPlus, "ter": Ter}
"""By the name in options and result files."""

WITHOUT_SPACES = frozenset({"zh", "ja-mecab", "char"})
"""Tokenizers for text that has no spaces between words."""


def _brevity_penalty(sums: Counts) -> Counts:
    hypothesis, reference = sums[:, 0], sums[:, 1]
    return np.where(hypothesis < reference, np.exp(1 - reference / hypothesis), 1.0)
