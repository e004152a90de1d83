"""Tables, for a terminal and in Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass

from nmt.evaluation.evaluation import Evaluation, Row

ABSENT = "-"


@dataclass(frozen=True, kw_only=True)
class Table:
    """sections: rows that belong together, each with a cell a column. notes: read below it."""

    title: str
    header: Sequence[str]
    sections: Sequence[Sequence[Sequence[str]]]
    notes: Sequence[str] = ()

    def text(self) -> str:
        """For a terminal: columns lined up, the first to the left, a rule between sections."""
        rows = [self.header, *(row for section in self.sections for row in section)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(self.header))]
        rule = "  ".join("─" * width for width in widths)
        lines = [self.title, "", _line(self.header, widths)]
        for section in self.sections:
            lines += [rule, *(_line(row, widths) for row in section)]
        return "\n".join([*lines, "", *self.notes]) + "\n"

    def markdown(self) -> str:
        """A heading, a table without sections, and the notes as a list."""
        align = [":--", *("--:" for _ in self.header[1:])]
        rows = [self.header, align, *(row for section in self.sections for row in section)]
        lines = ["| " + " | ".join(_escaped(cell) for cell in row) + " |" for row in rows]
        notes = [f"- {_escaped(note)}" for note in self.notes]
        return "\n".join([f"### {_escaped(self.title)}", "", *lines, "", *notes]) + "\n"


def evaluation_table(evaluation: Evaluation) -> Table:
    """One system's scores, overall and by length."""
    named = [(row.label, row) for row in evaluation.buckets]
    return Table(
        title=f"{evaluation.system}: {described(evaluation)}",
        header=[evaluation.unit, "n", "BLEU", "chrF", "brevity", "ratio", "cut off"],
        sections=[
            [_scores(name, row) for name, row in named],
            [_scores("all", evaluation.overall)],
        ],
        notes=notes(evaluation),
    )


def described(evaluation: Evaluation) -> str:
    """What the rows of a table by length are about."""
    test_set = evaluation.test_set
    return (
        f"BLEU by {evaluation.side} length in {evaluation.unit} on {test_set.name} "
        f"({count(test_set.n)} sentences)"
    )


def notes(evaluation: Evaluation) -> list[str]:
    """How to read the numbers, and the recipe that they came of."""
    bootstrap = evaluation.bootstrap
    rows = [evaluation.overall, *evaluation.buckets]
    few = "* too few to say much: under 30 sentences, or none long enough for a 4-gram"
    return [
        *([few] if any(row.n and row.too_few for row in rows) else []),
        f"[low, high]: {bootstrap.level:.0%} interval from {count(bootstrap.samples)} bootstrap "
        f"samples of the sentences, seed {bootstrap.seed}",
        "ratio: tokens of the translations a reference token",
        "cut off: translations that ended at the length limit of search",
        f"BLEU: {evaluation.signatures['bleu']}",
        f"chrF: {evaluation.signatures['chrf']}",
    ]


def score_cell(value: float | None, bounds: tuple[float, float] | None, row: Row) -> str:
    """A score with its interval, such as "31.4 [29.8, 33.0]", starred where the row has too few
    sentences; a dash where there is none."""
    if value is None:
        return ABSENT
    mark = "*" if row.too_few else ""
    spread = "" if bounds is None else f" [{bounds[0]:4.1f}, {bounds[1]:4.1f}]"
    return f"{value:.1f}{mark}{spread}"


def ratio(value: float | None) -> str:
    """Two decimals, or a dash."""
    return ABSENT if value is None else f"{value:.2f}"


def count(value: int | None) -> str:
    """Thousands set apart by commas, or a dash."""
    return ABSENT if value is None else f"{value:,}"


def duration(seconds: float | None) -> str:
    """In the two units that matter, such as "4 min 07 s", or a dash."""
    if seconds is None:
        return ABSENT
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def _scores(name: str, row: Row) -> list[str]:
    return [
        name,
        count(row.n),
        score_cell(row.bleu, row.bleu_ci, row),
        score_cell(row.chrf, row.chrf_ci, row),
        ratio(row.brevity_penalty),
        ratio(row.length_ratio),
        count(row.hit_limit),
    ]


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (
        cell.rjust(width) if column else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    )
    return "  ".join([first, *others]).rstrip()


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*")
