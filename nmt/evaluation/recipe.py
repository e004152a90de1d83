"""How an evaluation is made: its options, its test set, and all that two results must share."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from nmt.checks import dotted, one_of, positive_int
from nmt.evaluation.bootstrap import Bootstrap
from nmt.evaluation.buckets import CUTS, EDGES, MOST_BUCKETS, SIDES, UNITS, buckets
from nmt.evaluation.metrics import METRICS, Metric
from nmt.evaluation.scorer import Scorer, check_metrics, number_of_references, reference_texts
from nmt.files import fingerprint

FORMAT_VERSION = 3
READABLE_VERSIONS = (1, 2, FORMAT_VERSION)
"""Version 1 has one reference, BLEU and chrF, and nothing of documents and text settings; 2 has no
cut but by length, and no ``SentenceTable`` beside it."""

WHOLE_LINES: Mapping[str, Any] = {
    "sentences": "line",
    "retry": False,
    "copy_letterless": False,
    "protect.enabled": False,
    "normalization": "none",
}
"""What was done with the text where a result says nothing of it: each line was translated whole."""


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """How to score translations.

    by: what divides sentences into buckets, one of ``CUTS``. edges: between the buckets; None for
    those of ``EDGES``. quantiles: number of buckets of about as many sentences each, in place of
    edges. side: whose length is measured, "source" or "reference". unit: of length, "words",
    "subwords" or "characters". metrics, tokenize, lowercase: see ``Scorer``. bootstrap: of the
    intervals. Raises ValueError for any other value.
    """

    by: str = "length"
    edges: Sequence[int] | None = None
    quantiles: int | None = None
    side: str = "source"
    unit: str = "words"
    metrics: Sequence[str] = tuple(METRICS)
    tokenize: str = "13a"
    lowercase: bool = False
    bootstrap: Bootstrap = field(default_factory=Bootstrap)

    def __post_init__(self) -> None:
        one_of("by", self.by, CUTS)
        parts = 2 if self.quantiles is None else positive_int("quantiles", self.quantiles)
        if not 2 <= parts <= MOST_BUCKETS:
            raise ValueError(f"quantiles must lie between 2 and {MOST_BUCKETS:,}, got {parts}")
        if self.edges is not None and (self.quantiles is not None or self.by == "label"):
            raise ValueError("edges= has no meaning beside quantiles= or by=label: leave it out")
        if self.edges is not None:
            buckets(self.edges)
        if self.by == "label" and self.quantiles is not None:
            raise ValueError("by=label has no quantiles: leave quantiles= out")
        one_of("side", self.side, SIDES)
        one_of("unit", self.unit, UNITS)
        check_metrics(self.metrics)
        edges = EDGES[self.by] if self.edges is None and self.quantiles is None else self.edges
        object.__setattr__(self, "edges", tuple(edges or ()))  # as a config has it: a list
        object.__setattr__(self, "metrics", tuple(self.metrics))

    def scorer(self, own: Mapping[str, Metric] | None = None) -> Scorer:
        """own: further metrics. Raises ValueError for a tokenizer that sacreBLEU does not have."""
        return Scorer(
            metrics=self.metrics, tokenize=self.tokenize, lowercase=self.lowercase, own=own
        )


@dataclass(frozen=True, kw_only=True)
class TestSet:
    """A test set. Two with equal checksums hold the same sentences, whatever their names.

    sha256_src: None without sources. sha256_ref: of the references; of several, each reference's,
    with + between. nrefs: references a sentence, VARYING where it varies. sha256_documents: of the
    sentences' document ids, None without documents.
    """

    name: str
    n: int
    sha256_src: str | None
    sha256_ref: str
    nrefs: int = 1
    sha256_documents: str | None = None

    @classmethod
    def of(
        cls,
        name: str,
        sources: Sequence[str] | None,
        references: Sequence[Sequence[str]],
        documents: Sequence[str] | None = None,
    ) -> Self:
        """references: one or several texts, each with a line for each sentence. documents: the id
        of each sentence's document. Raises ValueError for different numbers of them."""
        texts = reference_texts(references)
        n = len(references[0])
        for kind, lines in (("sources", sources), ("document ids", documents)):
            if lines is not None and len(lines) != n:
                raise ValueError(f"test set {name}: {len(lines)} {kind} but {n} references")
        return cls(
            name=name,
            n=n,
            sha256_src=None if sources is None else fingerprint(sources),
            sha256_ref="+".join(map(fingerprint, references)),
            nrefs=number_of_references(texts),
            sha256_documents=None if documents is None else fingerprint(documents),
        )


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How an evaluation was made: the first part of ``evaluation.json``, before the numbers.

    system: its name. search: its settings and the precision, fp32 if none is named; {} where
    unknown.
    text: what was done with the text before and after the model, by the names in ``WHOLE_LINES``,
    which also says what holds for those that are missing; {} where unknown. signatures: of each
    metric, sacreBLEU's. edges: () where quantiles or labels divide the sentences. only: which
    sentences count, by ``selected``'s names; {} for all.
    """

    format_version: int = FORMAT_VERSION
    system: str
    test_set: TestSet
    search: Mapping[str, Any]
    text: Mapping[str, Any]
    signatures: Mapping[str, str]
    side: str
    unit: str
    edges: tuple[int, ...]
    bootstrap: Bootstrap
    by: str = "length"
    quantiles: int | None = None
    only: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        *,
        system: str,
        test_set: TestSet,
        search: Mapping[str, Any],
        text: Mapping[str, Any],
        scoring: Scoring,
        own: Mapping[str, Metric] | None = None,
    ) -> "Recipe":
        """The recipe of an evaluation that is scored in this way."""
        return Recipe(
            system=system,
            test_set=test_set,
            search=dict(search),
            text=dict(dotted(text)),
            signatures=scoring.scorer(own).signatures(test_set.nrefs),
            side=scoring.side,
            unit=scoring.unit,
            edges=tuple(scoring.edges or ()),
            bootstrap=scoring.bootstrap,
            by=scoring.by,
            quantiles=scoring.quantiles,
        )

    def settings(self) -> dict[str, Any]:
        """Every setting under its dotted name, such as "search.beam_size"; the precision, and what
        is known of the text, with fp32 and the values of ``WHOLE_LINES`` where nothing is said."""
        values = {name: getattr(self, name) for name in Recipe.__dataclass_fields__}
        values |= {"test_set": asdict(self.test_set), "bootstrap": asdict(self.bootstrap)}
        if self.search:
            values["search"] = {"precision": "fp32", **self.search}
        if self.text:
            values["text"] = {**WHOLE_LINES, **self.text}
        return dict(dotted(values))


def differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """Describes each setting that has two values, or that only one of the two sides has."""
    found = []
    for name in dict.fromkeys([*there, *here]):
        values = (side.get(name, "not set") for side in (there, here))
        old, new = (str(list(v) if isinstance(v, tuple) else v) for v in values)
        if old != new:
            found.append(f"{name} is {old} there and {new} here")
    return found
