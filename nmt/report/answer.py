"""The answer of a comparison in sentences: who is best where, and whether by chance."""

from collections.abc import Iterator
from itertools import groupby

from nmt.evaluation.metrics import METRICS
from nmt.report.comparison import Comparison
from nmt.report.tables import column, heading

SIGNIFICANT = 0.05


def question(comparison: Comparison) -> str:
    """What the comparison asks."""
    first = comparison.runs[0].evaluation
    by = f"length of the {first.side}" if first.by == "length" else column(first)
    return (
        f"Which system translates best, by {by}? {heading(comparison.score)} of "
        f"{first.test_set.n:,} sentences of {first.test_set.name}."
    )


def answer(comparison: Comparison) -> Iterator[str]:
    """Who is best in which buckets, what each keeps of its score from the first bucket to the
    last, and in which buckets the tests tell neighbours apart. Empty buckets are left out."""
    score, unit = comparison.score, column(comparison.runs[0].evaluation)
    known = [
        place
        for place in range(len(comparison.runs[0].evaluation.buckets))
        if all(
            run.evaluation.buckets[place].score(score).value is not None for run in comparison.runs
        )
    ]
    if not known:
        yield "No bucket holds a sentence."
        return
    names = [comparison.runs[0].evaluation.buckets[place].label for place in known]
    values = {
        run.label: [run.evaluation.buckets[place].score(score).value or 0.0 for place in known]
        for run in comparison.runs
    }
    lower = score in METRICS and METRICS[score].lower_is_better
    pick = min if lower else max
    best = [pick(values, key=lambda label: values[label][at]) for at in range(len(known))]
    stretches = [
        f"{label} at {_stretch([names[at] for at in places])} {unit}"
        for label, places in groupby(range(len(known)), key=best.__getitem__)
    ]
    yield f"Best by {heading(score)}: {', '.join(stretches)}."
    for label, of_label in values.items():
        kept = f", so it keeps {of_label[-1] / of_label[0]:.0%}" if of_label[0] > 0 else ""
        yield (
            f"{label}: {of_label[0]:.1f} {heading(score)} at {names[0]} {unit}, "
            f"{of_label[-1]:.1f} at {names[-1]}{kept if len(known) > 1 and not lower else ''}."
        )
    for pair in comparison.pairs:
        tests = [pair.buckets[score][place] for place in known]
        told = [
            name
            for name, test in zip(names, tests, strict=True)
            if test is not None and test.corrected < SIGNIFICANT
        ]
        where = "every bucket" if len(told) == len(known) else ", ".join(told)
        yield (
            f"{pair.second} and {pair.first} differ by more than chance (p < {SIGNIFICANT}, "
            f"corrected) in {where}."
            if told
            else f"No bucket tells {pair.second} from {pair.first} (p < {SIGNIFICANT}, corrected)."
        )


def _stretch(names: list[str]) -> str:
    """Such as "0-9 to 60+"."""
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"
