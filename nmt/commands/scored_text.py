"""The files that nmt-evaluate scores: sources, one or several references, ids of documents, labels
of lines, and the metric of the user's own that it scores them with."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from nmt.checks import one_of
from nmt.cli.arguments import texts
from nmt.data.text_files import read_lines
from nmt.evaluation.metrics import METRICS, Metric
from nmt.evaluation.sentence_table import TrainingWords
from nmt.factory import factory

FORMATS = ("text", "tsv")


@dataclass(frozen=True, kw_only=True)
class ScoredText:
    """The text that translations are scored with.

    name: of the test set. sources: None where no score needs them. references: one or several, each
    with a line for each sentence. documents: the id of each sentence's document, labels: the label
    of each sentence, training_words: of the run's training text; None without.
    src_lang, tgt_lang: "" where unknown.
    """

    name: str
    sources: Sequence[str] | None
    references: Sequence[Sequence[str]]
    documents: Sequence[str] | None = None
    labels: Sequence[str] | None = None
    training_words: TrainingWords | None = None
    src_lang: str = ""
    tgt_lang: str = ""


def one_file(config: Mapping[str, Any], option: str) -> str:
    """The path that an option names. Raises ValueError for a list of several."""
    paths = texts(config[option])
    if len(paths) != 1:
        raise ValueError(
            f"{option}={config[option]} names {len(paths)} files: say {option}=FILE; "
            f"text in several files is one test set each, or must be put into one file"
        )
    return paths[0]


def file_name(path: str) -> str:
    """The name of a file, by which what is in it is known."""
    return Path(path).name.removesuffix(".gz")


def read_references(config: Mapping[str, Any], option: str) -> list[list[str]]:
    """The references in the files that an option names: one file or a list, each with a further
    reference of the same lines; with ``references_format=tsv`` a file has several columns of them.

    Raises ValueError for files of different lengths, for rows with other numbers of columns than
    the first, for columns without that option, and where all is blank.
    """
    form, found = config["references_format"], []
    if form is not None:
        one_of("references_format", form, FORMATS)
    paths = texts(config[option])
    if not paths:
        raise ValueError(f"{option}=[] names no file: say {option}=FILE or {option}=[FILE,FILE]")
    for path in paths:
        lines = read_lines(path)
        if form is None:
            _refuse_columns(path, lines)
        found += _columns(path, lines) if form == "tsv" else [lines]
        check_as_many(path, len(lines), paths[0], len(found[0]))
    if not any(line.strip() for reference in found for line in reference):
        raise ValueError(f"{', '.join(paths)}: every line is blank: there is nothing to score with")
    return found


def read_names(config: Mapping[str, Any], option: str, n: int) -> list[str] | None:
    """The name on each line of the file of an option, such as the id of the line's document; None
    without that option. Raises ValueError for a blank line, and unless there are ``n``."""
    if config[option] is None:
        return None
    path = one_file(config, option)
    names = [line.strip() for line in read_lines(path)]
    one = option.removesuffix("s")
    if "" in names:
        raise ValueError(f"{path}:{names.index('') + 1} is blank: each line needs a {one}'s name")
    if len(names) != n:
        raise ValueError(
            f"{path} has {len(names):,} lines for {n:,} sentences: it needs a {one} a line"
        )
    return names


def read_training_words(config: Mapping[str, Any]) -> TrainingWords | None:
    """The words of the training text that ``train_text`` names. Raises ValueError where a cut needs
    it and it is missing."""
    if config["train_text"] is None:
        if config["by"] in ("rare", "unseen"):
            raise ValueError(
                f"by={config['by']} needs the words of training: say train_text=FILE, the source "
                f"side of the training text, or a list of such files"
            )
        return None
    paths = texts(config["train_text"])
    return TrainingWords(line for path in paths for line in read_lines(path))


def own_metric(config: Mapping[str, Any]) -> dict[str, Metric]:
    """The metric that ``metric`` names, by its label; {} where it names none. Raises ValueError for
    a class that may not be used, and for the label of a metric that nmt has."""
    if config.get("metric") is None:
        return {}
    trusted = config["trusted_packages"]
    metric = factory(config["metric"], Metric, name="metric", trusted_packages=trusted)()
    name = metric.label
    if name.lower() in METRICS or not re.fullmatch(r"[\w+-]+", name):
        raise ValueError(
            f"the label {name!r} of the metric must be one word, and not one of "
            f"{', '.join(METRICS)}"
        )
    return {name: metric}


def check_as_many(path: str, lines: int, other: str, others: int) -> None:
    """ValueError unless two files have as many lines."""
    if lines != others:
        raise ValueError(
            f"{path} has {lines:,} lines, but {other} has {others:,}: line n of one must belong to "
            f"line n of the other"
        )


def refuse_same_files(
    options: Mapping[str, Sequence[str]], *, but: Sequence[set[str]] = ()
) -> None:
    """ValueError where two options, or one option twice, name the same file.

    options: the paths that each names. but: pairs of options that may.
    """
    named = [(option, Path(path).expanduser()) for option in options for path in options[option]]
    for (option, path), (other, another) in combinations(named, 2):
        if path.exists() and another.exists() and path.samefile(another):
            if {option, other} in but:
                continue
            raise ValueError(
                f"{option}={path} and {other}={another} are the same file: its score would say "
                f"nothing of a translation; name the right file for each"
            )


def _refuse_columns(path: str, lines: Sequence[str]) -> None:
    """ValueError for what looks like several references a line."""
    said = [line for line in lines if line.strip()]
    tabs = sum("\t" in line for line in said)
    if 2 * tabs > len(said):
        raise ValueError(
            f"{path} has tabs on {tabs:,} of {len(said):,} lines: say references_format=tsv if "
            f"they part several references of a line, references_format=text if they are text"
        )


def _columns(path: str, lines: Sequence[str]) -> list[list[str]]:
    rows = [line.split("\t") for line in lines]
    wanted = len(next((row for row in rows if row != [""]), [""]))
    for number, row in enumerate(rows, start=1):
        if row == [""]:
            row += [""] * (wanted - 1)
        if len(row) != wanted:
            raise ValueError(
                f"{path}:{number} has {len(row)} columns with tabs between, the lines before it "
                f"have {wanted}: leave a column blank where a reference is missing"
            )
    return [list(column) for column in zip(*rows, strict=True)]
