"""Evaluations on disk. Each is a directory with ``hypotheses.txt`` and ``evaluation.json``."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from nmt.evaluation.evaluation import Evaluation
from nmt.evaluation.recipe import Recipe, differences
from nmt.plain_files import read_json

EVALUATIONS = "evaluation"  # a run's directory of evaluations
RESULT = "evaluation.json"
HYPOTHESES = "hypotheses.txt"
MOST_BYTES = 2**24  # of a result; one with documents by the thousand has some


def write_evaluation(
    evaluation: Evaluation, hypotheses: Sequence[str], directory: Path, *, overwrite: bool = False
) -> list[Path]:
    """Writes both files, each whole or not at all, and returns their paths. Raises ValueError as
    ``check_free`` does, and for a hypothesis with a line break."""
    check_free(directory, evaluation, overwrite=overwrite)
    for number, line in enumerate(hypotheses, start=1):
        if "\n" in line:
            raise ValueError(f"hypothesis {number} holds a line break: {line!r}")
    directory.mkdir(parents=True, exist_ok=True)
    result = json.dumps(evaluation.as_dict(), indent=2, ensure_ascii=False, allow_nan=False)
    files = {HYPOTHESES: "".join(f"{line}\n" for line in hypotheses), RESULT: f"{result}\n"}
    for name, content in files.items():
        (directory / f"{name}.tmp").write_text(content, encoding="utf-8", newline="\n")
    for name in files:
        os.replace(directory / f"{name}.tmp", directory / name)
    return [directory / name for name in files]


def check_free(directory: Path, recipe: Recipe, *, overwrite: bool = False) -> None:
    """Raises ValueError if the directory holds a result that was made in another way. It names the
    settings that differ. A result of fewer metrics may be replaced. To be called before
    translating, as it is cheap."""
    path = directory / RESULT
    if overwrite or not path.exists():
        return
    remedy = "give this one another name= or output=, or replace that one with overwrite=true"
    try:
        old = read_evaluation(directory)
    except ValueError as error:
        raise ValueError(f"{error}; {remedy}") from error
    there, here = old.settings(), recipe.settings()
    here = {k: v for k, v in here.items() if k in there or not k.startswith("signatures.")}
    if differing := differences(there, here):
        raise ValueError(f"{path} was made in another way ({'; '.join(differing)}): {remedy}")


def read_evaluation(directory: Path) -> Evaluation:
    """Reads the evaluation in ``directory``. Raises FileNotFoundError if there is none, ValueError
    for a damaged one or another format."""
    path = directory / RESULT
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist: nmt-evaluate writes it")
    values = read_json(path, MOST_BYTES)
    try:
        return Evaluation.from_dict(values)
    except KeyError as error:
        raise ValueError(f"{path} cannot be read: it has no {error}") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error


def directory_in_run(run: Path, name: str) -> Path:
    """The directory of a run's evaluation. Raises ValueError for a name that holds a path."""
    if name in ("", ".", "..") or Path(name).name != name:
        raise ValueError(f"name must be a plain name such as test_2016, got {name!r}")
    return run / EVALUATIONS / name


def find_evaluation(directory: Path, name: str) -> Evaluation:
    """Reads the evaluation ``name`` of a run, or else the one in ``directory`` itself. Raises
    FileNotFoundError that lists the run's evaluations, and what ``read_evaluation`` raises."""
    of_run = directory_in_run(directory, name)
    if (of_run / RESULT).is_file():
        return read_evaluation(of_run)
    if (directory / RESULT).is_file():
        return read_evaluation(directory)
    has = ", ".join(sorted(path.parent.name for path in of_run.parent.glob(f"*/{RESULT}")))
    raise FileNotFoundError(
        f"{directory} has no evaluation {name} (it has: {has or 'none'}): nmt-evaluate makes it"
    )
