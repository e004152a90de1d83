"""The answer of a comparison in sentences: who is best where, and whether by chance."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from nmt.evaluation.metrics import METRICS
from nmt.report.comparison import Comparison
from nmt.report.tables import column, heading

CHANCE = 0.05


def question(comparison: Comparison) -> str:
    """What the comparison asks."""
    first = comparison.runs[0].evaluation
    by = f"length of the {first.side}" if first.by == "length" else column(first)
    return (
        f"Which system translates best, by {by}? {heading(comparison.score)} of "
        f"{first.overall.n:,} sentences of {first.test_set.name}."
    )


def answer(comparison: Comparison) -> Iterator[str]:
    """Who is best in which buckets, what each keeps of its score from the first bucket to the
    last, and where neighbours differ by more than chance. Empty buckets are left out."""
    score, lower = comparison.score, _lower_is_better(comparison.score)
    buckets = [run.evaluation.buckets for run in comparison.runs]
    known = [
        place
        for place, rows in enumerate(zip(*buckets, strict=True))
        if all(row.score(score).value is not None for row in rows)
    ]
    if not known:
        yield "No bucket holds a sentence."
        return
    names, unit = [buckets[0][at].label for at in known], column(comparison.runs[0].evaluation)
    values = {
        run.label: [run.evaluation.buckets[at].score(score).value or 0.0 for at in known]
        for run in comparison.runs
    }
    pick = min if lower else max
    best = [pick(values, key=lambda label: values[label][at]) for at in range(len(known))]
    yield f"Best by {heading(score)}: {', '.join(_stretches(names, best, unit))}."
    for label, (first, *others) in values.items():
        kept = f", so it keeps {others[-1] / first:.0%}" if others and first > 0 else ""
        last = f", {others[-1]:.1f} at {names[-1]}{'' if lower else kept}" if others else ""
        yield f"{label}: {first:.1f} {heading(score)} at {names[0]} {unit}{last}."
    for pair in comparison.pairs:
        tests = [pair.buckets[score][place] for place in known]
        told = ["" if test is not None and test.corrected < CHANCE else None for test in tests]
        at = [stretch.strip() for stretch in _stretches(names, told, unit)]
        yield (
            f"{pair.second} and {pair.first} differ by more than chance (p < {CHANCE})"
            f"{' ' if at else ' nowhere'}{', '.join(at)}."
        )


def _lower_is_better(score: str) -> bool:
    return score in METRICS and METRICS[score].lower_is_better


def _stretches(names: Sequence[str], of_each: Sequence[str | None], unit: str) -> Iterator[str]:
    """Neighbouring buckets of one value, such as "lstm at 10-19 to 60+ words"; not of None."""
    for value, places in groupby(range(len(names)), key=of_each.__getitem__):
        first, *others = places
        ends = dict.fromkeys([names[first], names[others[-1] if others else first]])
        if value is not None:
            yield f"{value} at {' to '.join(ends)} {unit}"
