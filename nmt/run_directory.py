"""Run directories: training writes one, and translating needs nothing else. They can be moved.

``manifest.json`` names the files that count, with their sha256. Replacing it is the only commit
point: a file is written first and then named in the manifest; a file that the manifest no longer
names is deleted last. A crash between any two of these steps leaves the run as it was. A file that
may change has the hash of its content in its name, so a new one never overwrites one that counts.
"""

import json
import re
import shutil
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path, PurePosixPath
from typing import Any, Self

import yaml

from nmt.checks import OptionError, field
from nmt.directory_lock import LOCK, locked
from nmt.files import fingerprint, replace_text, sha256_file, sync
from nmt.hub_runs import local_run
from nmt.older_runs import config_of_today
from nmt.plain_files import (
    MOST_YAML,
    check_size,
    read_json,
    read_yaml,
    refuse_ways_out,
    shown,
    typed,
)

FORMAT_VERSION = 2
_READABLE = (1, 2)
MANIFEST = "manifest.json"
TESTS = "tests"

_FIELDS: dict[str, Any] = {
    **dict.fromkeys(("serving", "serving_kind", "checkpoint"), str | None),
    "config": str | None,
    "files": dict[str, str],
    "parameters": int,
    "longest_source": int | None,
    "averaged": list[int] | None,
    "validation": dict[str, float | None],
    **dict.fromkeys(("versions", "normalization"), dict[str, str | int | bool]),
    "training": dict[str, float | str],
    **dict.fromkeys(("corpora", "cleaning"), dict[str, Any]),
    **dict.fromkeys(("text", "init_from"), dict[str, Any] | None),
}
"""The manifest's fields -> their types."""

SECTIONS = (
    *("data", "tokenizer", "model", "optimizer", "schedule", "trainer", "loss", "search"),
    "seed",
)
"""What a run's config holds."""

_CONFIG_OF_FORMAT_1 = "config.yaml"
_WRITTEN = (
    *("checkpoints/*", "model-*.safetensors", "config-*.yaml", "tokenizer*.model", "*.tmp"),
    *(f"{TESTS}/*.src", f"{TESTS}/*.tgt"),
)
"""Files that training writes. A killed process left those that the manifest does not name."""


def check_test_name(name: str) -> None:
    """Raises ValueError for a name of a test set that a file could not have."""
    if not re.fullmatch(r"[^\W_][\w.+-]*", name):
        raise OptionError(
            f"{field('tests')}.{name}: a test set's name is made of letters, digits and _ . + -, "
            f"and starts with a letter or a digit"
        )


