"""Tables for a terminal and in Markdown."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nmt.evaluation.evaluation import Evaluation, Row, Score
from nmt.evaluation.metrics import METRICS, WITHOUT_SPACES
from nmt.evaluation.sentence_table import RARE

ABSENT = "-"
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")  # names in a result may come from anybody
SHARES = ("rare", "unseen")
IN_ONE_TABLE = 2
"""Metrics with intervals that fit on a line of a terminal, with what else stands there."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table. title: "" for one that goes on from the table before it. sections: groups of rows,
    with a cell for each column. notes: lines below it."""

    title: str
    header: Sequence[str]
    sections: Sequence[Sequence[Sequence[str]]]
    notes: Sequence[str] = ()

    def text(self) -> str:
        """For a terminal: columns aligned, the first one to the left; rules between sections."""
        rows = [self.header, *(row for section in self.sections for row in section)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(self.header))]
        rule = "  ".join("─" * width for width in widths)
        lines = [*([self.title, ""] if self.title else []), _line(self.header, widths)]
        for section in self.sections:
            lines += [rule, *(_line(row, widths) for row in section)]
        lines += ["", *self.notes] if self.notes else []
        return "".join(f"{_CONTROLS.sub('?', line)}\n" for line in lines)

    def markdown(self) -> str:
        """A heading, a table without sections, and the notes as a list."""
        align = [":--", *("--:" for _ in self.header[1:])]
        rows = [self.header, align, *(row for section in self.sections for row in section)]
        lines = ["| " + " | ".join(_escaped(cell) for cell in row) + " |" for row in rows]
        notes = [f"- {_escaped(note)}" for note in self.notes]
        return "\n".join([f"### {_escaped(self.title)}", "", *lines, "", *notes]) + "\n"


def evaluation_tables(evaluation: Evaluation) -> list[Table]:
    """One system's scores. The first table has those by length, BLEU and chrF, the next one the
    other metrics, where there are any, the last one those of each document. The notes stand below
    the last."""
    metrics = list(evaluation.signatures)
    by_length = [(row.label, row) for row in evaluation.buckets]
    overall = [("all", evaluation.overall)]
    first, *others = (
        _rows([column(evaluation), "n"], [by_length, overall], some, facts=not at)
        for at in range(0, len(metrics), IN_ONE_TABLE)
        for some in [metrics[at : at + IN_ONE_TABLE]]
    )
    tables = [replace(first, title=f"{evaluation.system}: {described(evaluation)}"), *others]
    if evaluation.documents:
        by_document = [(row.id, row) for row in evaluation.documents]
        tables.append(_rows(["document", "n"], [by_document], metrics, facts=True))
    said = [*notes(evaluation), f"text: {text_settings(evaluation.text)}"]
    return [*tables[:-1], replace(tables[-1], notes=said)]


def described(evaluation: Evaluation, score: str = "BLEU") -> str:
    """The title of a table of scores by bucket. score: the heading of the metric."""
    side, unit = evaluation.side, evaluation.unit
    by = f"{side} length in {unit}" if evaluation.by == "length" else cut_described(evaluation)
    said = [f"{evaluation.overall.n:,} sentences"]
    for name, wanted in evaluation.only.items():
        listed = ",".join(map(str, wanted)) if isinstance(wanted, list | tuple) else wanted
        said.append(f"only {name}={listed}")
    return f"{score} by {by} on {evaluation.test_set.name} ({', '.join(said)})"


def cut_described(evaluation: Evaluation) -> str:
    """What divides the sentences of an evaluation, such as "length of the source in words"."""
    return {
        "length": f"length of the {evaluation.side} in {evaluation.unit}",
        "sentences": "number of sentences in the source",
        "rare": f"percentage of source words rare in training (under {RARE} times)",
        "unseen": "percentage of source words unseen in training",
        "label": "label",
    }[evaluation.by]


def column(evaluation: Evaluation) -> str:
    """The heading of the first column, which names the buckets."""
    return {"length": evaluation.unit, "rare": "% rare", "unseen": "% unseen"}.get(
        evaluation.by, evaluation.by
    )


def notes(evaluation: Evaluation) -> list[str]:
    """Explains the numbers and how they were computed."""
    bootstrap = evaluation.bootstrap
    rows = [evaluation.overall, *evaluation.buckets, *evaluation.documents]
    few = "* too few to say much: under 30 sentences, or none long enough for a 4-gram"
    drawn = f"{len(evaluation.documents):,} documents" if evaluation.documents else "sentences"
    signatures = evaluation.signatures
    tokenizer = tokenizer_of(signatures["bleu"])
    by_spaces = [name for name in ("chrf++", "ter") if name in signatures]
    if tokenizer not in WITHOUT_SPACES:
        by_spaces = []
    elif tokenizer != "char":  # TER takes Chinese characters for words
        by_spaces = [name for name in by_spaces if name != "ter"]
    return [
        *([few] if any(row.n and row.too_few for row in rows) else []),
        f"[low, high]: {bootstrap.level:.0%} interval from {bootstrap.samples:,} bootstrap "
        f"samples of the {drawn}, seed {bootstrap.seed}",
        "ratio: tokens of the translations per token of the references",
        "cut off: translations that ended at the length limit of search",
        *(["% rare and % unseen are rounded up: 0 means none"] * (evaluation.by in SHARES)),
        *(["TER: edits per 100 words of the references; lower is better"] * ("ter" in signatures)),
        f"tokenizer of BLEU: {tokenizer}",
        *(
            f"{heading(name)} counts words between spaces, which text like this has few of"
            for name in by_spaces
        ),
        *(f"{heading(name)}: {signature}" for name, signature in signatures.items()),
    ]


def heading(metric: str) -> str:
    """A metric's heading; its name where that metric is not known here."""
    return METRICS[metric].label if metric in METRICS else metric


