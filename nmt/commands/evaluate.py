"""Score translations with BLEU and chrF, overall and by sentence length.

nmt-evaluate run=runs/demo-transformer-s1 test=test
nmt-evaluate run=runs/demo-transformer-s1 test=test name=greedy search=greedy
nmt-evaluate run=runs/demo-transformer-s1 source=my.en reference=my.fr
nmt-evaluate hypotheses=theirs.fr references=my.fr sources=my.en output=scores/theirs
"""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

from nmt import checks
from nmt.cli.arguments import texts
from nmt.data.text_files import read_lines, read_pairs
from nmt.evaluation.bootstrap import Bootstrap
from nmt.evaluation.evaluation import Recipe, Scoring, TestSet, evaluate_translations
from nmt.evaluation.result_files import check_free, directory_in_run, write_evaluation
from nmt.files import check_writable
from nmt.languages import tokenizer_for, unit_for
from nmt.report.tables import evaluation_table
from nmt.run_directory import RunDirectory

if TYPE_CHECKING:
    from nmt.translator import Translator

log = logging.getLogger(__name__)

MODES = (
    {"run", "test"},
    {"run", "source", "reference"},
    {"hypotheses", "references", "sources", "output"},
)
AT_ONCE = 1024  # sentences between two steps of the progress bar


@dataclass(frozen=True, kw_only=True)
class Task:
    """The sentences to score, and the directory of the result.

    name: of the test set. system: its name. src_lang, tgt_lang: "" where unknown.
    """

    name: str
    system: str
    src_lang: str = ""
    tgt_lang: str = ""
    sources: Sequence[str]
    references: Sequence[str]
    directory: Path


def main(cfg: DictConfig) -> None:
    """Score as ``configs/evaluate.yaml`` says; the table goes to stdout."""
    config = cast(dict[str, Any], OmegaConf.to_container(cfg, resolve=True))
    _check_mode(config)
    translates = config["run"] is not None
    task = _task_of_run(config) if translates else _task_of_files(config)
    scoring = _scoring(config, task)
    search = dict(config["search"]) if translates else {}
    if translates and config["precision"] != "fp32":  # fp32 is the default and not recorded
        search["precision"] = config["precision"]
    recipe = Recipe.of(
        system=task.system,
        test_set=TestSet.of(task.name, task.sources, task.references),
        search=search,
        scoring=scoring,
    )
    check_free(task.directory, recipe, overwrite=config["overwrite"])
    check_writable(task.directory, "output")
    if translates:
        hypotheses, facts = _translate(config, task.sources, scoring)
    else:
        hypotheses, facts = read_lines(str(config["hypotheses"])), {}
    evaluation = evaluate_translations(
        system=task.system,
        test_set=task.name,
        sources=task.sources,
        references=task.references,
        hypotheses=hypotheses,
        scoring=scoring,
        search=search,
        **facts,
    )
    paths = write_evaluation(evaluation, hypotheses, task.directory, overwrite=config["overwrite"])
    print(evaluation_table(evaluation).text())
    log.info("wrote %s", " and ".join(map(str, paths)))


def _check_mode(config: Mapping[str, Any]) -> None:
    """ValueError unless the options name exactly one of the three kinds of input."""
    given = {name for mode in MODES for name in mode if config[name] is not None}
    if given not in MODES and given - {"output"} not in MODES[:2]:
        said = ", ".join(f"{name}=" for name in sorted(given)) or "none of them"
        raise ValueError(
            f"say run= with test=, or run= with source= and reference=, or hypotheses= with "
            f"references=, sources= and output=; here is {said}"
        )


def _scoring(config: Mapping[str, Any], task: Task) -> Scoring:
    """Options that are null take the value for the languages of the run; 13a and words where the
    languages are unknown."""
    with checks.section("bootstrap"):
        bootstrap = Bootstrap(**config["bootstrap"])
    language = task.src_lang if config["side"] == "source" else task.tgt_lang
    return Scoring(
        edges=config["edges"],
        side=config["side"],
        unit=config["unit"] or unit_for(language),
        tokenize=config["tokenize"] or tokenizer_for(task.tgt_lang),
        lowercase=config["lowercase"],
        bootstrap=bootstrap,
    )


def _task_of_run(config: Mapping[str, Any]) -> Task:
    """The task of a run, or of several that translate as one; the first has the test sets."""
    runs = [RunDirectory.open(path) for path in texts(config["run"])]
    if not runs:
        raise ValueError("run=[] names no run: say run=DIR, or run=[DIR,DIR]")
    if config["output"] is None and len(runs) > 1:
        raise ValueError("a result of several runs belongs to none of them: say output=DIR")
    if config["test"] is None:
        name = _file_name(texts(config["source"])[0])
        pairs = read_pairs(texts(config["source"]), texts(config["reference"]))
        sources, references = [list(side) for side in zip(*pairs, strict=True)]
    else:
        name = str(config["test"])
        sources, references = runs[0].test_set(name)
    if config["output"] is None:
        directory = directory_in_run(runs[0].path, str(config["name"] or name))
    else:
        directory = Path(str(config["output"]))
    data = runs[0].config()["data"]
    return Task(
        name=name,
        system="+".join(run.path.resolve().name for run in runs),
        src_lang=data["src_lang"],
        tgt_lang=data["tgt_lang"],
        sources=sources,
        references=references,
        directory=directory,
    )


def _task_of_files(config: Mapping[str, Any]) -> Task:
    pairs = read_pairs(str(config["sources"]), str(config["references"]))
    return Task(
        name=str(config["name"] or _file_name(str(config["sources"]))),
        system=_file_name(str(config["hypotheses"])),
        sources=[pair.src for pair in pairs],
        references=[pair.tgt for pair in pairs],
        directory=Path(str(config["output"])),
    )


def _translate(
    config: Mapping[str, Any], sources: Sequence[str], scoring: Scoring
) -> tuple[list[str], dict[str, Any]]:
    """The translations, and arguments of ``evaluate_translations`` that describe them."""
    from nmt.commands.translate import load_translator  # loads torch, which scoring does not need

    translator = load_translator(config)
    _warn_of_long(translator, sources)
    start = time.perf_counter()
    translations = []
    with tqdm(total=len(sources), unit=" lines", disable=None, leave=False) as progress:
        for first in range(0, len(sources), AT_ONCE):
            lines = sources[first : first + AT_ONCE]
            # Long lines are not split: the scores are of the model alone.
            translations += translator.translate(lines, split_long=False)
            progress.update(len(lines))
    seconds = time.perf_counter() - start
    tokenizer = translator.tokenizer
    encode = tokenizer.encode_tgt if scoring.side == "reference" else tokenizer.encode_src
    return [translation.text for translation in translations], {
        "seconds": seconds,
        "hit_limit": [translation.hit_limit for translation in translations],
        "subword_lengths": lambda lines: [len(ids) for ids in encode(lines)],
    }


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


def _file_name(path: str) -> str:
    return Path(path).name.removesuffix(".gz")
