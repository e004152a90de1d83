"""What scoring knows of each sentence of a test set, in numbers: enough for every score, interval,
test and cut, and without any text.

Dims: N sentences, K counts of a metric for each.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from nmt.evaluation.buckets import (
    EDGES,
    MOST_BUCKETS,
    Bucket,
    Ints,
    SubwordLengths,
    buckets,
    lengths,
    members,
    quantile_edges,
)
from nmt.evaluation.metrics import Counts
from nmt.evaluation.scorer import Scorer, Statistics
from nmt.text.sentences import split_sentences

NUMBERS = {
    "source_words": "words of the source, between white space",
    "reference_words": "words of the first reference",
    "hypothesis_words": "words of the translation",
    "source_length": "length of the source in the evaluation's unit",
    "reference_length": "length of the first reference in the evaluation's unit",
    "sentences": "sentences in the source",
    "rare": "percentage of the source's words that are rare in training, rounded up",
    "unseen": "percentage of the source's words that do not occur in training, rounded up",
    "hit_limit": "1 if search cut the translation off, else 0",
    "repeats": "1 if the translation repeats itself, else 0",
    "reference_repeats": "1 if the first reference repeats itself, else 0",
}
"""Whole numbers of each sentence -> their meaning."""
NAMES = ("document", "label")
"""Texts of each sentence: the id of its document, and its label in a file of the user's."""

RARE = 10
"""A word is rare if it occurs less often in training."""
_REPEATED, _TIMES = 4, 3
_WORD = re.compile("[^\\W_]+(?:['\u2019-][^\\W_]+)*")


@dataclass(frozen=True, kw_only=True)
class SentenceTable:
    """A system's translations of a test set, without text. statistics: the counts of each metric.
    numbers, names: of those in NUMBERS and NAMES, what is known; (N,) each."""

    statistics: Statistics
    numbers: Mapping[str, Ints]
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.statistics)

    def select(self, sentences: Sequence[int] | Ints) -> Self:
        """The rows of these sentences, by index."""
        rows = np.asarray(sentences, dtype=np.intp)
        return type(self)(
            statistics=self.statistics.select(rows),
            numbers={name: column[rows] for name, column in self.numbers.items()},
            names={name: tuple(column[i] for i in rows) for name, column in self.names.items()},
        )

    def by_document(self, counts: Counts) -> Counts:
        """The counts (N, K) summed over each document, in order of its first sentence; as they are
        where there are no documents."""
        if (ids := self.names.get("document")) is None:
            return counts
        places = {document: place for place, document in enumerate(dict.fromkeys(ids))}
        sums = np.zeros((len(places), counts.shape[1]))
        np.add.at(sums, [places[document] for document in ids], counts)
        return sums

    def measured(self, by: str, side: str) -> Ints:
        """The number that a cut divides by. Raises ValueError where it is not known."""
        name = f"{side}_length" if by == "length" else by
        if name not in self.numbers:
            raise ValueError(f"by={by} cannot be told of this result: {_LACKING[by]}")
        return self.numbers[name]

    def divided(
        self, by: str, side: str, edges: Sequence[int] = (), quantiles: int | None = None
    ) -> list[tuple[Bucket, Ints]]:
        """The buckets of a cut, with the indices of the sentences in each.

        edges: () for those of ``EDGES``. quantiles: number of buckets of about as many sentences,
        in place of edges. Raises ValueError where the table does not know what the cut asks for.
        """
        if by == "label":
            if by not in self.names:
                raise ValueError(f"by=label cannot be told of this result: {_LACKING[by]}")
            labels = sorted(set(self.names[by]))
            if len(labels) > MOST_BUCKETS:
                raise ValueError(f"{len(labels):,} different labels are more than {MOST_BUCKETS:,}")
            codes = {label: code for code, label in enumerate(labels)}
            numbers = np.array([codes[label] for label in self.names[by]], np.int32)
            parts = [Bucket(code, code + 1, label) for label, code in codes.items()]
        else:
            numbers = self.measured(by, side)
            if quantiles is not None:
                edges = quantile_edges(numbers, quantiles)
            parts = buckets(edges or EDGES[by])
            if by == "sentences" and not (numbers == 0).any():  # no line is blank
                parts[0] = Bucket(1, parts[0].high) if parts[0].high != 1 else parts[0]
        return [(part, members(numbers, part)) for part in parts]


