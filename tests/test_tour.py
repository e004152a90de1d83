"""nmt/README.md names what is there, and all of it."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "nmt"
TOUR = (PACKAGE / "README.md").read_text(encoding="utf-8")
QUOTED = {word for word in re.findall(r"`([^`\n]+)`", TOUR) if "NAME" not in word}
PATHS = sorted(word for word in QUOTED if re.fullmatch(r"[\w./]+(\.(py|yaml|toml)|/)", word))
NAMES = sorted(word for word in QUOTED - {*PATHS} if re.fullmatch(r"\w+(\.\w+)?", word))


@pytest.mark.parametrize("path", PATHS)
def test_every_path_exists(path: str) -> None:
    assert (PACKAGE / path).exists() or (ROOT / path).exists()


def test_every_module_is_named() -> None:
    modules = {path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py")}
    there = {module for module in modules if not module.endswith("__init__.py")}
    assert sorted(there - set(PATHS)) == [], "nmt/README.md does not say what these are for"


@pytest.mark.parametrize("name", NAMES)
def test_every_name_stands_in_the_code(name: str) -> None:
    code = [*PACKAGE.rglob("*.py"), *(ROOT / "configs").rglob("*.yaml")]
    last = re.compile(rf"\b{name.rpartition('.')[2]}\b")
    assert any(last.search(path.read_text(encoding="utf-8")) for path in code)


def test_it_answers_at_least_thirty_questions() -> None:
    rows = re.findall(r"^\| (.+\?) \| (.+) \|$", TOUR, flags=re.MULTILINE)
    assert len({question for question, _ in rows}) >= 30
    for question, answer in rows:
        assert re.search(r"`[\w/]+\.(py|yaml)`", answer), question


def test_it_says_what_each_package_is_trusted_with() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [some for name, some in project["optional-dependencies"].items() if name != "dev"]
    named = {re.split("[^a-z-]", one)[0] for one in sum(extras, project["dependencies"])}
    section = TOUR.partition("## What we trust others with")[2].partition("\n## ")[0].lower()
    called = {"hydra-core": "hydra", "hydra-submitit-launcher": "submitit"}
    assert {name for name in named if called.get(name, name).lower() not in section} == set()


def test_the_readme_links_to_it() -> None:
    assert "](nmt/README.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
