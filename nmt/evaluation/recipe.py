"""How an evaluation is made: its options, its test set, and all that two results must share."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from nmt.checks import dotted, one_of
from nmt.evaluation.bootstrap import Bootstrap
from nmt.evaluation.buckets import SIDES, UNITS, buckets
from nmt.evaluation.metrics import (
    METRICS,
    Scorer,
    check_metrics,
    number_of_references,
    reference_texts,
)
from nmt.files import fingerprint

FORMAT_VERSION = 2
READABLE_VERSIONS = (1, FORMAT_VERSION)
"""Version 1 has one reference, BLEU and chrF, and nothing of documents and text settings."""

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

    edges: between the length buckets. side: whose length is measured, "source" or "reference".
    unit: of length, "words", "subwords" or "characters". metrics, tokenize, lowercase: see
    ``Scorer``. bootstrap: of the intervals. Raises ValueError for any other value.
    """

    edges: Sequence[int] = (10, 20, 30, 40, 50, 60)
    side: str = "source"
    unit: str = "words"
    metrics: Sequence[str] = tuple(METRICS)
    tokenize: str = "13a"
    lowercase: bool = False
    bootstrap: Bootstrap = field(default_factory=Bootstrap)

    def __post_init__(self) -> None:
        buckets(self.edges)
        one_of("side", self.side, SIDES)
        one_of("unit", self.unit, UNITS)
        check_metrics(self.metrics)
        for name in ("edges", "metrics"):  # as a config has them: a list
            object.__setattr__(self, name, tuple(getattr(self, name)))

    def scorer(self) -> Scorer:
        """Raises ValueError for a tokenizer that sacreBLEU does not have."""
        return Scorer(metrics=self.metrics, tokenize=self.tokenize, lowercase=self.lowercase)


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
    metric, sacreBLEU's.
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

    @classmethod
    def of(
        cls,
        *,
        system: str,
        test_set: TestSet,
        search: Mapping[str, Any],
        text: Mapping[str, Any],
        scoring: Scoring,
    ) -> "Recipe":
        """The recipe of an evaluation that is scored in this way."""
        return Recipe(
            system=system,
            test_set=test_set,
            search=dict(search),
            text=dict(dotted(text)),
            signatures=scoring.scorer().signatures(test_set.nrefs),
            side=scoring.side,
            unit=scoring.unit,
            edges=tuple(scoring.edges),
            bootstrap=scoring.bootstrap,
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
