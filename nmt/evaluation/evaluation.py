"""The scores of one system's translations of one test set: overall, by bucket, by document."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from nmt.checks import one_of
from nmt.evaluation.buckets import CUTS, MOST_BUCKETS
from nmt.evaluation.recipe import FORMAT_VERSION, READABLE_VERSIONS, Recipe
from nmt.plain_files import typed


@dataclass(frozen=True)
class Score:
    """A score and its interval, lower and upper bound. Both are None where there are no sentences;
    the interval is where nothing can be drawn again: a single document. Of several seeds, the mean,
    and spread, their standard deviation."""

    value: float | None = None
    interval: tuple[float, float] | None = None
    spread: float | None = None


@dataclass(frozen=True, kw_only=True)
class Row:
    """The scores of some sentences.

    n: number of sentences. scores: by the metric's name. brevity_penalty, length_ratio: see
    ``CorpusScore``; None where there are no sentences. hit_limit: number of translations that
    search cut off, None where unknown. too_few: whether the scores mean little: n is below 30, or
    no reference holds a 4-gram (then even perfect translations have BLEU 0). repeats,
    reference_repeats: share of the translations, and of the references, that repeat themselves;
    None where unknown. Of several seeds, these are means.
    """

    n: int
    scores: Mapping[str, Score]
    brevity_penalty: float | None = None
    length_ratio: float | None = None
    hit_limit: int | float | None = None
    too_few: bool = True
    repeats: float | None = None
    reference_repeats: float | None = None

    def score(self, metric: str) -> Score:
        """A metric's score, an empty one where it was not asked for."""
        return self.scores.get(metric, Score())

    def as_dict(self) -> dict[str, Any]:
        """In ``evaluation.json``: each metric's name holds its score, name_ci its interval."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        flat = {"n": values.pop("n")}
        for metric, score in values.pop("scores").items():  # one seed's, which have no spread
            flat |= {metric: score.value, f"{metric}_ci": score.interval}
        return flat | values


@dataclass(frozen=True, kw_only=True)
class BucketRow(Row):
    """The sentences with low <= number < high (None: no upper bound): their length, or what else
    the evaluation divides by; of a label, its place among the labels."""

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
    names them; () without documents. trained: the options of the run's training by dotted name,
    without those that name places on disk; {} where unknown. table_sha256: of the file of
    ``SentenceTable`` that belongs to the result, None where there is none.
    """

    seconds: float | None
    overall: Row
    buckets: tuple[BucketRow, ...]
    documents: tuple[DocumentRow, ...] = ()
    trained: Mapping[str, Any] = field(default_factory=dict)
    table_sha256: str | None = field(default=None, compare=False)

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
            "trained": dict(self.trained),
            "table_sha256": self.table_sha256,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Evaluation":
        """The inverse of ``as_dict``, also for results of older versions. Lists, which JSON makes
        of tuples, become tuples again. Raises ValueError for another format version, other names
        and other types, KeyError for what is missing."""
        if (found := values["format_version"]) not in READABLE_VERSIONS:
            raise ValueError(
                f"it has format_version {found!r}, this version of nmt reads "
                f"{', '.join(map(str, READABLE_VERSIONS))}"
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
        one_of("by", made.by, CUTS)
        if not 2 <= (made.quantiles or 2) <= MOST_BUCKETS or len(made.edges) >= MOST_BUCKETS:
            raise ValueError("its quantiles or edges make too many buckets")
        if "bleu" not in made.signatures or not len(labels) == len(made.buckets) <= MOST_BUCKETS:
            raise ValueError("it has no signature of BLEU, or buckets of one name, or too many")
        return made


_TEXT_OF_1 = {"sentences": "line"}


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a ``Row`` as mappings, given ``Row.as_dict``."""
    rest = dict(values)
    names = [name.removesuffix("_ci") for name in values if name.endswith("_ci")]
    scores = {name: {"interval": rest.pop(f"{name}_ci"), "value": rest.pop(name)} for name in names}
    return {"scores": scores, **rest}