def text_settings(text: Mapping[str, Any]) -> str:
    """What was done with the text besides translating it, such as "sentences=line"."""
    return " ".join(f"{name}={value}" for name, value in text.items()) or "unknown"


def tokenizer_of(signature: str) -> str:
    """The tokenizer that sacreBLEU's signature of BLEU names."""
    found = re.search(r"\btok:([^|]+)", signature)
    return found[1] if found else "unknown"


def score_cell(score: Score, row: Row) -> str:
    """A score with its interval, such as "31.4 [29.8, 33.0]", or a dash for none. It has a star
    where the row has too few sentences."""
    if score.value is None:
        return ABSENT
    mark = "*" if row.too_few else ""
    bounds = score.interval
    interval = "" if bounds is None else f" [{bounds[0]:4.1f}, {bounds[1]:4.1f}]"
    spread = "" if score.spread is None else f" ±{score.spread:.1f}"
    return f"{score.value:.1f}{mark}{spread}{interval}"


def number(value: float | None, form: str) -> str:
    """The value in a format such as ".2f" or ",", or a dash for None. Of a number that is a mean
    of whole ones, "," shows a decimal."""
    if value is None:
        return ABSENT
    return format(value, ",.1f" if form == "," and isinstance(value, float) else form)


def duration(seconds: float | None) -> str:
    """The two largest units, such as "4 min 07 s", or a dash for None."""
    if seconds is None:
        return ABSENT
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def _rows(
    header: Sequence[str],
    sections: Iterable[Iterable[tuple[str, Row]]],
    metrics: Sequence[str],
    *,
    facts: bool,
) -> Table:
    """A table of named rows with these metrics. facts: whether to add what else a row tells."""

    def cells(name: str, row: Row) -> list[str]:
        scores = [score_cell(row.score(metric), row) for metric in metrics]
        ratios = [number(value, ".2f") for value in (row.brevity_penalty, row.length_ratio)]
        failures = [number(row.hit_limit, ","), number(row.repeats, ".1%")]
        others = [*ratios, *failures] if facts else []
        return [name, f"{row.n:,}", *scores, *others]

    others = ["brevity", "ratio", "cut off", "repeats"] if facts else []
    return Table(
        title="",
        header=[*header, *map(heading, metrics), *others],
        sections=[[cells(name, row) for name, row in section] for section in sections],
    )


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    others = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
    return "  ".join([row[0].ljust(widths[0]), *others]).rstrip()


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*")
