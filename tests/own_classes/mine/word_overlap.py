"""A metric of one's own that scores sentences: the percentage of the words of the reference that
the translation has and the source has not."""

from collections.abc import Sequence

from nmt.evaluation.metrics import MeanMetric, ReferenceTexts


class WordOverlap(MeanMetric):
    """longest: further words of a line do not count."""

    label = "overlap"

    def __init__(self, *, longest: int) -> None:
        super().__init__()
        self.longest = longest

    def score_sentences(
        self,
        hypotheses: Sequence[str],
        references: ReferenceTexts,
        sources: Sequence[str] | None,
    ) -> Sequence[float]:
        scores = []
        given = sources or [""] * len(hypotheses)
        for hypothesis, reference, source in zip(hypotheses, references[0], given, strict=True):
            wanted = {*(reference or "").split()[: self.longest]} - {*source.split()}
            scores.append(100 * len(wanted & {*hypothesis.split()}) / max(1, len(wanted)))
        return scores

    def signature(self, nrefs: int) -> str:
        return f"longest:{self.longest}"
