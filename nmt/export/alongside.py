"""What goes along with an exported model: tokenizer, settings, a script, and what is lost by it.

The files of ``outside/`` are copied as they are; ``settings.json`` tells them what they need to
know of the run.
"""

import json
import random
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import sentencepiece as spm

from nmt.search.greedy import GreedySearch
from nmt.text.normalization import ANY_SPACES
from nmt.tokenizer import EOS
from nmt.tokenizer.model_file import kind_of, own_normalization, scores_of, symbols_of
from nmt.translator.loading import LoadedRun

OUTSIDE = Path(__file__).with_name("outside")
SETTINGS = "settings.json"
LARGEST_DIFFERENCE = 1e-4
"""Of a log-probability, between an exported model and ours; of rounding it makes 1e-6 to 1e-5."""

LOST = """\
What is kept: the model and its pieces, normalisation of spaces and composed characters, small
letters where the model was trained on them, a limit of the translation's length that grows with
the source's.

What is lost, besides what `nmt-translate` offers as options: the removal of invisible signs, the
protection of numbers, addresses, placeholders and markup, text in capitals, the cutting of long
lines at ends of sentences, the copying of characters that the model does not know, spaces around a
line, and the flags of doubtful translations. A line is translated as a whole, so give it one
sentence a line. `nmt-translate search=greedy sentences=line protect.enabled=false` does the same.
"""


def needed(name: str) -> ModuleType:
    """A module of a package of the extra ``export``. Raises ValueError where it is missing."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        package = name.partition(".")[0]
        raise ValueError(f"{package} is not installed: pip install '.[export]'") from error


def random_pairs(src_size: int, tgt_size: int) -> list[tuple[list[int], list[int]]]:
    """Twenty pairs of 1 to 40 ids without special ones, the same ones every time."""
    drawn = random.Random(0)

    def ids(size: int) -> list[int]:
        return [drawn.randrange(EOS + 1, size) for _ in range(drawn.randint(1, 40))]

    return [(ids(src_size), ids(tgt_size)) for _ in range(20)]


def check_free(output: Path) -> None:
    """FileExistsError where there is something already."""
    if output.exists():
        raise FileExistsError(f"{output} exists: name another directory by output=, or delete it")


@contextmanager
def new_directory(output: Path) -> Iterator[Path]:
    """An empty directory that becomes ``output`` where nothing is raised inside, and else is gone.

    Raises FileExistsError where ``output`` exists.
    """
    check_free(output)
    making = output.with_name(f"{output.name}.tmp")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    try:
        yield making
        making.rename(output)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def write_alongside(
    directory: Path, run: LoadedRun, files: Mapping[str, str], **settings: Any
) -> dict[str, Any]:
    """Writes the tokenizer, ``settings.json`` and files of ``outside/``, and returns the settings.

    files: name there -> name in the directory. settings: further ones.
    """
    tokenizer, search = run.tokenizer, GreedySearch()
    models = tokenizer.save(directory)
    rules = tokenizer.normalization
    made = {
        "src_lang": run.src_lang,
        "tgt_lang": run.tgt_lang,
        "src_tokenizer": models[0].name,
        "tgt_tokenizer": models[-1].name,
        "spaces": None if rules.scheme == "none" else ANY_SPACES,
        "compose": rules.scheme == "standard",
        "lowercase": rules.lowercase,
        "escapes": tokenizer.escapes,
        "placeholders": tokenizer.placeholders,
        "max_length": search.max_length,
        "extra_length": search.extra_length,
        **settings,
    }
    (directory / SETTINGS).write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
    copy_outside(files, directory)
    return made


def copy_outside(files: Mapping[str, str], directory: Path) -> None:
    """Copies files of ``outside/``: name there -> name in the directory."""
    for name, there in files.items():
        shutil.copyfile(OUTSIDE / name, directory / there)


def write_pieces(directory: Path, settings: Mapping[str, Any]) -> str | None:
    """Writes ``pieces.json``, what the page for the browser segments text by; None, or why that is
    not possible. settings: as ``write_alongside`` returned them."""
    names = (settings["src_tokenizer"], settings["tgt_tokenizer"])
    src, tgt = (spm.SentencePieceProcessor(model_file=str(directory / name)) for name in names)
    if kind_of(src) not in ("bpe", "unigram") or own_normalization(src):
        return (
            "There is no page for the browser: it segments text by models of type bpe and unigram "
            f"that leave text as it is, and this one is of type {kind_of(src)} and does "
            f"{own_normalization(src) or 'nothing'} to text."
        )
    made = {
        "kind": kind_of(src),
        "src": src.id_to_piece(list(range(len(src)))),
        "tgt": tgt.id_to_piece(list(range(len(tgt)))),
        "scores": list(scores_of(src).items()),
        "symbols": [one for one in symbols_of(src) if one not in settings["placeholders"]],
    }
    (directory / "pieces.json").write_text(json.dumps(made), encoding="utf-8")
    return None


def write_readme(directory: Path, run: LoadedRun, what: str, usage: Sequence[str]) -> None:
    """Writes README.md: what this is, how it is used, what is kept and what is lost."""
    languages = f"{run.src_lang or 'its source'} to {run.tgt_lang or 'its target language'}"
    text = "\n\n".join([f"# {what}, {languages}", *usage, LOST])
    (directory / "README.md").write_text(text, encoding="utf-8")


def size_of(directory: Path) -> int:
    """Bytes of all files in a directory."""
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
