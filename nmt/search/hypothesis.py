"""What every search is given, and what it finds.

Dims: B sentences, S source tokens.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from nmt.models.interface import Seq2SeqModel
from nmt.search.constraint import Constraint
from nmt.tokenizer import EOS, PAD


@dataclass(frozen=True)
class Hypothesis:
    """One translation of one sentence, in target ids.

    tokens: without BOS and EOS.
    log_prob: log p(tokens, EOS | source), natural logarithm; without EOS where not finished.
    score: log_prob / length ** length_penalty, where the length counts EOS; with a coverage penalty
        more is added (``search.coverage``).
    finished: False = it reached the limit before the model ended it.
    """

    tokens: tuple[int, ...]
    log_prob: float
    score: float
    finished: bool


class Search(ABC):
    """Finds likely translations. Knows of a model only what ``models.interface`` says."""

    @property
    def most_hypotheses(self) -> int:
        """How many hypotheses a sentence gets at most."""
        return 1

    @abstractmethod
    def __call__(
        self,
        model: Seq2SeqModel,
        src: Tensor,
        constraints: Sequence[Constraint] | None = None,
    ) -> list[list[Hypothesis]]:
        """src: (B, S) ids with EOS, right-padded -> each sentence's hypotheses, best first.

        constraints: one a sentence; None for none at all.

        Every sentence gets at least one, and none depends on the other sentences of the batch.
        The caller puts the model into evaluation mode. Raises ValueError for constraints that
        this search cannot keep.
        """


def read_hypothesis(row: Sequence[int], log_prob: float, length_penalty: float) -> Hypothesis:
    """row: tokens, then EOS where the model ended it, then PAD.

    Raises ValueError for a log-probability that is no finite number.
    """
    if not math.isfinite(log_prob):
        raise ValueError(
            "the model gives probabilities that are not numbers (NaN): its weights are spoilt, "
            "as by a training that diverged; train with a lower learning rate"
        )
    length = row.index(PAD) if PAD in row else len(row)
    finished = length > 0 and row[length - 1] == EOS
    tokens = tuple(row[: length - finished])
    return Hypothesis(tokens, log_prob, log_prob / max(1, length) ** length_penalty, finished)