_LACKING = {
    "length": "it has no sources, so say side=reference",
    "sentences": "it has no sources; nmt-evaluate with sources= counts their sentences",
    "rare": "nmt-evaluate with train_text=FILE, the source side of the training text, counts them",
    "unseen": "nmt-evaluate with train_text=FILE, the source side of the training text, counts "
    "them",
    "label": "say labels=FILE, a text file with the label of each line",
}


class TrainingWords:
    """How often each word occurs in the source side of the training text. Case is ignored."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._times: Counter[str] = Counter()
        for line in lines:
            self._times.update(_WORD.findall(line.lower()))

    def shares(self, line: str) -> tuple[int, int]:
        """The percentages of rare and of unseen words, rounded up, so that 0 means none."""
        words = _WORD.findall(line.lower())
        if not words:
            return 0, 0
        times = [self._times[word] for word in words]
        rare, unseen = sum(t < RARE for t in times), sum(t == 0 for t in times)
        return -(-100 * rare // len(words)), -(-100 * unseen // len(words))


def repeats_itself(tokens: Sequence[str]) -> bool:
    """Whether some four tokens in a row occur three times or more."""
    grams = Counter(zip(*(tokens[k:] for k in range(_REPEATED)), strict=False))
    return any(times >= _TIMES for times in grams.values())


def count_sentences(
    scorer: Scorer,
    *,
    sources: Sequence[str] | None,
    references: Sequence[Sequence[str]],
    hypotheses: Sequence[str],
    unit: str = "words",
    subword_lengths: Mapping[str, SubwordLengths] | None = None,
    documents: Sequence[str] | None = None,
    labels: Sequence[str] | None = None,
    hit_limit: Sequence[bool] | None = None,
    language: str = "",
    training_words: TrainingWords | None = None,
) -> SentenceTable:
    """Counts all that is known of each sentence; the arguments are ``evaluate_translations``'s."""
    statistics = scorer.count(hypotheses, *references, sources=sources)
    if hit_limit is not None and len(hit_limit) != len(hypotheses):
        raise ValueError(f"{len(hit_limit)} hit_limit flags for {len(hypotheses)} hypotheses")
    of_side = dict(subword_lengths or {})
    sides = {"reference": references[0]} | ({} if sources is None else {"source": sources})
    numbers: dict[str, Sequence[int]] = {"hypothesis_words": lengths(hypotheses, "words")}
    for side, lines in sides.items():
        numbers[f"{side}_words"] = lengths(lines, "words")
        if unit != "subwords" or side in of_side:
            numbers[f"{side}_length"] = lengths(lines, unit, of_side.get(side))
    if sources is not None:
        numbers["sentences"] = [len(split_sentences(line, language)) for line in sources]
        if training_words is not None:
            shares = [training_words.shares(line) for line in sources]
            numbers |= {"rare": [r for r, _ in shares], "unseen": [u for _, u in shares]}
    if hit_limit is not None:
        numbers["hit_limit"] = list(hit_limit)
    for name, lines in {"repeats": hypotheses, "reference_repeats": references[0]}.items():
        numbers[name] = [repeats_itself(scorer.tokens(line)) for line in lines]
    names = {"document": documents, "label": labels}
    return SentenceTable(
        statistics=statistics,
        numbers={name: np.array(column, np.int32) for name, column in numbers.items()},
        names={name: tuple(column) for name, column in names.items() if column is not None},
    )
