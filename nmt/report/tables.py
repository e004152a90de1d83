"""Tables for a terminal and in Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass

from nmt.evaluation.evaluation import Evaluation, Row

ABSENT = "-"


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table. sections: groups of rows, with a cell for each column. notes: lines below it."""

    title: str
    header: Sequence[str]
    sections: Sequence[Sequence[Sequence[str]]]
    notes: Sequence[str] = ()

    def text(self) -> str:
        """For a terminal: columns aligned, the first one to the left; rules between sections."""
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
    by_length = [_scores(row.label, row) for row in evaluation.buckets]
    return Table(
        title=f"{evaluation.system}: {described(evaluation)}",
        header=[evaluation.unit, "n", "BLEU", "chrF", "brevity", "ratio", "cut off"],
        sections=[by_length, [_scores("all", evaluation.overall)]],
        notes=notes(evaluation),
    )


def described(evaluation: Evaluation) -> str:
    """The title of a table by length."""
    side, unit, test_set = evaluation.side, evaluation.unit, evaluation.test_set
    return f"BLEU by {side} length in {unit} on {test_set.name} ({test_set.n:,} sentences)"


def notes(evaluation: Evaluation) -> list[str]:
    """Explains the numbers and how they were computed."""
    bootstrap = evaluation.bootstrap
    rows = [evaluation.overall, *evaluation.buckets]
    few = "* too few to say much: under 30 sentences, or none long enough for a 4-gram"
    return [
        *([few] if any(row.n and row.too_few for row in rows) else []),
        f"[low, high]: {bootstrap.level:.0%} interval from {bootstrap.samples:,} bootstrap "
        f"samples of the sentences, seed {bootstrap.seed}",
        "ratio: tokens of the translations per token of the references",
        "cut off: translations that ended at the length limit of search",
        f"BLEU: {evaluation.signatures['bleu']}",
        f"chrF: {evaluation.signatures['chrf']}",
    ]


def score_cell(value: float | None, bounds: tuple[float, float] | None, row: Row) -> str:
    """A score with its interval, such as "31.4 [29.8, 33.0]", or a dash for None. It has a star
    where the row has too few sentences."""
    if value is None:
        return ABSENT
    mark = "*" if row.too_few else ""
    spread = "" if bounds is None else f" [{bounds[0]:4.1f}, {bounds[1]:4.1f}]"
    return f"{value:.1f}{mark}{spread}"


def number(value: float | None, form: str) -> str:
    """The value in a format such as ".2f" or ",", or a dash for None."""
    return ABSENT if value is None else format(value, form)


def duration(seconds: float | None) -> str:
    """The two largest units, such as "4 min 07 s", or a dash for None."""
    if seconds is None:
        return ABSENT
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def _scores(name: str, row: Row) -> list[str]:
    ratios = [number(value, ".2f") for value in (row.brevity_penalty, row.length_ratio)]
    bleu, chrf = score_cell(row.bleu, row.bleu_ci, row), score_cell(row.chrf, row.chrf_ci, row)
    return [name, f"{row.n:,}", bleu, chrf, *ratios, number(row.hit_limit, ",")]


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    others = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
    return "  ".join([row[0].ljust(widths[0]), *others]).rstrip()


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*")
