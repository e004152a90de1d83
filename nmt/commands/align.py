"""Align the words of given pairs by what a model attends to while it writes them: a line of links
for each pair, such as 0-0 1-2, source word first, both counted from 0.

nmt-align run=runs/demo-transformer-s1 source=my.en target=my.fr > my.align
nmt-align run=runs/demo-transformer-s1 test=test output=test.align
nmt-align run=runs/enfr reverse=runs/fren source=my.en target=my.fr
nmt-align run=runs/enfr source=my.en target=my.fr gold=my.gold gold_base=1 every_reading=true
nmt-align run=runs/enfr test=test figures=test.jsonl importance=50
nmt-align run=runs/enfr test=test heat_map=sentence.svg line=7
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise, product
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

from nmt.checks import boolean, non_negative_int, positive_int, section
from nmt.cli.arguments import texts
from nmt.cli.streams import Output, open_output
from nmt.commands.scored_text import check_as_many, one_file
from nmt.commands.translate import load_translator, text_or_none
from nmt.data.batches import budget_ends
from nmt.data.text_files import read_lines
from nmt.evaluation.alignment_error import Counts, GoldLinks, counts, read_gold
from nmt.evaluation.attention_figures import PairFigures, agreement_figures, attention_figures
from nmt.evaluation.bootstrap import Bootstrap
from nmt.evaluation.buckets import buckets
from nmt.files import check_file_writable, replace_text
from nmt.models.interface import NoAlignment
from nmt.report.alignment_tables import error_table, figures_table
from nmt.report.heat_maps import HeatMap, check_formats
from nmt.run_directory import RunDirectory
from nmt.translator import Translator
from nmt.translator.forced_decoding import AttendedPair, diagonal, grow_diag_final_and
from nmt.translator.json_rows import one_row
from nmt.translator.translation import Alignment
from nmt.translator.word_alignment import LINKS, STEPS, Reading

AT_ONCE = 2**26  # most pairs times the square of their characters; their weights stay in memory
Pair = tuple[str, str]


def main(cfg: DictConfig) -> None:
    """Align as ``configs/align.yaml`` says; links or tables go to stdout."""
    config = cast(dict[str, Any], OmegaConf.to_container(cfg, resolve=True))
    with section("bootstrap"):
        bootstrap = Bootstrap(**config["bootstrap"])
    reading = Reading(layer=config["layer"], step=config["step"], links=config["links"])
    edges = [bucket.low for bucket in buckets(config["edges"])][1:]
    path, gold_path, figures_path = _files(config)
    pairs = _pairs(config)
    drawn = _drawn_pair(config, pairs)
    translator = load_translator(config)
    name, reverse = _name(config["run"]), _reversed(translator, config)
    aligner = Aligner(name, translator, reading, reverse)
    errors, figures = None, None
    if gold_path is not None:
        sizes = [translator.count_words(pair) for pair in pairs]
        order = config["gold_order"]
        gold = read_gold(gold_path, sizes, base=config["gold_base"], order=order)
        errors = Errors(gold, config["every_reading"])
    if figures_path is not None:
        figures = Figures(_spread(pairs, config["importance"]))
    made = _aligned(aligner, pairs, errors, figures)
    if path is None and (errors or figures):
        for _ in made:
            pass
    elif path is not None or drawn is None:
        with open_output(path) as output:
            _write(output, made)
    if errors is not None:
        print(error_table(name, str(gold_path), errors.found, bootstrap).text())
    if figures is not None:
        rows = "".join(f"{one_row(**one.row())}\n" for one in figures.found)
        replace_text(Path(str(figures_path)), rows)
        print(figures_table(name, figures.found, edges).text())
    if drawn is not None:
        aligner.heat_map(drawn).write(_heat_map_paths(config))


@dataclass(frozen=True)
class Aligner:
    """A run, what of its attention is read, and a run of the opposite direction, if any."""

    name: str
    translator: Translator
    reading: Reading
    reverse: Translator | None = None

    def attend(self, pairs: Sequence[Pair]) -> list[AttendedPair]:
        """Raises ValueError for a model without attention."""
        return self._attend(self.translator, pairs)

    def links(self, pairs: Sequence[Pair], ahead: Sequence[AttendedPair]) -> Iterator[Alignment]:
        """The alignment of each pair. Where two directions are joined, each gives the links of its
        target words only: joining adds the others."""
        if self.reverse is None:
            yield from (pair.links(self.reading) for pair in ahead)
            return
        behind = self._attend(self.reverse, [(target, source) for source, target in pairs])
        one_way = replace(self.reading, links="target")
        for forward, backward in zip(ahead, behind, strict=True):
            turned = [(src, tgt) for tgt, src in backward.links(one_way)]
            yield grow_diag_final_and(forward.links(one_way), turned)

    def heat_map(self, drawn: Pair) -> HeatMap:
        """Where the model looks in a pair."""
        (pair,) = self.attend([drawn])
        layer = "all layers" if self.reading.layer is None else f"layer {self.reading.layer}"
        step = "" if self.reading.step == "same" else ", a step later"
        weights = pair.words_and_ends(self.reading).double().numpy()
        title = f"{self.name}: attention of {layer}{step}"
        return HeatMap(title, list(pair.source.words), list(pair.target.words), weights)

    def _attend(self, translator: Translator, pairs: Sequence[Pair]) -> list[AttendedPair]:
        try:
            return translator.attend_pairs(pairs)
        except NoAlignment as error:
            raise ValueError(
                f"{self.name} cannot align words: {error}; models with attention can, such as "
                f"model=lstm_bahdanau or model=transformer"
            ) from error


@dataclass(frozen=True)
class Errors:
    """Compares alignments with those of people, and the diagonal beside them.

    every: whether to count each layer, step and kind of links. found: of each pair, by layer, step
    and links.
    """

    gold: Sequence[GoldLinks]
    every: bool
    found: dict[tuple[str, ...], list[Counts]] = field(default_factory=dict)

    def add(
        self, place: int, pair: AttendedPair, chosen: Reading, joined: Alignment | None
    ) -> None:
        """place: of the pair in the text. joined: the links of both directions, if any."""
        readings = [chosen]
        if self.every:
            layers = [None, *range(1, len(pair.weights) + 1)] if len(pair.weights) > 1 else [None]
            options = product(layers, STEPS, LINKS)
            readings = [Reading(layer=one, step=step, links=kind) for one, step, kind in options]
        sizes = len(pair.source.words), len(pair.target.words)
        for kind in dict.fromkeys(one.links for one in readings):
            self._count(("diagonal", "", kind), place, diagonal(*sizes, kind))
        for one in readings:
            layer = "mean" if one.layer is None else str(one.layer)
            self._count((layer, one.step, one.links), place, pair.links(one))
        if joined is not None:
            self._count(("both directions", chosen.step, "joined"), place, joined)

    def _count(self, row: tuple[str, ...], place: int, links: Alignment) -> None:
        self.found.setdefault(row, []).append(counts(links, self.gold[place]))


@dataclass(frozen=True)
class Figures:
    """What attention does in each pair. sample: places of the pairs in which it is compared with
    what leaving out a word changes."""

    sample: frozenset[int]
    found: list[PairFigures] = field(default_factory=list)

    def add(self, place: int, pair: AttendedPair, aligner: Aligner, links: Counts | None) -> None:
        """place: of the pair in the text."""
        weights = pair.words_and_ends(aligner.reading).double().numpy()[: len(pair.target.words)]
        values: dict[str, Any] = attention_figures(weights)
        if place in self.sample:
            importance = aligner.translator.word_importance(pair).double().numpy()
            values |= agreement_figures(weights[:, :-1], importance)
        values |= {"src_words": len(pair.source.words), "tgt_words": len(pair.target.words)}
        self.found.append(PairFigures(id=place + 1, **values, links=links))


def _spread(pairs: Sequence[Pair], most: int) -> frozenset[int]:
    """Places of at most so many pairs, spread evenly over those with text on both sides."""
    said = [place for place, pair in enumerate(pairs) if all(side.strip() for side in pair)]
    most = min(non_negative_int("importance", most), len(said))
    return frozenset(said[len(said) * number // most] for number in range(most))


def _aligned(
    aligner: Aligner, pairs: Sequence[Pair], errors: Errors | None, figures: Figures | None
) -> Iterator[list[Alignment]]:
    """The alignments of all pairs, some at a time; counts their errors and figures."""
    areas = (max(map(len, pair)) ** 2 for pair in pairs)
    ends = [0, *budget_ends(areas, AT_ONCE)]
    for start, end in tqdm(list(pairwise(ends)), disable=None, leave=False):
        chunk = pairs[start:end]
        attended = aligner.attend(chunk)
        made = list(aligner.links(chunk, attended))
        for place, (pair, links) in enumerate(zip(attended, made, strict=True), start=start):
            if errors is not None:
                joined = links if aligner.reverse is not None else None
                errors.add(place, pair, aligner.reading, joined)
            if figures is not None:
                known = None if errors is None else counts(links, errors.gold[place])
                figures.add(place, pair, aligner, known)
        yield made


def _write(output: Output, alignments: Iterator[list[Alignment]]) -> None:
    for made in alignments:
        output.write([" ".join(f"{src}-{tgt}" for src, tgt in links) for links in made])


def _pairs(config: Mapping[str, Any]) -> list[Pair]:
    """The text, from files or from a test set of the run."""
    given = {name for name in ("test", "source", "target") if config[name] is not None}
    if given == {"test"}:
        sides = RunDirectory.open(texts(config["run"])[0]).test_set(str(config["test"]))
    elif given == {"source", "target"}:
        src, tgt = one_file(config, "source"), one_file(config, "target")
        if _same_file(src, tgt):
            raise ValueError(
                f"{src} and {tgt} are one file: target must be a translation of source"
            )
        sides = read_lines(src), read_lines(tgt)
        check_as_many(tgt, len(sides[1]), src, len(sides[0]))
    else:
        said = ", ".join(f"{name}=" for name in sorted(given)) or "none of them"
        raise ValueError(f"say source=FILE with target=FILE, or test=NAME; here is {said}")
    return list(zip(*sides, strict=True))


def _reversed(translator: Translator, config: Mapping[str, Any]) -> Translator | None:
    """The run of the opposite direction. Raises ValueError for one of other languages."""
    if config["reverse"] is None:
        return None
    turned = load_translator({**config, "run": config["reverse"]})
    ours = [translator.src_lang, translator.tgt_lang]
    theirs = [turned.tgt_lang, turned.src_lang]
    if all(ours) and all(theirs) and ours != theirs:
        raise ValueError(
            f"reverse={config['reverse']} translates {theirs[1]} to {theirs[0]}, which is not the "
            f"opposite of {ours[0]} to {ours[1]}"
        )
    return turned


def _files(config: Mapping[str, Any]) -> tuple[str | None, str | None, str | None]:
    """output, gold and figures. Raises ValueError where what is read would be written, and for an
    option that needs one of these."""
    output, gold, figures = (text_or_none(config[name]) for name in ("output", "gold", "figures"))
    if boolean("every_reading", config["every_reading"]) and gold is None:
        raise ValueError("every_reading=true compares readings with links of people: say gold=FILE")
    if config["importance"] and figures is None:
        raise ValueError(f"importance={config['importance']} needs figures=FILE")
    read = [gold, *(text_or_none(config[name]) for name in ("source", "target"))]
    for option, path in {"output": output, "figures": figures}.items():
        if path and any(_same_file(path, other) for other in read if other):
            raise ValueError(f"{path} would be read and written: give {option} another name")
    if figures is not None:
        check_file_writable(Path(figures), "figures")
    return output, gold, figures


def _heat_map_paths(config: Mapping[str, Any]) -> list[Path]:
    return [] if config["heat_map"] is None else list(map(Path, texts(config["heat_map"])))


def _drawn_pair(config: Mapping[str, Any], pairs: Sequence[Pair]) -> Pair | None:
    """The pair to draw; None without ``heat_map``. Raises ValueError for a line that is not there
    or blank, and for a file that cannot be written."""
    paths, line = _heat_map_paths(config), positive_int("line", config["line"])
    if not paths:
        return None
    check_formats(paths)
    for path in paths:
        check_file_writable(path, "heat_map")
    if line > len(pairs):
        raise ValueError(f"line={line}, but there are {len(pairs):,} pairs")
    if not all(side.strip() for side in pairs[line - 1]):
        raise ValueError(f"line={line} is blank on one side: there is nothing to draw")
    return pairs[line - 1]


def _same_file(one: str, other: str) -> bool:
    return Path(one).exists() and Path(other).exists() and Path(one).samefile(other)


def _name(runs: object) -> str:
    return "+".join(Path(run).resolve().name for run in texts(runs))
