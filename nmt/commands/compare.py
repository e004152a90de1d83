"""Compare systems that were evaluated on one test set: scores by length or what else, with
intervals and tests, as tables and a plot. Runs that differ in their seed only are one system.

nmt-compare runs=[runs/demo-lstm-s1,runs/demo-transformer-s1] evaluation=test
nmt-compare 'runs="runs/study/*"' evaluation=test
nmt-compare runs=[runs/demo-transformer-s1,theirs.fr] evaluation=test
nmt-compare 'runs="runs/study/*"' evaluation=test only.sentences=1 output=one_sentence
nmt-compare 'runs="runs/study/*"' evaluation=test report=report
nmt-compare 'runs="runs/study/*"' evaluation=test by=label labels=test.domain score=chrf
"""

import glob
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf

from nmt.cli.arguments import texts
from nmt.commands.scored_text import (
    check_as_many,
    file_name,
    one_file,
    own_metric,
    read_names,
    read_references,
)
from nmt.commands.training_options import training_options
from nmt.data.text_files import read_lines
from nmt.evaluation.evaluation import Evaluation
from nmt.evaluation.from_table import evaluation_of, parts_of
from nmt.evaluation.metrics import METRICS, Metric
from nmt.evaluation.recipe import Recipe, TestSet
from nmt.evaluation.result_files import (
    EVALUATIONS,
    RESULT,
    find_evaluation,
    read_evaluation,
    read_table,
)
from nmt.evaluation.scorer import Scorer
from nmt.evaluation.sentence_table import SentenceTable, count_sentences
from nmt.files import check_writable
from nmt.plain_files import typed
from nmt.report.comparison import Comparison, compare_runs, comparison_tables, write_comparison
from nmt.report.html_report import check_no_report, write_report
from nmt.report.systems import ComparedRun, View
from nmt.run_directory import MANIFEST, RunDirectory

log = logging.getLogger(__name__)


def main(cfg: DictConfig) -> None:
    """Compare as ``configs/compare.yaml`` says; the tables go to stdout."""
    report = None if cfg.report is None else Path(str(cfg.report))
    if report is not None:
        check_no_report(report)
        check_writable(report, "report")
    comparison, output, name = compare(cfg)
    check_writable(output, "output")
    paths = write_comparison(comparison, output)
    print("\n".join(table.text() for table in comparison_tables(comparison)))
    if report is not None:
        from nmt.commands.comparison_report import page_of  # loads torch, which tables do not need

        page = page_of(comparison, name, sentences=cfg.report_sentences)
        paths.append(write_report(page, report))
    log.info("wrote %s", ", ".join(map(str, paths)))


def compare(cfg: DictConfig) -> tuple[Comparison, Path, str]:
    """The comparison, the directory that it belongs into, and the name of the evaluation."""
    config = cast(dict[str, Any], OmegaConf.to_container(cfg, resolve=True))
    own, paths = own_metric(config), expanded(texts(config["runs"]))
    directories = [path for path in paths if not path.is_file()]
    if not directories:
        raise ValueError(
            f"runs={config['runs']} names no run and no output of nmt-evaluate; files of "
            f"translations are compared with one of these, and nmt-evaluate hypotheses= scores them"
        )
    name = evaluation_name(config["evaluation"], directories)
    found = {path: compared_run(path, name) for path in directories}
    others = [path for path in paths if path.is_file()]
    if not others and (config["references"] or config["sources"]) is not None:
        raise ValueError("references= and sources= go with text files in runs=, and there is none")
    if others:
        first = next(iter(found.values()))
        references, sources = _text_of(config, directories, first.evaluation)
        found |= {path: _of_translations(path, first, references, sources, own) for path in others}
    runs = [found[path] for path in paths]
    view = _view(config, runs)
    options = {name: config[name] for name in ("score", "test", "any_text")}
    comparison = compare_runs(runs, view=view, own=own, **options)
    directory = re.sub(r"[^\w.+-]+", "_", "-".join(["comparison", name, *view.named()]))
    return comparison, Path(str(config["output"] or paths[0].parent / directory)), name


def evaluation_name(given: object, directories: Sequence[Path]) -> str:
    """The name of the evaluation or, where only outputs of nmt-evaluate are compared, that of the
    first. Raises ValueError for a run whose evaluation nobody named."""
    runs = [path for path in directories if not (path / RESULT).is_file()]
    if given is None and runs:
        raise ValueError(
            f"evaluation= must name the evaluation that {runs[0]} holds, such as evaluation=test"
        )
    return directories[0].resolve().name if given is None else str(given)


def expanded(patterns: Sequence[str]) -> list[Path]:
    """The paths that these are or, with *, ? or [...] in them, match. Of the directories that a
    pattern matches, those that hold neither a run nor a result are left out, and so are files
    beside directories. Raises ValueError for a pattern without a match, and for no paths."""
    found: dict[Path, None] = {}
    for pattern in patterns:
        path = Path(pattern).expanduser()
        if path.exists() or not glob.has_magic(pattern):
            found[path] = None
            continue
        matches = [Path(match) for match in sorted(glob.glob(str(path)))]  # noqa: PTH207 (absolute)
        held = [one for one in matches if (one / MANIFEST).is_file() or (one / RESULT).is_file()]
        matches = held or [one for one in matches if one.is_file()]
        if not matches:
            raise ValueError(f"runs={pattern} matches no run, no result and no file")
        found |= dict.fromkeys(matches)
    if not found:
        raise ValueError("runs=[] names nothing to compare: say runs=[DIR,DIR,...]")
    return list(found)


