"""One system's translations of one test set, scored overall, by sentence length and by document."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from nmt.evaluation.bootstrap import Bootstrap, percentile_interval, resampled_sums
from nmt.evaluation.buckets import SubwordLengths, buckets, lengths, members
from nmt.evaluation.metrics import Counts, Scorer, Statistics
from nmt.evaluation.recipe import FORMAT_VERSION, READABLE_VERSIONS, Recipe, Scoring, TestSet
from nmt.plain_files import typed

FEW = 30
MOST_BUCKETS = 1000


@dataclass(frozen=True)
class Score:
    """A score and its interval, lower and upper bound. Both are None where there are no sentences;
    the interval is where nothing can be drawn again: a single document."""

    value: float | None = None
    interval: tuple[float, float] | None = None


@dataclass(frozen=True, kw_only=True)
class Row:
    """The scores of some sentences.

    n: number of sentences. scores: by the metric's name. brevity_penalty, length_ratio: see
    ``CorpusScore``; None where there are no sentences. hit_limit: number of translations that
    search cut off, None where unknown. too_few: whether the scores mean little: n is below 30, or
    no reference holds a 4-gram (then even perfect translations have BLEU 0).
    """

    n: int
    scores: Mapping[str, Score]
    brevity_penalty: float | None = None
    length_ratio: float | None = None
    hit_limit: int | None = None
    too_few: bool = True

    def score(self, metric: str) -> Score:
        """A metric's score, an empty one where it was not asked for."""
        return self.scores.get(metric, Score())

    def as_dict(self) -> dict[str, Any]:
        """In ``evaluation.json``: each metric's name holds its score, name_ci its interval."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        flat = {"n": values.pop("n")}
        for metric, score in values.pop("scores").items():
            flat |= {metric: score.value, f"{metric}_ci": score.interval}
        return flat | values


@dataclass(frozen=True, kw_only=True)
class BucketRow(Row):
    """The sentences with low <= length < high (None: no upper bound)."""

    label: str
    low: int
    high: int | None


@dataclass(frozen=True, kw_only=True)
class DocumentRow(Row):
    """The sentences of a document, whose scores have no intervals."""

    id: str


@dataclass(frozen=True, kw_only=True)
class Evaluation(Recipe):
    """How translations were scored, and their scores.

    seconds: time of translating the test set, None where unknown. overall: corpus scores of all
    sentences, which are not the means of the buckets. documents: in the order in which the test set
    names them; () without documents.
    """

    seconds: float | None
    overall: Row
    buckets: tuple[BucketRow, ...]
    documents: tuple[DocumentRow, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The content of ``evaluation.json``."""
        return {
            **{name: getattr(self, name) for name in Recipe.__dataclass_fields__},
            "test_set": asdict(self.test_set),
            "bootstrap": asdict(self.bootstrap),
            "seconds": self.seconds,
            "overall": self.overall.as_dict(),
            "buckets": [row.as_dict() for row in self.buckets],
            "documents": [row.as_dict() for row in self.documents],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Evaluation":
        """The inverse of ``as_dict``, also for results of older versions. Lists, which JSON makes
        of tuples, become tuples again. Raises ValueError for another format version, other names
        and other types, KeyError for what is missing."""
        if (found := values["format_version"]) not in READABLE_VERSIONS:
            raise ValueError(
                f"it has format_version {found!r}, this version of nmt reads "
                f"{' and '.join(map(str, READABLE_VERSIONS))}"
            )
        if found == 1:  # says nothing of text and documents
            values = {**values, "text": dict(_TEXT_OF_1) if values["search"] else {}}
        rows = {"overall": _nested(values["overall"])} | {
            name: [_nested(row) for row in values.get(name, ())]
            for name in ("buckets", "documents")
        }
        known = {**values, **rows, "format_version": FORMAT_VERSION}
        made: Evaluation = typed(Evaluation, known, "it")
        labels = {row.label for row in made.buckets}
        if "bleu" not in made.signatures or not len(labels) == len(made.buckets) <= MOST_BUCKETS:
            raise ValueError("it has no signature of BLEU, or buckets of one name, or too many")
        return made


def evaluate_translations(
    *,
    system: str,
    test_set: str,
    sources: Sequence[str] | None,
    references: Sequence[Sequence[str]],
    hypotheses: Sequence[str],
    scoring: Scoring,
    documents: Sequence[str] | None = None,
    search: Mapping[str, Any] | None = None,
    text: Mapping[str, Any] | None = None,
    seconds: float | None = None,
    hit_limit: Sequence[bool] | None = None,
    subword_lengths: SubwordLengths | None = None,
) -> Evaluation:
    """Scores ``hypotheses``, of which line i translates line i of ``sources``.

    test_set: its name. sources: needed for ``side="source"`` only. references: one or several
    texts; where a sentence has several references, a blank one is missing. documents: the id of
    each sentence's document; intervals then draw documents. hit_limit: for each hypothesis whether
    search cut it off. subword_lengths: of the measured side, needed for ``unit="subwords"`` only.

    Raises ValueError if the numbers of lines differ or there is nothing to score.
    """
    side = sources if scoring.side == "source" else references[0]
    if side is None:
        raise ValueError("lengths of sources need sources")
    named = TestSet.of(test_set, sources, references, documents)
    recipe = Recipe.of(
        system=system, test_set=named, search=search or {}, text=text or {}, scoring=scoring
    )
    scorer = scoring.scorer()
    statistics = scorer.count(hypotheses, *references)
    if hit_limit is not None and len(hit_limit) != len(hypotheses):
        raise ValueError(f"{len(hit_limit)} hit_limit flags for {len(hypotheses)} hypotheses")

    def row(sentences: Sequence[int], *, drawn: bool = True) -> dict[str, Any]:
        cut = None if hit_limit is None else sum(hit_limit[i] for i in sentences)
        inside = None if documents is None else [documents[i] for i in sentences]
        bootstrap = scoring.bootstrap if drawn else None
        scores = _scores(scorer, statistics.select(sentences), inside, bootstrap)
        return {"n": len(sentences), "hit_limit": cut, **scores}

    measured = lengths(side, scoring.unit, subword_lengths)
    return Evaluation(
        **vars(recipe),
        seconds=seconds,
        overall=Row(**row(range(len(hypotheses)))),
        buckets=tuple(
            BucketRow(label=b.label, low=b.low, high=b.high, **row(members(measured, b)))
            for b in buckets(scoring.edges)
        ),
        documents=tuple(
            DocumentRow(id=document, **row(sentences, drawn=False))
            for document, sentences in _grouped(documents or ()).items()
        ),
    )


def _scores(
    scorer: Scorer,
    statistics: Statistics,
    documents: Sequence[str] | None,
    bootstrap: Bootstrap | None,
) -> dict[str, Any]:
    """The fields of ``Row`` that scoring gives; empty ones where there are no sentences.

    bootstrap: draws the sentences, or the ``documents`` that hold them; None: no intervals.
    """
    if not len(statistics):
        return {"scores": dict.fromkeys(scorer.metrics, Score())}
    corpus = scorer.corpus_score(statistics)
    intervals: dict[str, tuple[float, float]] = {}
    drawn = np.concatenate([*statistics.counts.values()], axis=1)
    if documents is not None:
        drawn = _summed(drawn, documents)
    if bootstrap and (documents is None or len(drawn) > 1):
        sums, first = resampled_sums(drawn, bootstrap), 0
        for name, metric in scorer.metrics.items():
            end = first + statistics[name].shape[1]
            scores = metric.of_sums(sums[:, first:end])
            intervals[name], first = percentile_interval(scores, bootstrap.level), end
    return {
        "scores": {name: Score(v, intervals.get(name)) for name, v in corpus.scores.items()},
        "brevity_penalty": corpus.brevity_penalty,
        "length_ratio": corpus.length_ratio,
        "too_few": len(statistics) < FEW or not statistics.bleu_is_defined,
    }


def _grouped(ids: Sequence[str]) -> dict[str, list[int]]:
    """The sentences of each document, by index, in order of its first."""
    found: dict[str, list[int]] = {}
    for sentence, document in enumerate(ids):
        found.setdefault(document, []).append(sentence)
    return found


def _summed(counts: Counts, documents: Sequence[str]) -> Counts:
    """The counts of each document: (N, K) -> (documents, K)."""
    return np.stack([counts[sentences].sum(axis=0) for sentences in _grouped(documents).values()])


_TEXT_OF_1 = {"sentences": "line"}


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a ``Row`` as mappings, given ``Row.as_dict``."""
    rest = dict(values)
    names = [name.removesuffix("_ci") for name in values if name.endswith("_ci")]
    scores = {name: {"interval": rest.pop(f"{name}_ci"), "value": rest.pop(name)} for name in names}
    return {"scores": scores, **rest}
