"""Evaluations on disk. Each is a directory with ``evaluation.json``, ``sentences.parquet``, which
has what is known of each sentence in numbers, and ``hypotheses.txt``, which nothing else needs."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from nmt.evaluation.evaluation import Evaluation
from nmt.evaluation.recipe import Recipe, differences
from nmt.evaluation.sentence_table import SentenceTable
from nmt.evaluation.table_file import as_parquet, from_parquet
from nmt.files import check_replaceable, replace_files
from nmt.plain_files import read_json, read_limited, refuse_way_out

EVALUATIONS = "evaluation"  # a run's directory of evaluations
RESULT = "evaluation.json"
HYPOTHESES = "hypotheses.txt"
SENTENCES = "sentences.parquet"
MOST_BYTES = 2**24  # of a result; one with documents by the thousand has some
MOST_BYTES_OF_TABLE = 2**28


def write_evaluation(
    evaluation: Evaluation,
    table: SentenceTable,
    hypotheses: Sequence[str],
    directory: Path,
    *,
    overwrite: bool = False,
) -> list[Path]:
    """Writes the three files, all or none of them, and returns their paths. Raises ValueError
    as ``check_free`` does, and for a hypothesis with a line break."""
    check_free(directory, evaluation, overwrite=overwrite)
    for number, line in enumerate(hypotheses, start=1):
        if "\n" in line:
            raise ValueError(f"hypothesis {number} holds a line break: {line!r}")
    directory.mkdir(parents=True, exist_ok=True)
    numbers = as_parquet(table)
    made = replace(evaluation, table_sha256=hashlib.sha256(numbers).hexdigest())
    result = json.dumps(made.as_dict(), indent=2, ensure_ascii=False, allow_nan=False)
    files = {
        HYPOTHESES: "".join(f"{line}\n" for line in hypotheses).encode(),
        SENTENCES: numbers,
        RESULT: f"{result}\n".encode(),
    }
    replace_files({directory / name: content for name, content in files.items()})
    return [directory / name for name in files]


def read_table(directory: Path, evaluation: Evaluation) -> SentenceTable | None:
    """Reads the table beside the evaluation; None beside one that was made before there were any.
    Raises FileNotFoundError for a missing file, ValueError for one that does not belong to it."""
    if evaluation.table_sha256 is None:
        return None
    path = directory / SENTENCES
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} is missing, though {RESULT} beside it names it: copy it too, or run "
            f"nmt-evaluate again with overwrite=true"
        )
    content = read_limited(path, MOST_BYTES_OF_TABLE)
    if hashlib.sha256(content).hexdigest() != evaluation.table_sha256:
        raise ValueError(
            f"{path} is damaged, or does not belong to {RESULT} beside it: run nmt-evaluate again "
            f"with overwrite=true"
        )
    try:
        return from_parquet(content, evaluation.test_set.n, list(evaluation.signatures))
    except ValueError as error:
        raise ValueError(f"{path} cannot be read: {error}") from error


def check_free(directory: Path, recipe: Recipe, *, overwrite: bool = False) -> None:
    """Raises ValueError if the directory holds a result that was made in another way. It names the
    settings that differ. A result of fewer metrics may be replaced. Raises OSError for what is no
    file in the place of one. To be called before translating, as it is cheap."""
    for name in (HYPOTHESES, SENTENCES, RESULT):
        check_replaceable(directory / name)
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


def find_evaluation(directory: Path, name: str) -> Path:
    """The directory of a run's evaluation ``name``, or else ``directory`` itself if that holds a
    result. Raises FileNotFoundError that lists the run's evaluations, and ValueError where a link
    leads out of ``directory``."""
    of_run = directory_in_run(directory, name)
    for found in (of_run, directory):
        if (found / RESULT).is_file():
            for file in (RESULT, SENTENCES, HYPOTHESES):
                refuse_way_out(found / file, directory)
            return found
    if not directory.is_dir():
        raise FileNotFoundError(f"{directory}: there is no such run, result or file")
    has = ", ".join(sorted(path.parent.name for path in of_run.parent.glob(f"*/{RESULT}")))
    raise FileNotFoundError(
        f"{directory} has no evaluation {name} (it has: {has or 'none'}): "
        f"nmt-evaluate run={directory} test={name} makes one of a test set of the run, "
        f"and name={name} names it"
    )
