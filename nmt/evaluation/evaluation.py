"""One system's translations of one test set, scored overall and by sentence length."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np

from nmt.checks import dotted, one_of
from nmt.evaluation.bootstrap import Bootstrap, percentile_interval, resampled_sums
from nmt.evaluation.buckets import SIDES, UNITS, SubwordLengths, buckets, lengths, members
from nmt.evaluation.metrics import Scorer, Statistics, bleu_of_sums, chrf_of_sums
from nmt.files import fingerprint

FORMAT_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """How to score translations.

    edges: between the length buckets. side: whose length is measured, "source" or "reference".
    unit: of length, "words", "subwords" or "characters". tokenize, lowercase: see ``Scorer``.
    bootstrap: of the intervals. Raises ValueError for any other value.
    """

    edges: Sequence[int] = (10, 20, 30, 40, 50, 60)
    side: str = "source"
    unit: str = "words"
    tokenize: str = "13a"
    lowercase: bool = False
    bootstrap: Bootstrap = field(default_factory=Bootstrap)

    def __post_init__(self) -> None:
        buckets(self.edges)
        one_of("side", self.side, SIDES)
        one_of("unit", self.unit, UNITS)

    def scorer(self) -> Scorer:
        """Raises ValueError for a tokenizer that sacreBLEU does not have."""
        return Scorer(tokenize=self.tokenize, lowercase=self.lowercase)


@dataclass(frozen=True, kw_only=True)
class TestSet:
    """A test set. Two with equal checksums hold the same sentences, whatever their names."""

    name: str
    n: int
    sha256_src: str
    sha256_ref: str

    @classmethod
    def of(cls, name: str, sources: Sequence[str], references: Sequence[str]) -> Self:
        """Raises ValueError for different numbers of sources and references."""
        n = len(sources)
        if n != len(references):
            raise ValueError(f"test set {name}: {n} sources but {len(references)} references")
        src, ref = fingerprint(sources), fingerprint(references)
        return cls(name=name, n=n, sha256_src=src, sha256_ref=ref)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How an evaluation was made: the first part of ``evaluation.json``, before the numbers.

    system: its name. search: its settings, and its precision unless that is fp32; {} where unknown.
    signatures: sacreBLEU's, by metric.
    """

    format_version: int = FORMAT_VERSION
    system: str
    test_set: TestSet
    search: Mapping[str, Any]
    signatures: Mapping[str, str]
    side: str
    unit: str
    edges: tuple[int, ...]
    bootstrap: Bootstrap

    @classmethod
    def of(
        cls, *, system: str, test_set: TestSet, search: Mapping[str, Any], scoring: Scoring
    ) -> "Recipe":
        """The recipe of an evaluation that is scored in this way."""
        return Recipe(
            system=system,
            test_set=test_set,
            search=dict(search),
            signatures=scoring.scorer().signatures(),
            side=scoring.side,
            unit=scoring.unit,
            edges=tuple(scoring.edges),
            bootstrap=scoring.bootstrap,
        )

    def settings(self) -> dict[str, Any]:
        """Every setting under its dotted name, such as "search.beam_size"."""
        values = asdict(self)
        return dict(dotted({name: values[name] for name in Recipe.__dataclass_fields__}))


def differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """Describes each setting that has two values, or that only one of the two sides has."""
    found = []
    for name in dict.fromkeys([*there, *here]):
        values = (side.get(name, "not set") for side in (there, here))
        old, new = (str(list(v) if isinstance(v, tuple) else v) for v in values)
        if old != new:
            found.append(f"{name} is {old} there and {new} here")
    return found


FEW = 30


@dataclass(frozen=True, kw_only=True)
class Row:
    """The scores of some sentences; each is None where there are no sentences.

    n: number of sentences. bleu, chrf: 0-100. bleu_ci, chrf_ci: lower and upper bound.
    length_ratio: tokens of the translations per token of the references. hit_limit: number of
    translations that search cut off, None where unknown. too_few: whether the scores mean little:
    n is below 30, or no reference holds a 4-gram (then even perfect translations have BLEU 0).
    """

    n: int
    bleu: float | None = None
    bleu_ci: tuple[float, float] | None = None
    chrf: float | None = None
    chrf_ci: tuple[float, float] | None = None
    brevity_penalty: float | None = None
    length_ratio: float | None = None
    hit_limit: int | None = None
    too_few: bool = True