def compared_run(directory: Path, name: str) -> ComparedRun:
    """The run, or output of nmt-evaluate, with its evaluation of this name. What lies in a run's
    directory of evaluations has the run's name before its own."""
    result = find_evaluation(directory, name)
    evaluation = read_evaluation(result)
    run, label = RunDirectory(directory), directory.resolve().name
    if result == directory and result.resolve().parent.name == EVALUATIONS:
        run = RunDirectory(result.resolve().parents[1])
        label = f"{run.path.name}-{label}"
    manifest = run.manifest() if run.exists() else {}  # other systems have none
    seconds = manifest.get("training", {}).get("seconds")
    seconds = typed(float | None, seconds, f"{directory / MANIFEST} is damaged: seconds")
    table = read_table(result, evaluation)
    options = evaluation.trained or (training_options(run) if manifest else {})
    return ComparedRun(
        label=label,
        evaluation=evaluation,
        tables=(table,) if table else (),
        parameters=manifest.get("parameters"),
        training_seconds=seconds,
        options=options,
        place=directory,
    )


def _view(config: Mapping[str, Any], runs: Sequence[ComparedRun]) -> View:
    edges = config["edges"]
    only = {name: value for name, value in config["only"].items() if value is not None}
    if "label" in only:
        only["label"] = texts(only["label"])
    return View(
        by=config["by"],
        side=config["side"],
        edges=edges if edges is None or isinstance(edges, list) else [edges],
        quantiles=config["quantiles"],
        only=only,
        labels=read_names(config, "labels", runs[0].evaluation.test_set.n),
    )


def _text_of(
    config: Mapping[str, Any], directories: Sequence[Path], evaluation: Evaluation
) -> tuple[list[list[str]], list[str] | None]:
    """The references, and the sources where they are known, that files of translations are scored
    with: those of the options, or of the first run that keeps the test set."""
    wanted = evaluation.test_set
    if config["references"] is not None:
        references = read_references(config, "references")
        sources = None
        if config["sources"] is not None:
            sources = read_lines(one_file(config, "sources"))
        if TestSet.of(wanted.name, None, references).sha256_ref != wanted.sha256_ref:
            raise ValueError(
                f"references={config['references']} are not those of the evaluation "
                f"{config['evaluation']}"
            )
        return references, sources
    for run in map(RunDirectory, directories):
        if run.exists() and wanted.name in run.test_sets():
            sources, reference = run.test_set(wanted.name)
            if TestSet.of(wanted.name, None, [reference]).sha256_ref == wanted.sha256_ref:
                return [[*reference]], sources
    raise ValueError(
        f"none of the runs keeps the text of {wanted.name}: say references=FILE, or the list of "
        f"files that it was evaluated with"
    )


def _of_translations(
    path: Path,
    first: ComparedRun,
    references: Sequence[Sequence[str]],
    sources: Sequence[str] | None,
    own: Mapping[str, Metric],
) -> ComparedRun:
    """The translations in a file of another system, scored as the first of the runs was. What is
    known of the sources and references is that run's."""
    evaluation, lines = first.evaluation, read_lines(path)
    if not first.tables:
        raise ValueError(
            f"{path} cannot be scored as {first.label} was: its result was made before results "
            f"kept numbers of each sentence; run nmt-evaluate again"
        )
    check_as_many(str(path), len(lines), "the test set", len(references[0]))
    said = evaluation.signatures
    tokenize, case = (re.search(rf"\b{key}:([^|]+)", said["bleu"]) for key in ("tok", "case"))
    scorer = Scorer(
        metrics=[name for name in said if name in METRICS],
        tokenize=tokenize[1] if tokenize else "13a",
        lowercase=bool(case and case[1] == "lc"),
        own={name: metric for name, metric in own.items() if name in said},
    )
    counted = count_sentences(scorer, sources=sources, references=references, hypotheses=lines)
    table = first.tables[0]
    of_translations = ("hypothesis_words", "repeats")
    numbers = {k: v for k, v in table.numbers.items() if k not in (*of_translations, "hit_limit")}
    numbers |= {name: counted.numbers[name] for name in of_translations}
    table = SentenceTable(statistics=counted.statistics, numbers=numbers, names=table.names)
    recipe: Recipe = replace(
        evaluation,
        system=file_name(str(path)),
        search={},
        text={},
        signatures=scorer.signatures(evaluation.test_set.nrefs),
    )
    parts = parts_of(recipe, table)
    made = evaluation_of(recipe, table, parts, scorer)
    return ComparedRun(label=file_name(str(path)), evaluation=made, tables=(table,), place=path)