class RunDirectory:
    """One run. The manifest's fields are plain JSON:

    format_version; serving (weights file or null) and serving_kind ("best" or "average");
    checkpoint (directory of the last one or null); config (its file); files (relative name ->
    sha256); versions; corpora (fingerprints); parameters (their number); training (steps, seconds);
    longest_source (tokens of the longest training source without EOS); normalization
    (``Normalization``'s fields; none in older runs); text (``TextStatistics`` of the training text;
    absent in older runs); init_from (name and weights' sha256 of the run
    that training started from, or null); averaged (steps of the checkpoints whose average was
    validated at the end).

    The test sets are plain text, one sentence in each line: tests/NAME.src and tests/NAME.tgt.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._added: dict[str, str] = {}
        self._dropped: set[str] = set()
        self._changes: dict[str, Any] = {}
        self._new = False
        self._config: dict[str, Any] | None = None

    @classmethod
    def create(cls, path: str | Path) -> Self:
        """Prepares a new or empty directory for a run, which begins with its first commit.

        Deletes the files of a process that died before its first commit. Raises FileExistsError for
        a directory in use.
        """
        run = cls(path)
        run.refuse_in_use()
        run.path.mkdir(parents=True, exist_ok=True)
        refuse_ways_out(run.path)
        run._new = True
        run.sweep()
        return run

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Opens a run that exists, ``hub:OWNER/NAME`` included. Raises FileNotFoundError or
        ValueError for anything else, and what ``local_run`` raises."""
        run = cls(local_run(path))
        if not run.path.exists():
            raise FileNotFoundError(f"{run.path}: there is no such run directory")
        if not run.exists():
            raise ValueError(f"{run.path} is not a run directory: it has no {MANIFEST}")
        refuse_ways_out(run.path)
        run.manifest()
        return run

    def refuse_in_use(self) -> None:
        """Raises FileExistsError unless the directory is new or empty. Files of a process that died
        before its first commit do not count. Its lock tells them from a user's files."""
        if self.exists():
            raise FileExistsError(
                f"{self.path} already holds a run: resume=auto goes on with it, run= names another"
            )
        free = not self.path.exists()
        if self.path.is_dir():
            found = {path.name for path in self.path.iterdir()} - {LOCK}
            left = {path.relative_to(self.path).parts[0] for path in self._unnamed({})}
            free = not found or ((self.path / LOCK).is_file() and found <= left)
        if not free:
            raise FileExistsError(f"{self.path} is in use: name another directory by run=")

    def locked(self) -> AbstractContextManager[None]:
        """Locks the run, as ``directory_lock.locked`` does."""
        return locked(self.path)

    def sweep(self) -> None:
        """Deletes files of training that the manifest does not name: a killed process left them."""
        for path in self._unnamed(self.manifest()["files"]):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        with suppress(OSError):
            (self.path / TESTS).rmdir()  # if it is empty

    def _unnamed(self, files: dict[str, str]) -> list[Path]:
        named = {self.path / name for name in files}
        named |= {path.parent for path in named}
        return [p for pattern in _WRITTEN for p in self.path.glob(pattern) if p not in named]

    def exists(self) -> bool:
        """Whether a run has begun here."""
        return (self.path / MANIFEST).is_file()

    def manifest(self) -> dict[str, Any]:
        """Reads the manifest; it is empty before the first commit."""
        path = self.path / MANIFEST
        if self._new:
            nothing = dict.fromkeys(("serving", "serving_kind", "checkpoint", "config"))
            return {"format_version": FORMAT_VERSION, **nothing, "files": {}}
        manifest = read_json(path)
        if not isinstance(manifest, dict) or not {"format_version", "files"} <= manifest.keys():
            raise ValueError(f"{path} is damaged: it names no format_version and no files")
        if (version := manifest["format_version"]) not in _READABLE or type(version) is not int:
            readable = " and ".join(map(str, _READABLE))
            raise ValueError(
                f"{path} has format_version {shown(version)}, this version of nmt reads {readable}"
            )
        for name in _FIELDS.keys() & manifest.keys():
            typed(_FIELDS[name], manifest[name], f"{path} is damaged: {name}")
        nothing = dict.fromkeys(("serving", "serving_kind", "checkpoint"))
        return {**nothing, "config": _CONFIG_OF_FORMAT_1, **manifest}

    def add_file(self, name: str) -> None:
        """Records a complete file, named relative to the run, with the next commit."""
        path = self._inside(name)
        self._added[name] = sha256_file(path)
        sync(path)
        while path != self.path:
            path = path.parent
            sync(path)
        self._dropped.discard(name)

    def drop(self, name: str) -> None:
        """Removes a file, or a directory and its files, from the manifest with the next commit,
        and deletes it after that."""
        self._inside(name)
        self._dropped.add(name)

    def commit(self, **changes: Any) -> None:
        """Replaces the manifest by one with these fields changed and files added and dropped."""
        manifest = self.manifest() | self._changes | changes | {"format_version": FORMAT_VERSION}
        manifest["files"] = {
            name: digest
            for name, digest in (manifest["files"] | self._added).items()
            if not any(name == gone or name.startswith(f"{gone}/") for gone in self._dropped)
        }
        self._replace_manifest(manifest)
        for path in map(self._inside, self._dropped):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        self._changes.clear()
        self._added.clear()
        self._dropped.clear()

    def _replace_manifest(self, manifest: dict[str, Any]) -> None:
        text = json.dumps(manifest, indent=2, ensure_ascii=False)
        replace_text(self.path / MANIFEST, f"{text}\n")
        self._new = False

    def verified(self, name: str, most: int | None = None) -> Path:
        """The path of a recorded file whose content has the recorded sha256, of at most that many
        bytes."""
        recorded, manifest = self.manifest()["files"].get(name), self.path / MANIFEST
        path = self._inside(name)
        if recorded is None:
            raise ValueError(f"{path} is not recorded in {manifest}")
        if not path.is_file():
            raise FileNotFoundError(f"{path} is missing, though {manifest} names it")
        if most is not None:
            check_size(path, most)
        if sha256_file(path) != recorded:
            raise ValueError(
                f"{path} is damaged or was changed: its sha256 is not the one in {manifest}"
            )
        return path

    def serving(self) -> Path:
        """The verified weights to translate with. Raises ValueError before there are any."""
        name = self.manifest().get("serving")
        if not name:
            raise ValueError(
                f"{self.path} has no trained model yet: its training has not come to its first "
                f"validation; nmt-train with resume=auto goes on with it"
            )
        return self.verified(name)

    def config(self) -> dict[str, Any]:
        """Reads the resolved config that the run was trained with, after verifying it."""
        name = self.manifest()["config"]
        if not name:
            raise ValueError(f"{self.path / MANIFEST} is damaged: it names no config")
        path = self.verified(name, MOST_YAML)
        config = read_yaml(path)
        if not isinstance(config, dict):
            raise ValueError(f"{path} must be a mapping of options, got {shown(config)}")
        if unknown := [key for key in config if key not in SECTIONS]:
            known = ", ".join(SECTIONS)
            raise ValueError(
                f"{path} has an unknown section {shown(unknown[0])}: known are {known}"
            )
        for key in config.keys() - {"seed"}:
            typed(dict[str, Any], config[key], f"{path}: {key}")
        return config_of_today(config)

    def section(self, name: str) -> dict[str, Any]:
        """A section of the config, which is read once. Raises ValueError where it is missing."""
        if self._config is None:
            self._config = self.config()
        if not (section := self._config.get(name)):
            raise ValueError(f"{self.path}: its config has no section {name}")
        return dict(section)

    def write_config(self, config: dict[str, Any]) -> None:
        """Writes the resolved config; the next commit records it."""
        text = yaml.dump(config, Dumper=_WithoutAliases, sort_keys=False, allow_unicode=True)
        name = f"config-{fingerprint([text])[:12]}.yaml"
        before = self.manifest()["config"]
        if before not in (None, name):
            self.drop(before)
        replace_text(self.path / name, text)
        self.add_file(name)
        self._changes["config"] = name
        self._config = None

    def write_test_set(self, name: str, src: Sequence[str], tgt: Sequence[str]) -> None:
        """Writes a test set; the next commit records it. Raises ValueError for a bad name."""
        check_test_name(name)
        (self.path / TESTS).mkdir(exist_ok=True)
        for side, lines in (("src", src), ("tgt", tgt)):
            file = f"{TESTS}/{name}.{side}"
            replace_text(self.path / file, "".join(f"{line}\n" for line in lines))
            self.add_file(file)

    def test_sets(self) -> list[str]:
        """The names of the test sets, in the order in which they were written."""
        files = map(PurePosixPath, self.manifest()["files"])
        return [file.stem for file in files if file.match(f"{TESTS}/*.src")]

    def test_set(self, name: str) -> tuple[list[str], list[str]]:
        """Reads the sources and references of a test set, exactly as they were written. Raises
        ValueError for an unknown name, listing the known ones."""
        names = self.test_sets()
        if name not in names:
            raise ValueError(
                f"{self.path} was trained beside the test sets {', '.join(names) or '(none)'}, "
                f"not {name}; other text is given by source= and reference="
            )
        src, tgt = (self._test_lines(f"{TESTS}/{name}.{side}") for side in ("src", "tgt"))
        if len(src) != len(tgt):
            raise ValueError(f"{self.path}: test set {name} has other lines on its two sides")
        return src, tgt

    def _test_lines(self, name: str) -> list[str]:
        path = self.verified(name)
        try:
            # A line ends at "\n" and nowhere else, so str.splitlines would be wrong.
            return path.read_bytes().decode("utf-8").split("\n")[:-1]
        except UnicodeDecodeError as error:
            raise ValueError(f"{path} is no UTF-8: {error}") from error

    def _inside(self, name: str) -> Path:
        """The path of a file. Raises ValueError for a name that leads out of the run."""
        parts = PurePosixPath(name).parts
        if not parts or ".." in parts or PurePosixPath(name).is_absolute():
            raise ValueError(f"{self.path}: {name!r} does not name a file in the run")
        return self.path.joinpath(*parts)


class _WithoutAliases(yaml.SafeDumper):
    """Writes a part that two sections share twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True
