"""The built wheel, in an environment that knows this checkout by nothing but the packages it uses,
from an empty directory."""

import os
import re
import subprocess
import sys
import sysconfig
import venv
from importlib.metadata import entry_points
from pathlib import Path
from zipfile import ZipFile

import pytest

import nmt
from scripts.word_by_word import write_tsv
from tests.console import SHORT, TSV, nmt_command

ROOT = Path(__file__).parents[1]
DISTRIBUTION = "nmt-lab"  # `nmt` on PyPI is another project


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from this checkout, without a network."""
    directory = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (built,) = directory.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def scripts(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The console scripts of an environment that the wheel is installed in."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home)
    paths = {"base": str(home), "platbase": str(home)}
    others = Path(sysconfig.get_path("purelib", "venv", vars=paths)) / "others.pth"
    # Directories named in a .pth file are not searched for .pth files: the editable nmt stays out.
    others.write_text(sysconfig.get_path("purelib") + "\n")
    scripts = Path(sysconfig.get_path("scripts", "venv", vars=paths))
    install = ["install", "--quiet", "--no-deps", "--no-index", "--no-compile", str(wheel)]
    pip = [sys.executable, "-m", "pip", "--python", str(scripts / "python"), *install]
    subprocess.run(pip, check=True)
    return scripts


def test_it_holds_the_package_its_configs_and_the_demo_corpus_only(wheel: Path) -> None:
    names = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
    expected = {
        path.relative_to(ROOT).as_posix()
        for suffix in ("py", "typed", "html", "css", "js")
        for path in (ROOT / "nmt").rglob(f"*.{suffix}")
    }
    for shipped in ("configs", "data/demo"):
        files = (path for path in (ROOT / shipped).rglob("*") if path.is_file())
        expected |= {f"nmt/{path.relative_to(ROOT).as_posix()}" for path in files}
    assert names == expected


def test_its_name_and_version(wheel: Path) -> None:
    assert wheel.name.startswith(f"{DISTRIBUTION.replace('-', '_')}-{nmt.__version__}-")


def test_no_text_advises_to_install_another_project() -> None:
    folders = (ROOT / "nmt", ROOT / "configs")
    texts = [ROOT / "README.md", *(path for folder in folders for path in folder.rglob("*.*"))]
    advice = re.compile(r"pip install\s+(-\S+\s+)*[\"']?nmt\b(?!-lab)")
    found = [path for path in texts if advice.search(path.read_text("utf-8", "ignore"))]
    assert found == []


WORK = """
import sys

import nmt

run = nmt.train(*sys.argv[1:])
result = nmt.evaluate(f"run={run}", "test=small", "device=cpu")
translations = nmt.Translator.load(run).translate(["one cat", ""])
print(nmt.__file__, run, len(translations), result.overall.n, sep=chr(10))
"""


def test_it_works_from_an_empty_directory(scripts: Path, tmp_path: Path) -> None:
    write_tsv(tmp_path / "pairs.tsv")
    small = ["model=lstm", "model.embed_size=16", "model.hidden_size=16"]
    done = subprocess.run(
        [scripts / "python", "-c", WORK, *small, *TSV, *SHORT],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    where, *rest = done.stdout.splitlines()[-4:]
    assert Path(where).is_relative_to(scripts.parent)
    assert rest == ["runs/tsv-lstm-s1", "2", "12"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pairs.tsv", "runs"]


def test_every_command_is_there_with_its_configs(scripts: Path, tmp_path: Path) -> None:
    commands = {
        entry.name
        for entry in entry_points(group="console_scripts")
        if entry.dist.name == DISTRIBUTION
    }
    assert {path.name for path in scripts.glob("nmt-*")} == commands
    out, _ = nmt_command("train", "--help", at=tmp_path, scripts=scripts)
    assert "demo | files" in out
