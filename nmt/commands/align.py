"""Align the words of given pairs by what a model attends to while it writes them: a line of links
for each pair, such as 0-0 1-2, source word first, both counted from 0.

nmt-align run=runs/demo-transformer-s1 source=my.en target=my.fr > my.align
nmt-align run=runs/demo-transformer-s1 test=test output=test.align
nmt-align run=runs/enfr reverse=runs/fren source=my.en target=my.fr
nmt-align run=runs/enfr source=my.en target=my.fr gold=my.gold gold_base=1 every_reading=true
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

from nmt.checks import boolean, section
from nmt.cli.arguments import texts
from nmt.cli.streams import Output, open_output
from nmt.commands.scored_text import check_as_many, one_file
from nmt.commands.translate import load_translator, text_or_none
from nmt.data.text_files import read_lines
from nmt.evaluation.alignment_error import GoldLinks, alignment_score, counts, read_gold
from nmt.evaluation.bootstrap import Bootstrap
from nmt.models.interface import NoAlignment
from nmt.report.tables import Table, number
from nmt.run_directory import RunDirectory
from nmt.translator import Translator
from nmt.translator.forced_decoding import AttendedPair, diagonal, grow_diag_final_and
from nmt.translator.translation import Alignment
from nmt.translator.word_alignment import LINKS, STEPS, Reading

log = logging.getLogger(__name__)

AT_ONCE = 512  # pairs
Pair = tuple[str, str]


def main(cfg: DictConfig) -> None:
    """Align as ``configs/align.yaml`` says."""
    config = cast(dict[str, Any], OmegaConf.to_container(cfg, resolve=True))
    with section("bootstrap"):
        bootstrap = Bootstrap(**config["bootstrap"])
    reading = Reading(layer=config["layer"], step=config["step"], links=config["links"])
    every = boolean("every_reading", config["every_reading"])
    path, gold_path = text_or_none(config["output"]), text_or_none(config["gold"])
    if every and gold_path is None:
        raise ValueError("every_reading=true compares readings with links of people: say gold=FILE")
    pairs = _pairs(config)
    _refuse_inputs(path, config)
    translator = load_translator(config)
    reverse = _reversed(translator, config)
    aligner = Aligner(_name(config["run"]), translator, reading, reverse)
    errors = None
    if gold_path is not None:
        sizes = [aligner.translator.count_words(pair) for pair in pairs]
        order = config["gold_order"]
        gold = read_gold(gold_path, sizes, base=config["gold_base"], order=order)
        errors = Errors(gold_path, gold, every, bootstrap)
    if errors is not None and path is None:
        for _ in _aligned(aligner, pairs, errors):
            pass
    else:
        with open_output(path) as output:
            _write(output, _aligned(aligner, pairs, errors))
    if errors is not None:
        print(errors.table(aligner).text(), end="")


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

    def join(self, pairs: Sequence[Pair], ahead: Sequence[AttendedPair]) -> Iterator[Alignment]:
        """The links of both directions, joined. Each has links from its target words only: joining
        them adds the others."""
        assert self.reverse is not None
        behind = self._attend(self.reverse, [(target, source) for source, target in pairs])
        one_way = replace(self.reading, links="target")
        for forward, backward in zip(ahead, behind, strict=True):
            turned = [(src, tgt) for tgt, src in backward.links(one_way)]
            yield grow_diag_final_and(forward.links(one_way), turned)

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
    """Counts the errors of alignments, with the diagonal's beside them."""

    path: str
    gold: Sequence[GoldLinks]
    every: bool
    bootstrap: Bootstrap
    found: dict[tuple[str, ...], list[tuple[int, int, int, int]]] = field(default_factory=dict)

    def add(
        self, number: int, pair: AttendedPair, reading: Reading, joined: Alignment | None
    ) -> None:
        """Counts those of a pair, given its place in the text."""
        readings = [reading]
        if self.every:
            layers = [None, *range(1, len(pair.weights) + 1)] if len(pair.weights) > 1 else [None]
            readings = [
                Reading(layer=layer, step=step, links=links)
                for layer, step, links in product(layers, STEPS, LINKS)
            ]
        sizes = len(pair.source.words), len(pair.target.words)
        for links in dict.fromkeys(one.links for one in readings):
            self._count(("diagonal", "", links), number, diagonal(*sizes, links))
        for one in readings:
            layer = "mean" if one.layer is None else str(one.layer)
            self._count((layer, one.step, one.links), number, pair.links(one))
        if joined is not None:
            self._count(("both directions", reading.step, "joined"), number, joined)

    def _count(self, row: tuple[str, ...], number: int, links: Alignment) -> None:
        self.found.setdefault(row, []).append(counts(links, self.gold[number]))

    def table(self, aligner: Aligner) -> Table:
        """A row for each way to align."""
        rows = []
        for names, statistics in self.found.items():
            score = alignment_score(statistics, self.bootstrap)
            rate = number(score.error_rate, ".1f")
            if score.interval is not None:
                rate += " [{:4.1f}, {:4.1f}]".format(*score.interval)
            shares = (number(value, ".1f") for value in (score.precision, score.recall))
            rows.append([*names, rate, *shares])
        sure = sum(len(one.sure) for one in self.gold)
        possible = sum(len(one.possible) for one in self.gold) - sure
        baseline = [row for row in rows if row[0] == "diagonal"]
        return Table(
            title=f"{aligner.name}: alignment error of {len(self.gold):,} pairs",
            header=["layer", "step", "links", "error rate", "precision", "recall"],
            sections=[baseline, [row for row in rows if row not in baseline]],
            notes=[
                f"against {self.path}: {sure:,} sure links, {possible:,} possible ones",
                f"[low, high]: {self.bootstrap.level:.0%} interval from "
                f"{self.bootstrap.samples:,} bootstrap samples of the pairs",
                "step: same, weights of the step that writes a word; next, of the step after it",
                "links: target, one from each target word; both, also from source words left over",
            ],
        )


def _aligned(
    aligner: Aligner, pairs: Sequence[Pair], errors: Errors | None
) -> Iterator[list[Alignment]]:
    """The alignments of all pairs, some at a time; counts their errors."""
    for start in tqdm(range(0, len(pairs), AT_ONCE), disable=None, leave=False):
        chunk = pairs[start : start + AT_ONCE]
        attended = aligner.attend(chunk)
        joined: Sequence[Alignment | None] = [None] * len(chunk)
        if aligner.reverse is not None:
            joined = list(aligner.join(chunk, attended))
        made = []
        for place, (pair, links) in enumerate(zip(attended, joined, strict=True), start=start):
            made.append(pair.links(aligner.reading) if links is None else links)
            if errors is not None:
                errors.add(place, pair, aligner.reading, links)
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


def _refuse_inputs(path: str | None, config: Mapping[str, Any]) -> None:
    """ValueError where what is read would be written."""
    read = [text for name in ("source", "target", "gold") if (text := text_or_none(config[name]))]
    if path is not None and any(_same_file(path, other) for other in read):
        raise ValueError(f"{path} would be read and written at once: give output another name")


def _same_file(one: str, other: str) -> bool:
    return Path(one).exists() and Path(other).exists() and Path(one).samefile(other)


def _name(runs: object) -> str:
    return "+".join(Path(run).resolve().name for run in texts(runs))
