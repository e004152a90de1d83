import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "nmt"
LAYERS = [
    {"checks", "directory_lock", "files", "hub_runs", "languages", "older_runs", "plain_files"},
    {"device", "disk_cache", "distributed", "factory", "parallel", "run_directory", "text"},
    {"tokenizer"},
    {"data", "models"},
    {"search"},
    {"evaluation", "training", "translator"},
    {"export", "report", "server"},
    {"cli"},
    {"commands"},
]
LEVEL = {part: level for level, parts in enumerate(LAYERS) for part in parts}
SEE_HYDRA = {"cli", "commands"}


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def edges() -> set[tuple[str, str]]:
    """(part of nmt, what it imports: another part, or a package)."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        if path != PACKAGE / "__init__.py":  # offers Translator, imports nothing of itself
            part = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
            for name in imported(path):
                found.add((part, name.removeprefix("nmt.").split(".")[0]))
    return found


def test_imports_go_down_only() -> None:
    within = {(part, other) for part, other in edges() if other in LEVEL and other != part}
    assert len(within) > len(LEVEL)
    assert [edge for edge in within if LEVEL[edge[0]] <= LEVEL[edge[1]]] == []


def test_every_part_has_a_layer() -> None:
    assert {part for part, _ in edges()} == set(LEVEL)


def test_only_commands_and_their_application_see_hydra() -> None:
    assert {part for part, other in edges() if other in ("hydra", "omegaconf")} == SEE_HYDRA


def test_the_application_knows_no_command() -> None:
    assert ("cli", "commands") not in edges()
