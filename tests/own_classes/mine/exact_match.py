"""A metric of one's own: the percentage of translations that equal one of their references.

Dims: N sentences, R corpora scored together.
"""

from collections.abc import Sequence

import numpy as np

from nmt.evaluation.metrics import Counts, Metric, ReferenceTexts


class ExactMatch(Metric):
    """Counts, K = 2: whether the translation equals a reference, and 1 for the sentence."""

    label = "exact"

    def count(
        self,
        hypotheses: Sequence[str],
        references: ReferenceTexts,
        sources: Sequence[str] | None = None,
    ) -> Counts:
        rows = zip(hypotheses, zip(*references, strict=True), strict=True)
        return np.array([[hypothesis in of_it, 1] for hypothesis, of_it in rows], float)

    def of_sums(self, sums: Counts) -> Counts:
        return 100 * sums[:, 0] / sums[:, 1]

    def signature(self, nrefs: int) -> str:
        return f"nrefs:{nrefs}"
