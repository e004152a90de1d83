"""All that decides an evaluation's numbers, known before the first sentence is translated."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from nmt.checks import dotted, one_of
from nmt.data import fingerprint
from nmt.evaluation.metrics import Scorer
from nmt.evaluation.buckets import SIDES, UNITS, buckets
from nmt.evaluation.bootstrap import Bootstrap

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
