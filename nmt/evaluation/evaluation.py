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
    """How translations are scored.

    edges: where length buckets end and the next begin. side: whose length counts, "source" or
    "reference". unit: of length, "words", "subwords" or "characters". tokenize, lowercase: see
    ``Scorer``. bootstrap: of the intervals. ValueError for a value that is none of these.
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
        """ValueError for a tokenizer that sacreBLEU does not have."""
        return Scorer(tokenize=self.tokenize, lowercase=self.lowercase)


@dataclass(frozen=True, kw_only=True)
class TestSet:
    """Which sentences were translated, whatever the name: the sums say."""

    name: str
    n: int
    sha256_src: str
    sha256_ref: str

    @classmethod
    def of(cls, name: str, sources: Sequence[str], references: Sequence[str]) -> Self:
        """ValueError if there are not as many references as sources."""
        if len(sources) != len(references):
            raise ValueError(
                f"test set {name}: {len(sources)} sources but {len(references)} references"
            )
        return cls(
            name=name,
            n=len(sources),
            sha256_src=fingerprint(sources),
            sha256_ref=fingerprint(references),
        )


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What of ``evaluation.json`` stands above its numbers.

    system: a name of what translated. search: how, as plain values, {} where unknown: the settings
    of the search, and the precision where it is not fp32.
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
        """What ``evaluate`` will say of these."""
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
        """Every setting by its dotted name, such as "search.beam_size"."""
        values = asdict(self)
        return dict(dotted({name: values[name] for name in Recipe.__dataclass_fields__}))


def differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """A phrase for each setting whose value differs, or that only one of the two has."""
    return [
        f"{name} is {_said(there, name)} there and {_said(here, name)} here"
        for name in dict.fromkeys([*there, *here])
        if _said(there, name) != _said(here, name)
    ]


def _said(settings: Mapping[str, Any], name: str) -> str:
    value = settings.get(name, "not set")
    return str(list(value)) if isinstance(value, tuple) else str(value)


FEW = 30


@dataclass(frozen=True, kw_only=True)
class Row:
    """Some of the sentences, scored together. None for every score where there are none.

    n: sentences. bleu, chrf: 0-100. bleu_ci, chrf_ci: lower and upper bound. length_ratio: tokens
    of the translations a reference token. hit_limit: translations that search cut off, None where
    unknown. too_few: the scores say little: n is below 30, or no reference holds the four tokens
    without which BLEU is 0 even for perfect translations.
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
    """A recipe and what came of it.

    seconds: that translating the test set took, None where unknown. overall: all sentences, which
    is not the mean of the buckets.
    """

    seconds: float | None
    overall: Row
    buckets: tuple[BucketRow, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values in the order and under the names of ``evaluation.json``."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Evaluation":
        """The inverse of ``as_dict``, also after JSON made lists of tuples.

        ValueError for another format version, KeyError or TypeError for missing or unknown names.
        """
        if values["format_version"] != FORMAT_VERSION:
            raise ValueError(
                f"it has format_version {values['format_version']!r}, "
                f"this version of nmt reads {FORMAT_VERSION}"
            )
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
    """Score ``hypotheses``, of which line i translates line i of ``sources``.

    test_set: its name. hit_limit: for each hypothesis whether search cut it off. subword_lengths:
    of the measured side, needed for ``unit=subwords`` only.

    ValueError if counts differ or there is nothing to score.
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
        **{name: getattr(recipe, name) for name in Recipe.__dataclass_fields__},
        seconds=seconds,
        overall=Row(**row(range(len(hypotheses)))),
        buckets=tuple(
            BucketRow(label=b.label, low=b.low, high=b.high, **row(members(measured, b)))
            for b in buckets(scoring.edges)
        ),
    )


def _scores(scorer: Scorer, statistics: Statistics, bootstrap: Bootstrap) -> dict[str, Any]:
    """The fields of ``Row`` that come of scoring; none where there is nothing to score."""
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
