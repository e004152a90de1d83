"""What ``nmt-compare report=DIR`` shows besides scores: how runs learned, their sentences, and what
they attend to."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from nmt.data.text_files import read_lines
from nmt.evaluation.from_table import parts_of
from nmt.evaluation.result_files import HYPOTHESES, find_evaluation
from nmt.models.interface import NoAlignment
from nmt.report.comparison import Comparison
from nmt.report.heat_maps import HeatMap
from nmt.report.html_report import Texts, learning_of, report_page
from nmt.report.page import Page
from nmt.run_directory import RunDirectory
from nmt.translator import Translator
from nmt.translator.word_alignment import READING

log = logging.getLogger(__name__)

HEAT_MAPS = 3  # sentences, each of another bucket
MOST_WORDS = 25  # in a heat map


def page_of(comparison: Comparison, name: str, *, sentences: bool) -> Page:
    """The report. name: of the evaluation. sentences: whether it shows text; only what the runs
    still hold can be shown."""
    places = {run.label: run.place for run in comparison.runs if run.place is not None}
    texts, maps = None, list[HeatMap]()
    if sentences and comparison.runs[0].evaluation.only:
        log.info("the report shows no sentences, as some are left out of the comparison")
    elif sentences:
        texts = texts_of(comparison, places, name)
        maps = [*heat_maps(comparison, places, texts)] if texts is not None else []
    learning = {label: learning_of(place) for label, place in places.items()}
    return report_page(comparison, learning=learning, texts=texts, heat_maps=maps)


def texts_of(comparison: Comparison, places: Mapping[str, Path], name: str) -> Texts | None:
    """The test set that a run keeps, and the translations that there are; None without both."""
    wanted = comparison.runs[0].evaluation.test_set
    hypotheses = {label: read_lines(path) for label, path in _translations(places, name)}
    for run in map(RunDirectory, places.values()):
        if run.exists() and wanted.name in run.test_sets():
            sources, references = run.test_set(wanted.name)
            n = len(sources)
            if n == wanted.n and all(len(lines) == n for lines in hypotheses.values()):
                return Texts(sources=sources, references=references, hypotheses=hypotheses)
    log.info("the report shows no sentences: no run keeps the text of %s", wanted.name)
    return None


def _translations(places: Mapping[str, Path], name: str) -> Iterator[tuple[str, Path]]:
    for label, place in places.items():
        path = place if place.is_file() else find_evaluation(place, name) / HYPOTHESES
        if path.is_file():
            yield label, path


def heat_maps(
    comparison: Comparison, places: Mapping[str, Path], texts: Texts
) -> Iterator[HeatMap]:
    """Of each system with attention and weights: what it attends to while it writes its own
    translations of the same few sentences, the first short one of each of the first buckets."""
    run = comparison.runs[0]
    first = run.evaluation
    if not run.tables:
        return
    parts = parts_of(first, run.tables[0])
    short = [
        next((i for i in map(int, some) if 1 < len(texts.sources[i].split()) <= MOST_WORDS), None)
        for _, some in parts
    ]
    chosen = [index for index in short if index is not None][:HEAT_MAPS]
    for label, place in places.items():
        held = RunDirectory(place)
        if label not in texts.hypotheses or not held.exists() or not _has_weights(held):
            continue
        translator = Translator.load(place, precision="fp32")
        yield from _maps_of(label, translator, texts, chosen)


def _has_weights(run: RunDirectory) -> bool:
    serving = run.manifest().get("serving")
    return bool(serving) and (run.path / str(serving)).is_file()


def _maps_of(
    label: str, translator: Translator, texts: Texts, chosen: Sequence[int]
) -> Iterator[HeatMap]:
    pairs = [(texts.sources[index], texts.hypotheses[label][index]) for index in chosen]
    try:
        attended = translator.attend_pairs(pairs)
    except NoAlignment:
        return
    for index, pair in zip(chosen, attended, strict=True):
        yield HeatMap(
            f"{label}, line {index + 1:,}: {texts.sources[index]}",
            [*pair.source.words],
            [*pair.target.words],
            pair.words_and_ends(READING).double().numpy(),
        )
