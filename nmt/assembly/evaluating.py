"""nmt-evaluate: from a run directory or files to scores by sentence length."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf

from nmt.corpus.reading import read_lines, read_pairs
from nmt.evaluation.evaluation import evaluate as score
from nmt.evaluation.recipe import Recipe, Scoring, TestSet
from nmt.evaluation.significance import Bootstrap
from nmt.evaluation.store import check_free, directory_in_run, store
from nmt.report.tables import evaluation_table
from nmt.run_directory import RunDirectory

log = logging.getLogger(__name__)

MODES = (
    {"run", "test"},
    {"run", "source", "reference"},
    {"hypotheses", "references", "sources", "output"},
)
SCORING = ("edges", "side", "unit", "tokenize", "lowercase")


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is to be scored, and where the result goes.

    name: of the test set. system: of what translates it.
    """

    name: str
    system: str
    sources: Sequence[str]
    references: Sequence[str]
    directory: Path


def evaluate(cfg: DictConfig) -> None:
    """Score as ``configs/evaluate.yaml`` says; the table goes to stdout."""
    config = cast(dict[str, Any], OmegaConf.to_container(cfg, resolve=True))
    _check_mode(config)
    scoring = Scoring(
        **{name: config[name] for name in SCORING}, bootstrap=Bootstrap(**config["bootstrap"])
    )
    task = _task_of_run(config) if config["run"] else _task_of_files(config)
    search = config["search"] if config["run"] else {}
    recipe = Recipe.of(
        system=task.system,
        test_set=TestSet.of(task.name, task.sources, task.references),
        search=search,
        scoring=scoring,
    )
    check_free(task.directory, recipe, overwrite=config["overwrite"])
    if config["run"]:
        hypotheses, facts = _translate(config, task.sources, scoring)
    else:
        hypotheses, facts = read_lines(str(config["hypotheses"])), {}
    evaluation = score(
        system=task.system,
        test_set=task.name,
        sources=task.sources,
        references=task.references,
        hypotheses=hypotheses,
        scoring=scoring,
        search=search,
        **facts,
    )
    paths = store(evaluation, hypotheses, task.directory, overwrite=config["overwrite"])
    print(evaluation_table(evaluation).text())
    log.info("wrote %s", " and ".join(map(str, paths)))


def _check_mode(config: Mapping[str, Any]) -> None:
    """ValueError unless the options say one of the three things that can be scored."""
    given = {name for mode in MODES for name in mode if config[name] is not None}
    if given not in MODES and given - {"output"} not in MODES[:2]:
        said = ", ".join(f"{name}=" for name in sorted(given)) or "none of them"
        raise ValueError(
            f"say run= with test=, or run= with source= and reference=, or hypotheses= with "
            f"references=, sources= and output=; here is {said}"
        )


def _task_of_run(config: Mapping[str, Any]) -> Task:
    run = RunDirectory.open(str(config["run"]))
    if config["test"] is None:
        name, src, tgt = _file_name(config["source"]), config["source"], config["reference"]
    else:
        name = str(config["test"])
        tests = run.config()["data"]["tests"]
        if name not in tests:
            raise ValueError(
                f"{run.path} was trained beside the test sets {', '.join(tests) or '(none)'}, "
                f"not {name}; other text is given by source= and reference="
            )
        src, tgt = tests[name]["src"], tests[name]["tgt"]
    pairs = read_pairs(src, tgt)
    task = Task(
        name=name,
        system=run.path.resolve().name,
        sources=[pair.src for pair in pairs],
        references=[pair.tgt for pair in pairs],
        directory=_directory(config) or directory_in_run(run.path, str(config["name"] or name)),
    )
    if config["test"] is not None:
        _warn_if_changed(run, task)
    return task


def _task_of_files(config: Mapping[str, Any]) -> Task:
    pairs = read_pairs(str(config["sources"]), str(config["references"]))
    directory = _directory(config)
    assert directory is not None
    return Task(
        name=str(config["name"] or _file_name(config["sources"])),
        system=_file_name(config["hypotheses"]),
        sources=[pair.src for pair in pairs],
        references=[pair.tgt for pair in pairs],
        directory=directory,
    )


def _translate(
    config: Mapping[str, Any], sources: Sequence[str], scoring: Scoring
) -> tuple[list[str], dict[str, Any]]:
    """The translations, and what the evaluation is to say of their making."""
    from nmt.assembly.translating import load_translator, translated  # torch: not for mere scoring

    translator = load_translator(config)
    start = time.perf_counter()
    translations = [one for chunk in translated(translator, sources) for one in chunk]
    seconds = time.perf_counter() - start
    encode = translator.tokenizer.encode_src
    if scoring.side == "reference":
        encode = translator.tokenizer.encode_tgt
    return [translation.text for translation in translations], {
        "seconds": seconds,
        "hit_limit": [translation.hit_limit for translation in translations],
        "subword_lengths": lambda lines: [len(ids) for ids in encode(lines)],
    }


def _warn_if_changed(run: RunDirectory, task: Task) -> None:
    known = run.manifest().get("corpora", {}).get(f"tests.{task.name}")
    now = TestSet.of(task.name, task.sources, task.references)
    if known not in (None, {"src": now.sha256_src, "tgt": now.sha256_ref}):
        log.warning("test set %s is not what it was when %s was trained", task.name, run.path)


def _directory(config: Mapping[str, Any]) -> Path | None:
    return None if config["output"] is None else Path(str(config["output"]))


def _file_name(path: str | Sequence[str]) -> str:
    first = path if isinstance(path, str) else path[0]
    return Path(first).name.removesuffix(".gz")
