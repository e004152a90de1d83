"""Tables of alignment error and of what attention does, by length."""

from collections.abc import Mapping, Sequence

from nmt.evaluation.alignment_error import AlignmentScore, Counts, alignment_score
from nmt.evaluation.attention_figures import OVER, UNDER, PairFigures, by_length, mean
from nmt.evaluation.bootstrap import Bootstrap
from nmt.report.tables import Table, number


def error_table(
    name: str, path: str, found: Mapping[tuple[str, ...], Sequence[Counts]], bootstrap: Bootstrap
) -> Table:
    """A row for each way to align. found: (layer, step, links) -> counts of each pair; the layer
    of a baseline is its name. path: of the gold file."""
    rows = [[*way, *_cells(alignment_score(counts, bootstrap))] for way, counts in found.items()]
    baseline = [row for row in rows if row[0] == "diagonal"]
    statistics = next(iter(found.values()))
    sure = sum(each.sure for each in statistics)
    possible = sum(each.possible for each in statistics) - sure
    return Table(
        title=f"{name}: alignment error of {len(statistics):,} pairs",
        header=["layer", "step", "links", "error rate", "precision", "recall"],
        sections=[baseline, [row for row in rows if row not in baseline]],
        notes=[
            f"against {path}: {sure:,} sure links, {possible:,} possible ones",
            f"[low, high]: {bootstrap.level:.0%} interval from {bootstrap.samples:,} bootstrap "
            f"samples of the pairs",
            "step: same, weights of the step that writes a word; next, of the step after it",
            "links: target, one from each target word; both, also from source words left over",
        ],
    )


def figures_table(name: str, figures: Sequence[PairFigures], edges: Sequence[int]) -> Table:
    """Means over the pairs of each bucket of source words."""
    groups = by_length(figures, edges)
    everything = [one for _, group in groups for one in group]
    asked = mean(figures, "agreement") is not None
    known = any(one.links is not None for one in figures)

    def cells(label: str, group: Sequence[PairFigures]) -> list[str]:
        over, under = (mean(group, column) for column in ("over", "under"))
        row = [label, f"{len(group):,}", _percent(over), _percent(under)]
        row.append(number(mean(group, "entropy"), ".2f"))
        if asked:
            sample = sum(one.agreement is not None for one in group)
            shares = (_percent(mean(group, column)) for column in ("agreement", "chance"))
            row += [f"{sample:,}", *shares, number(mean(group, "tau"), ".2f")]
        if known:
            statistics = [one.links for one in group if one.links is not None]
            row.append(_cells(alignment_score(statistics))[0])
        return row

    return Table(
        title=f"{name}: attention by source length in words",
        header=[
            *("words", "n", f"over {OVER:g}", f"under {UNDER:g}", "entropy"),
            *(["sample", "agreement", "chance", "tau"] if asked else []),
            *(["error rate"] if known else []),
        ],
        sections=[[cells(*group) for group in groups], [cells("all", everything)]],
        notes=[
            "over, under: percent of the source words that all target words together attend to",
            f"more than {OVER:g} times, less than {UNDER:g} times",
            "entropy: of a target word's attention over source words and end, in bits",
            *(_ABOUT_AGREEMENT if asked else []),
        ],
    )


_ABOUT_AGREEMENT = (
    "agreement: percent of the target words whose most attended source word is the one without",
    "which they are least likely; chance: the same for any source word",
    "tau: Kendall's rank correlation of a target word's attention with what each word changes",
)


def _percent(value: float | None) -> str:
    return number(None if value is None else 100 * value, ".1f")


def _cells(score: AlignmentScore) -> list[str]:
    """Error rate with its interval, precision, recall."""
    rate = number(score.error_rate, ".1f")
    if score.interval is not None:
        low, high = score.interval
        rate += f" [{low:4.1f}, {high:4.1f}]"
    return [rate, *(number(value, ".1f") for value in (score.precision, score.recall))]
