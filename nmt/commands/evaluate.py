"""Score translations with BLEU, chrF, chrF++ and TER: overall, by length or what else, by document.

nmt-evaluate run=runs/demo-transformer-s1 test=test
nmt-evaluate run=runs/demo-transformer-s1 test=test name=greedy search=greedy
nmt-evaluate run=runs/demo-transformer-s1 source=my.en reference=my.fr documents=my.ids
nmt-evaluate run=runs/demo-transformer-s1 test=test by=rare train_text=train.en name=by_rare
nmt-evaluate hypotheses=theirs.fr references=my.fr sources=my.en output=scores/theirs
nmt-evaluate hypotheses=theirs.fr references=[a.fr,b.fr] side=reference output=scores/theirs
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

from nmt import checks, distributed
from nmt.cli.arguments import texts
from nmt.commands.scored_text import (
    ScoredText,
    check_as_many,
    file_name,
    one_file,
    own_metric,
    read_names,
    read_references,
    read_training_words,
    refuse_same_files,
)
from nmt.commands.training_options import training_options
from nmt.data.text_files import read_lines
from nmt.evaluation.bootstrap import Bootstrap
from nmt.evaluation.buckets import SubwordLengths
from nmt.evaluation.evaluation import Evaluation
from nmt.evaluation.from_table import evaluate_translations
from nmt.evaluation.metrics import METRICS, TokenizerMissing
from nmt.evaluation.recipe import Recipe, Scoring, TestSet
from nmt.evaluation.result_files import check_free, directory_in_run, write_evaluation
from nmt.evaluation.suspicion import of_blank, of_copies, of_tokenizer
from nmt.files import check_writable
from nmt.hub_runs import is_hub_run
from nmt.languages import tokenizer_for, unit_for
from nmt.report.tables import evaluation_tables
from nmt.run_directory import RunDirectory

if TYPE_CHECKING:
    from nmt.translator import Translation, Translator

log = logging.getLogger(__name__)

MODES = (
    {"run", "test"},
    {"run", "source", "reference"},
    {"hypotheses", "references", "output"},
)
MAY_ALSO_BE = ({"output"}, {"output"}, {"sources"})


@dataclass(frozen=True, kw_only=True)
class Task:
    """What to score, and where the result goes. system: its name. runs: what translates; () where
    the translations are given."""

    system: str
    text: ScoredText
    directory: Path
    runs: Sequence[RunDirectory] = ()


def main(cfg: DictConfig) -> None:
    """Score as ``configs/evaluate.yaml`` says; the tables go to stdout."""
    if cfg.run is None:
        distributed.leave_to_first()
    evaluation, paths = evaluate(cfg)
    print("\n".join(table.text() for table in evaluation_tables(evaluation)))
    log.info("wrote %s", " and ".join(map(str, paths)))


def evaluate(cfg: DictConfig) -> tuple[Evaluation, list[Path]]:
    """The evaluation, and the files that it was written to."""
    config = cast(dict[str, Any], OmegaConf.to_container(cfg, resolve=True))
    _check_mode(config)
    own = own_metric(config)
    task = _task_of_files(config) if config["run"] is None else _task_of_run(config)
    text, scoring = task.text, _scoring(config, task.text)
    facts: dict[str, Any] = {"search": _search(config), "text": _text_settings(config, task.runs)}
    test_set = TestSet.of(text.name, text.sources, text.references, text.documents)
    recipe = Recipe.of(system=task.system, test_set=test_set, scoring=scoring, own=own, **facts)
    check_free(task.directory, recipe, overwrite=config["overwrite"])
    check_writable(task.directory, "output")
    _warn(scoring, text)
    if task.runs:
        hypotheses, found = _translations(config, text.sources or ())
        facts |= found
    else:
        path = str(config["hypotheses"])
        hypotheses, first = read_lines(path), texts(config["references"])[0]
        check_as_many(path, len(hypotheses), first, len(text.references[0]))
    if len(task.runs) == 1:
        facts["trained"] = training_options(task.runs[0])
    evaluation, table = evaluate_translations(
        system=task.system,
        test_set=text.name,
        sources=text.sources,
        references=text.references,
        documents=text.documents,
        labels=text.labels,
        hypotheses=hypotheses,
        scoring=scoring,
        language=text.src_lang,
        training_words=text.training_words,
        own=own,
        **facts,
    )
    _warn_of_hypotheses(task, hypotheses)
    overwrite = config["overwrite"]
    paths = write_evaluation(evaluation, table, hypotheses, task.directory, overwrite=overwrite)
    return evaluation, paths


def _check_mode(config: Mapping[str, Any]) -> None:
    """ValueError unless the options name exactly one of the three kinds of input."""
    options = {name for mode in (*MODES, *MAY_ALSO_BE) for name in mode}
    given = {name for name in options if config[name] is not None}
    if not any(given - more == mode for mode, more in zip(MODES, MAY_ALSO_BE, strict=True)):
        said = ", ".join(f"{name}=" for name in sorted(given)) or "none of them"
        raise ValueError(
            f"say run= with test=, or run= with source= and reference=, or hypotheses= with "
            f"references= and output=, and sources= unless side=reference; here is {said}"
        )
    by_length_of_source = config["by"] == "length" and config["side"] == "source"
    if "hypotheses" in given and "sources" not in given and by_length_of_source:
        raise ValueError(
            "side=source measures the length of the sources: say sources=FILE, or side=reference, "
            "which needs none"
        )


def _scoring(config: Mapping[str, Any], text: ScoredText) -> Scoring:
    """Options that are null take the value for the languages of the run or, where these are not
    known, for the scripts of the text."""
    with checks.section("bootstrap"):
        bootstrap = Bootstrap(**config["bootstrap"])
    references = text.references[0]
    language, measured = text.tgt_lang, references
    if config["side"] == "source":
        language, measured = text.src_lang, text.sources or ()
    edges = config["edges"]
    scoring = Scoring(
        by=config["by"],
        edges=edges if edges is None or isinstance(edges, list) else [edges],
        quantiles=config["quantiles"],
        side=config["side"],
        unit=config["unit"] or unit_for(language, measured),
        metrics=texts(config["metrics"]),
        tokenize=config["tokenize"] or tokenizer_for(text.tgt_lang, references),
        lowercase=config["lowercase"],
        bootstrap=bootstrap,
    )
    if not config["tokenize"] and scoring.tokenize != tokenizer_for(text.tgt_lang):
        log.info("tokenize=%s, by the script of the references", scoring.tokenize)
    try:
        scoring.scorer()
    except TokenizerMissing as error:
        raise ValueError(f"{error}; tokenize=char does without, and counts characters") from error
    return scoring


def _search(config: Mapping[str, Any]) -> dict[str, Any]:
    """How translations are searched for; {} where they are given."""
    if config["run"] is None:
        return {}
    if config["precision"] == "auto":
        raise ValueError(
            "precision=auto depends on the processor, and a result should not: say fp32, which "
            "nmt-evaluate takes by itself, bf16 or int8"
        )
    return {**config["search"], "precision": config["precision"]}


def _text_settings(config: Mapping[str, Any], runs: Sequence[RunDirectory]) -> dict[str, Any]:
    """What is done with the text before and after the model, see ``WHOLE_LINES``; {} where the
    translations are given."""
    if not runs:
        return {}
    from nmt.tokenizer import load_tokenizer

    protect, prefix = config["protect"], str(config["source_prefix"])
    return {
        "sentences": config["sentences"],
        "retry": config["sentences"] != "line",
        "copy_letterless": protect["enabled"],
        "protect": protect if protect["enabled"] else {"enabled": False},
        **({"source_prefix": prefix} if prefix else {}),
        "normalization": load_tokenizer(runs[0]).normalization.described,
    }


def _task_of_run(config: Mapping[str, Any]) -> Task:
    """The task of a run, or of several that translate as one; the first has the test sets."""
    runs = [RunDirectory.open(path) for path in texts(config["run"])]
    if not runs:
        raise ValueError("run=[] names no run: say run=DIR, or run=[DIR,DIR]")
    if config["output"] is None and (len(runs) > 1 or is_hub_run(texts(config["run"])[0])):
        raise ValueError("a result of several runs, or of one on the hub, needs output=DIR")
    if config["test"] is None:
        path = one_file(config, "source")
        refuse_same_files({"source": [path], "reference": texts(config["reference"])})
        sources, references = read_lines(path), read_references(config, "reference")
        check_as_many(path, len(sources), texts(config["reference"])[0], len(references[0]))
        name = file_name(path)
    else:
        name = str(config["test"])
        sources, reference = runs[0].test_set(name)
        references = [reference]
    data = runs[0].section("data")
    if config["output"] is None:
        directory = directory_in_run(runs[0].path, str(config["name"] or name))
    else:
        directory = Path(str(config["output"]))
    text = ScoredText(
        name=name,
        sources=sources,
        references=references,
        documents=read_names(config, "documents", len(sources)),
        labels=read_names(config, "labels", len(sources)),
        training_words=read_training_words(config),
        src_lang=str(data.get("src_lang") or ""),
        tgt_lang=str(data.get("tgt_lang") or ""),
    )
    names = [run.path.resolve().name for run in runs]
    return Task(system="+".join(names), text=text, directory=directory, runs=runs)


def _task_of_files(config: Mapping[str, Any]) -> Task:
    hypotheses, first = one_file(config, "hypotheses"), texts(config["references"])[:1]
    options = {"hypotheses": [hypotheses], "references": texts(config["references"])}
    if config["sources"] is not None:
        options["sources"] = [one_file(config, "sources")]
    # Sources that are scored as they are say what a score without translating is.
    refuse_same_files(options, but=[{"hypotheses", "sources"}])
    references = read_references(config, "references")
    sources = None
    for path in options.get("sources", ()):
        sources = read_lines(path)
        check_as_many(path, len(sources), first[0], len(references[0]))
    text = ScoredText(
        name=str(config["name"] or file_name((options.get("sources") or first)[0])),
        sources=sources,
        references=references,
        documents=read_names(config, "documents", len(references[0])),
        labels=read_names(config, "labels", len(references[0])),
        training_words=read_training_words(config),
    )
    system, directory = file_name(hypotheses), Path(str(config["output"]))
    return Task(system=system, text=text, directory=directory)


def _warn(scoring: Scoring, text: ScoredText) -> None:
    """Warns of what makes scores say little, before anything is translated."""
    bleu = METRICS["bleu"](tokenize=scoring.tokenize, lowercase=scoring.lowercase)
    references = ["".join(several) for several in zip(*text.references, strict=True)]
    found = [of_tokenizer(bleu, text.references[0])]
    if text.sources is not None:
        found += [
            of_blank("sources", text.sources, references),
            of_blank("references", references, text.sources),
        ]
        found += [of_copies("sources", text.sources, "reference", text.references[0])]
    for warning in filter(None, found):
        log.warning("%s", warning)
    if text.documents is not None and len(set(text.documents)) == 1:
        log.warning("all lines belong to one document: there are no others to draw for intervals")


def _warn_of_hypotheses(task: Task, hypotheses: Sequence[str]) -> None:
    """Warns of hypotheses that translate nothing, and of files that are no translations."""
    sources = task.text.sources
    if said := of_blank("hypotheses", hypotheses, task.text.references[0]):
        log.warning("%s: they count as translations without words", said)
    if sources and (said := of_copies("hypotheses", hypotheses, "source", sources)):
        log.warning("%s: untranslated", said)
    for references in () if task.runs else task.text.references:
        if said := of_copies("hypotheses", hypotheses, "reference", references, more_than=0.99):
            log.warning("%s: is it the right file?", said)


def _translations(
    config: Mapping[str, Any], sources: Sequence[str]
) -> tuple[list[str], dict[str, Any]]:
    """The translations, and arguments of ``evaluate_translations`` that describe them."""
    # These load torch, which scoring does not need.
    from nmt.commands.translate import load_translator
    from nmt.device import choose_device

    with distributed.joined(choose_device(config["device"])):
        translator = load_translator(config)
        if config["sentences"] == "line":
            _warn_of_long(translator, sources)
        start, at_once = time.perf_counter(), translator.lines_at_once
        chunks = [sources[first : first + at_once] for first in range(0, len(sources), at_once)]
        own = chunks[distributed.rank() :: distributed.size()]
        total, off, made = sum(map(len, own)), distributed.unseen(), []
        with tqdm(total=total, unit=" lines", disable=off, leave=False) as progress:
            for lines in own:
                made.append(_translate(translator, lines, config))
                progress.update(len(lines))
        translations = distributed.in_turn(made)
    distributed.leave_to_first()
    seconds = time.perf_counter() - start
    tokenizer = translator.tokenizer
    sides = {"source": tokenizer.encode_src, "reference": tokenizer.encode_tgt}
    return [translation.text for translation in translations], {
        "seconds": seconds,
        "hit_limit": [translation.hit_limit for translation in translations],
        "subword_lengths": {side: _lengths_by(encode) for side, encode in sides.items()},
    }


def _lengths_by(encode: Callable[..., Sequence[Sized]]) -> SubwordLengths:
    return lambda lines: [len(ids) for ids in encode(lines)]


def _translate(
    translator: "Translator", lines: Sequence[str], config: Mapping[str, Any]
) -> "list[Translation]":
    from nmt.commands.translate import protection_of

    return translator.translate(
        lines,
        sentences=config["sentences"],
        protection=protection_of(config["protect"]),
        source_prefix=str(config["source_prefix"]),
    )


def _warn_of_long(translator: "Translator", sources: Sequence[str]) -> None:
    """Warns of sources longer than any in training: the model translates them badly and slowly."""
    most = translator.longest_source
    lengths = [len(ids) for ids in translator.tokenizer.encode_src(sources)]
    if most is not None and (long := sum(length > most for length in lengths)):
        log.warning(
            "%s of %s sources are longer than any the model was trained on (%s tokens), the "
            "longest has %s: translated whole, as scores are of the model alone",
            *(f"{number:,}" for number in (long, len(sources), most, max(lengths))),
        )
