"""A question has one file, of a size that one person reads in one sitting."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "nmt"
FILES = sorted(PACKAGE.rglob("*.py"))
SIZES = {
    path.relative_to(PACKAGE).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
    for path in FILES
}

SMALL = {
    "search/greedy.py",
    "older_runs.py",
    "training/optimizer.py",
    "export/outside/exported_text.py",
    "export/outside/translate_by_ctranslate2.py",
}
"""Each answers a question that none of its neighbours does, or goes out as it is."""

# A feature that needs more raises these deliberately.
MOST_FILES = 191
MOST_LINES = 31_000

OPTION = re.compile(
    r"(?<![\w.])(data|tokenizer|model|optimizer|schedule|loss|trainer|search|bootstrap)\.[a-z_]+"
)
FILE_NAMES = {"tokenizer.model", "tokenizer.src", "tokenizer.tgt", "model.tmp"}


def strings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, text) of each string that is no statement of its own, as docstrings are."""
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.lineno, node.value


def test_no_file_is_long() -> None:
    assert {name: size for name, size in SIZES.items() if size > 350} == {}


def test_no_file_is_short_without_a_reason() -> None:
    short = {name for name, size in SIZES.items() if size < 60}
    ours = {name for name in short if not name.endswith("__init__.py")}
    assert {name for name in ours if not name.startswith("commands/")} == SMALL


def test_no_two_files_have_one_name() -> None:
    names = Counter(path.name for path in FILES if path.name != "__init__.py")
    assert [name for name, times in names.items() if times > 1] == []


def test_the_package_stays_small() -> None:
    assert len(FILES) <= MOST_FILES
    assert sum(SIZES.values()) <= MOST_LINES


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("raise search.beam_size", ["search.beam_size"]),
        ("data.cleaning: too long", ["data.cleaning"]),
        ("nmt.search.beam.BeamSearch", []),
        ("tokenizer.src.model", []),
        ("a model. It", []),
    ],
)
def test_what_is_the_path_of_an_option(text: str, found: list[str]) -> None:
    assert option_paths(text) == found


def option_paths(text: str) -> list[str]:
    return [match[0] for match in OPTION.finditer(text) if match[0] not in FILE_NAMES]


def test_only_commands_and_their_application_know_where_options_stand() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{line}: {text}"
        for path in FILES
        if path.relative_to(PACKAGE).parts[0] not in ("commands", "cli")
        for line, text in strings(ast.parse(path.read_text(encoding="utf-8")))
        if option_paths(text)
    ]
    assert found == []
