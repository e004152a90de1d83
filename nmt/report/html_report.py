"""The report of a comparison: what its page says, from results and, where wanted, from text."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nmt
from nmt.evaluation.from_table import parts_of
from nmt.evaluation.metrics import METRICS
from nmt.files import replace_text
from nmt.plain_files import read_json_lines, typed
from nmt.report.answer import answer, question
from nmt.report.charts import Curve, legend, line_chart, svg
from nmt.report.comparison import Comparison, comparison_tables
from nmt.report.contrasts import contrasts
from nmt.report.heat_maps import HeatMap
from nmt.report.page import Chart, ContrastGroup, Page, Section
from nmt.report.plots import draw_scores, look_of
from nmt.report.tables import ABSENT, Table, cut_described, heading

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FILE = "report.html"
CONTRASTS = 3  # sentences a bucket
_TRAINING = ("metrics.jsonl", "timing.jsonl")
_MOST_BYTES = 2**26


@dataclass(frozen=True, kw_only=True)
class Texts:
    """The test set, and each system's translations by its label."""

    sources: Sequence[str]
    references: Sequence[str]
    hypotheses: Mapping[str, Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Learning:
    """How a run learned. tokens, minutes, score: target tokens read, minutes trained and BLEU of
    the validation pairs at each validation; loss: of each logged step, with its tokens."""

    tokens: Sequence[float] = ()
    minutes: Sequence[float] = ()
    score: Sequence[float | None] = ()
    loss: Curve = field(default_factory=lambda: Curve((), ()))


def report_page(
    comparison: Comparison,
    *,
    learning: Mapping[str, Learning],
    texts: Texts | None = None,
    heat_maps: Sequence[HeatMap] = (),
) -> Page:
    """The page. texts: None for a page without corpus text. learning: by label."""
    first = comparison.runs[0].evaluation
    scores, *others = comparison_tables(comparison)
    return Page(
        title=scores.title,
        question=question(comparison),
        answer=[*answer(comparison)],
        sections=[
            Section(
                id="scores",
                title=f"{heading(comparison.score)} by bucket",
                charts=[_scores_chart(comparison)],
                tables=[scores, *others[:-1]],
            ),
            Section(
                id="failures",
                title="How each fails",
                text=_FAILURES,
                charts=[_ratio_chart(comparison)],
                tables=others[-1:],
            ),
            *_learning_section(learning, of_first=any(run.seeds for run in comparison.runs)),
            *_attention_section(heat_maps),
            *(_contrast_section(comparison, texts) if texts is not None else ()),
            *_settings_section(comparison),
        ],
        made=[
            f"nmt {nmt.__version__}, nmt-compare. Test set {first.test_set.name}, sha256 of the "
            f"references {first.test_set.sha256_ref}.",
        ],
    )


_FAILURES = (
    "A ratio below 1 means that a system stops early, above 1 that it runs on; cut off are "
    "translations that reached the length limit of search; some repeat themselves."
)


def write_report(page: Page, directory: Path) -> Path:
    """Writes the page into a directory. Raises FileExistsError if that has a report."""
    check_no_report(directory)
    directory.mkdir(parents=True, exist_ok=True)
    replace_text(directory / FILE, page.html())
    return directory / FILE


def check_no_report(directory: Path) -> None:
    """To be called before the work, as it is cheap."""
    if (directory / FILE).exists():
        raise FileExistsError(f"{directory / FILE} exists: delete it, or say another report=DIR")


def learning_of(run: Path) -> Learning:
    """What the logs of a run say; an empty one where there are none. Raises ValueError for logs
    that training did not write."""
    logs = [run / name for name in _TRAINING]
    if not all(log.is_file() for log in logs):
        return Learning()
    metrics, timing = map(_rows, logs)
    at = {line["step"]: (line["tokens"] / 1e6, line["seconds"] / 60) for line in timing}
    validated = [line for line in metrics if "valid_bleu" in line and "averaged" not in line]
    validated = [line for line in validated if line["step"] in at]
    logged = [line for line in metrics if "loss" in line and line["step"] in at]
    return Learning(
        tokens=[at[line["step"]][0] for line in validated],
        minutes=[at[line["step"]][1] for line in validated],
        score=[line["valid_bleu"] for line in validated],
        loss=Curve([at[line["step"]][0] for line in logged], [line["loss"] for line in logged]),
    )


def _rows(log: Path) -> list[dict[str, Any]]:
    """The lines of a log that may come from anybody, those values checked that are drawn."""
    rows = []
    for number, line in enumerate(read_json_lines(log, _MOST_BYTES), start=1):
        where = f"{log}:{number} is damaged"
        row = typed(dict[str, Any], line, f"{where}: the line")
        needed = ("step",) if log.name == _TRAINING[0] else ("step", "tokens", "seconds")
        for name in needed:
            typed(float, row.get(name), f"{where}: {name}")
        for name in ("valid_bleu", "loss"):
            typed(float | None, row.get(name), f"{where}: {name}")
        rows.append(row)
    return rows


def _scores_chart(comparison: Comparison) -> Chart:
    first = comparison.runs[0].evaluation
    evaluations = {run.label: run.evaluation for run in comparison.runs}
    name = heading(comparison.score)

    def draw(axes: "Axes") -> None:
        draw_scores(axes, evaluations, comparison.score)
        ticks = [f"{row.label}\n{row.n:,}" for row in first.buckets]
        axes.set_xticks(range(len(ticks)), ticks)
        axes.set_xlabel(f"{cut_described(first)}; number of sentences")
        legend(axes)

    drawn = "documents" if first.documents else "sentences"
    if any(run.seeds for run in comparison.runs):
        drawn = f"seeds and {drawn}"
    return Chart(
        svg(draw, title=f"{name} of each system by bucket, as in the table below", height=3.9),
        f"Bars: {first.bootstrap.level:.0%} bootstrap intervals, {drawn} drawn. In brackets: "
        f"{name} of all sentences. Hollow: too few to say much.",
    )


def _ratio_chart(comparison: Comparison) -> Chart:
    rows = comparison.runs[0].evaluation.buckets

    def draw(axes: "Axes") -> None:
        for index, run in enumerate(comparison.runs):
            look = look_of(index)
            ratios = [row.length_ratio for row in run.evaluation.buckets]
            known = [(at, ratio) for at, ratio in enumerate(ratios) if ratio is not None]
            places, values = (
                ([*column] for column in zip(*known, strict=True)) if known else ((), ())
            )
            axes.plot(
                places, values, look.dashes, marker=look.marker, color=look.colour, label=run.label
            )
        axes.axhline(1, color="#888888", linewidth=0.8)
        axes.set_xticks(range(len(rows)), [row.label for row in rows])
        axes.set_ylabel("tokens / tokens of reference")
        legend(axes)

    return Chart(
        svg(draw, title="Length of the translations over that of the references, by bucket"),
        "Length of the translations over that of the references.",
    )


def _learning_section(learning: Mapping[str, Learning], *, of_first: bool) -> Iterator[Section]:
    curves = {label: one for label, one in learning.items() if one.score}
    if not curves:
        return
    million = "target tokens read, millions"
    by_tokens = {label: Curve(one.tokens, one.score) for label, one in curves.items()}
    by_minutes = {label: Curve(one.minutes, one.score) for label, one in curves.items()}
    losses = {label: one.loss for label, one in curves.items()}
    bleu = "BLEU of the validation pairs"
    charts = [
        line_chart(by_tokens, title=f"{bleu} by tokens read", x_label=million, y_label=bleu),
        line_chart(by_minutes, title=f"{bleu} by minutes trained", x_label="minutes", y_label=bleu),
        line_chart(
            losses, title="Training loss", x_label=million, y_label="training loss", markers=False
        ),
    ]
    captions = (
        f"{bleu}, translated greedily, at each validation.",
        "The same by the clock; it says little if other programs ran.",
        "Training loss, in nats a token, as configured for each run.",
    )
    yield Section(
        id="training",
        title="How they learned",
        text="Of several seeds, the first." if of_first else "",
        charts=[Chart(*one) for one in zip(charts, captions, strict=True)],
    )


def _attention_section(heat_maps: Sequence[HeatMap]) -> Iterator[Section]:
    if heat_maps:
        yield Section(
            id="attention",
            title="What attention looks at",
            text="Each row is a word of the translation; the darker a cell, the more the model "
            "attends to the word of the source above it; the dot is the end. Point at a cell, or "
            "walk with the arrow keys.",
            heat_maps=heat_maps,
        )


def _contrast_section(comparison: Comparison, texts: Texts) -> Iterator[Section]:
    """Needs the counts of each sentence by chrF, which short sentences have too."""
    first = comparison.runs[0].evaluation
    tables = {run.label: run.tables for run in comparison.runs}
    shown = [label for label in tables if label in texts.hypotheses and tables[label]]
    if len(shown) < 2 or "chrf" not in first.signatures:
        return
    metric = METRICS["chrf"]()
    scores = {label: metric.of_sums(tables[label][0].statistics["chrf"]) for label in shown}
    parts = parts_of(first, tables[shown[0]][0])
    groups = [
        ContrastGroup(
            part.label,
            contrasts(
                [int(index) for index in sentences],
                sources=texts.sources,
                references=texts.references,
                hypotheses={label: texts.hypotheses[label] for label in shown},
                scores=scores,
                most=CONTRASTS,
            ),
        )
        for part, sentences in parts
        if len(sentences)
    ]
    yield Section(
        id="sentences",
        title="Where they differ most",
        text="Sentences whose translations have the most different chrF, in brackets. Marked "
        "words are not those of the reference.",
        contrasts=groups,
    )


def _settings_section(comparison: Comparison) -> Iterator[Section]:
    options = {run.label: run.options for run in comparison.runs if run.options}
    names = sorted({name for of_run in options.values() for name in of_run})
    rows = []
    for name in names:
        values = [_shown(of_run.get(name)) for of_run in options.values()]
        if len(set(values)) > 1:
            rows.append([name, *values])
    if rows:
        table = Table(
            title="Options of training that differ", header=["option", *options], sections=[rows]
        )
        yield Section(id="settings", title="What they do not share", tables=[table])


def _shown(value: Any) -> str:
    return ABSENT if value is None else value if isinstance(value, str) else json.dumps(value)