@dataclass(frozen=True, kw_only=True)
class BucketRow(Row):
    """The sentences with low <= length < high (None: no upper bound)."""

    label: str
    low: int
    high: int | None


@dataclass(frozen=True, kw_only=True)
class Evaluation(Recipe):
    """How translations were scored, and their scores.

    seconds: time of translating the test set, None where unknown. overall: corpus scores of all
    sentences, which are not the means of the buckets.
    """

    seconds: float | None
    overall: Row
    buckets: tuple[BucketRow, ...]

    def as_dict(self) -> dict[str, Any]:
        """The content of ``evaluation.json``."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Evaluation":
        """The inverse of ``as_dict``. Lists, which JSON makes of tuples, become tuples again.
        Raises ValueError for another format version, KeyError or TypeError for other names."""
        if (found := values["format_version"]) != FORMAT_VERSION:
            said = f"it has format_version {found!r}, this version of nmt reads {FORMAT_VERSION}"
            raise ValueError(said)
        typed = {
            "test_set": TestSet(**values["test_set"]),
            "edges": tuple(values["edges"]),
            "bootstrap": Bootstrap(**values["bootstrap"]),
            "overall": Row(**_with_tuples(values["overall"])),
            "buckets": tuple(BucketRow(**_with_tuples(row)) for row in values["buckets"]),
        }
        return Evaluation(**{**values, **typed})


def evaluate_translations(
    *,
    system: str,
    test_set: str,
    sources: Sequence[str],
    references: Sequence[str],
    hypotheses: Sequence[str],
    scoring: Scoring,
    search: Mapping[str, Any] | None = None,
    seconds: float | None = None,
    hit_limit: Sequence[bool] | None = None,
    subword_lengths: SubwordLengths | None = None,
) -> Evaluation:
    """Scores ``hypotheses``, of which line i translates line i of ``sources``.

    test_set: its name. hit_limit: for each hypothesis whether search cut it off. subword_lengths:
    of the measured side, needed for ``unit=subwords`` only.

    Raises ValueError if the numbers of lines differ or there is nothing to score.
    """
    named = TestSet.of(test_set, sources, references)
    recipe = Recipe.of(system=system, test_set=named, search=search or {}, scoring=scoring)
    scorer = scoring.scorer()
    statistics = scorer.count(hypotheses, references)
    if hit_limit is not None and len(hit_limit) != len(hypotheses):
        raise ValueError(f"{len(hit_limit)} hit_limit flags for {len(hypotheses)} hypotheses")

    def row(sentences: Sequence[int]) -> dict[str, Any]:
        cut = None if hit_limit is None else sum(hit_limit[i] for i in sentences)
        scores = _scores(scorer, statistics.select(sentences), scoring.bootstrap)
        return {"n": len(sentences), "hit_limit": cut, **scores}

    side = sources if scoring.side == "source" else references
    measured = lengths(side, scoring.unit, subword_lengths)
    return Evaluation(
        **vars(recipe),
        seconds=seconds,
        overall=Row(**row(range(len(hypotheses)))),
        buckets=tuple(
            BucketRow(label=b.label, low=b.low, high=b.high, **row(members(measured, b)))
            for b in buckets(scoring.edges)
        ),
    )


def _scores(scorer: Scorer, statistics: Statistics, bootstrap: Bootstrap) -> dict[str, Any]:
    """The fields of ``Row`` that scoring gives; none where there are no sentences."""
    if not len(statistics):
        return {}
    both = np.concatenate([statistics.bleu, statistics.chrf], axis=1)
    sums = resampled_sums(both, bootstrap)
    bleu, chrf = np.split(sums, [statistics.bleu.shape[1]], axis=1)
    return {
        **asdict(scorer.corpus_score(statistics)),
        "bleu_ci": percentile_interval(bleu_of_sums(bleu), bootstrap.level),
        "chrf_ci": percentile_interval(chrf_of_sums(chrf), bootstrap.level),
        "too_few": len(statistics) < FEW or not statistics.bleu_is_defined,
    }


def _with_tuples(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(v) if isinstance(v, list) else v for name, v in row.items()}
