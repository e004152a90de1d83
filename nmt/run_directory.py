"""What training leaves behind and translating starts from: a directory that can be moved.

``manifest.json`` says what counts. Replacing it is the only commit point: a file is written first,
then named in the manifest with its sha256, and what the manifest no longer names is deleted last.
A crash between any two of these leaves the run as it was.
"""

import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Self

import yaml

from nmt.checks import OptionError, field
from nmt.files import replace_text, sha256_file, sync

FORMAT_VERSION = 1
MANIFEST = "manifest.json"
CONFIG = "config.yaml"
TESTS = "tests"

_PLAIN_NAME = re.compile(r"[^\W_][\w.+-]*")


def check_test_name(name: str) -> None:
    """ValueError for a name of a test set that a file could not have."""
    if not _PLAIN_NAME.fullmatch(name):
        raise OptionError(
            f"{field('tests')}.{name}: a test set's name is made of letters, digits and _ . + -, "
            f"and starts with a letter or a digit"
        )


class RunDirectory:
    """One run. The manifest's fields are plain JSON:

    format_version; serving (weights file or null) and serving_kind ("best" or "average");
    checkpoint (directory of the last one or null); files (relative name -> sha256); versions;
    corpora (fingerprints); parameters (their number); training (steps, seconds);
    longest_source (tokens of the longest training source, EOS not counted); init_from (null, or
    the run whose weights were the start: its name and their sha256).

    The test sets of the data are kept as plain text, a sentence a line: tests/NAME.src and .tgt.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._added: dict[str, str] = {}
        self._dropped: set[str] = set()

    @classmethod
    def create(cls, path: str | Path) -> Self:
        """Begin a run in a new or empty directory. Raises FileExistsError for one in use."""
        run = cls(path)
        run.refuse_in_use()
        run.path.mkdir(parents=True, exist_ok=True)
        run._replace_manifest(
            {
                "format_version": FORMAT_VERSION,
                "serving": None,
                "serving_kind": None,
                "checkpoint": None,
                "files": {},
            }
        )
        return run

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """A run that exists. Raises FileNotFoundError or ValueError for anything else."""
        run = cls(path)
        if not run.path.exists():
            raise FileNotFoundError(f"{run.path}: there is no such run directory")
        if not run.exists():
            raise ValueError(f"{run.path} is not a run directory: it has no {MANIFEST}")
        run.manifest()
        return run

    def refuse_in_use(self) -> None:
        """FileExistsError unless a run may begin here: in a new or empty directory."""
        if self.exists():
            raise FileExistsError(
                f"{self.path} already holds a run: go on with it by resume=auto, "
                f"or name another directory by run="
            )
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise FileExistsError(f"{self.path} is in use: name another directory by run=")

    def exists(self) -> bool:
        """Whether a run has begun here."""
        return (self.path / MANIFEST).is_file()

    def manifest(self) -> dict[str, Any]:
        """The manifest as it stands on disk."""
        path = self.path / MANIFEST
        try:
            manifest = json.loads(path.read_text(encoding="utf-8"))
            version, files = manifest["format_version"], manifest["files"]
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"{path} is damaged: {error!r}") from error
        if version != FORMAT_VERSION:
            raise ValueError(
                f"{path} has format_version {version}, this version of nmt reads {FORMAT_VERSION}"
            )
        if not isinstance(files, dict):
            raise ValueError(f"{path} is damaged: files must be a mapping, got {files!r}")
        return dict(manifest)

    def add_file(self, name: str) -> None:
        """Record a complete file, named relative to the run, with the next commit."""
        path = self._inside(name)
        self._added[name] = sha256_file(path)
        sync(path)
        sync(path.parent)
        self._dropped.discard(name)

    def drop(self, name: str) -> None:
        """Forget a file, or a directory with all in it, and delete it after the next commit."""
        self._inside(name)
        self._dropped.add(name)

    def commit(self, **changes: Any) -> None:
        """Replace the manifest by one with these fields changed and files added and dropped."""
        manifest = self.manifest() | changes
        files = manifest["files"] | self._added
        manifest["files"] = {
            name: digest for name, digest in files.items() if not self._is_dropped(name)
        }
        self._replace_manifest(manifest)
        for name in self._dropped:
            path = self._inside(name)
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        self._added.clear()
        self._dropped.clear()

    def verified(self, name: str) -> Path:
        """The path of a recorded file, after its content has been compared with its sha256."""
        recorded = self.manifest()["files"].get(name)
        path = self._inside(name)
        if recorded is None:
            raise ValueError(f"{path} is not recorded in {self.path / MANIFEST}")
        if not path.is_file():
            raise FileNotFoundError(f"{path} is missing, though {self.path / MANIFEST} names it")
        if sha256_file(path) != recorded:
            raise ValueError(
                f"{path} is damaged or was changed: its sha256 is not the one in "
                f"{self.path / MANIFEST}"
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
        """The resolved config that the run was trained with, plain and verified."""
        path = self.verified(CONFIG)
        try:
            config = yaml.safe_load(path.read_text(encoding="utf-8"))
        except yaml.YAMLError as error:
            raise ValueError(f"{path} is not plain YAML: {error}") from error
        if not isinstance(config, dict):
            raise ValueError(f"{path} must be a mapping of options, got {config!r}")
        return config

    def write_config(self, config: dict[str, Any]) -> None:
        """Write the resolved config; recorded with the next commit."""
        text = yaml.safe_dump(config, sort_keys=False, allow_unicode=True)
        replace_text(self.path / CONFIG, text)
        self.add_file(CONFIG)

    def write_test_set(self, name: str, src: Sequence[str], tgt: Sequence[str]) -> None:
        """Keep a test set; recorded with the next commit. ValueError unless the name is plain."""
        check_test_name(name)
        (self.path / TESTS).mkdir(exist_ok=True)
        for side, lines in (("src", src), ("tgt", tgt)):
            file = f"{TESTS}/{name}.{side}"
            replace_text(self.path / file, "".join(f"{line}\n" for line in lines))
            self.add_file(file)

    def test_sets(self) -> list[str]:
        """The names of the test sets that are kept, in order."""
        files = self.manifest()["files"]
        found = [name for name in files if name.startswith(f"{TESTS}/") and name.endswith(".src")]
        return [name.removeprefix(f"{TESTS}/").removesuffix(".src") for name in found]

    def test_set(self, name: str) -> tuple[list[str], list[str]]:
        """Sources and references of a test set, as they were when the run was trained.

        Raises ValueError for a name that is not there, saying which are.
        """
        names = self.test_sets()
        if name not in names:
            raise ValueError(
                f"{self.path} was trained beside the test sets {', '.join(names) or '(none)'}, "
                f"not {name}; other text is given by source= and reference="
            )
        return self._lines(f"{TESTS}/{name}.src"), self._lines(f"{TESTS}/{name}.tgt")

    def _lines(self, name: str) -> list[str]:
        """Exactly what was written: a line ends at "\\n" and nowhere else, and loses nothing."""
        return self.verified(name).read_bytes().decode("utf-8").split("\n")[:-1]

    def _inside(self, name: str) -> Path:
        """A name in a manifest is not to lead out of its run."""
        parts = PurePosixPath(name).parts
        if not parts or ".." in parts or PurePosixPath(name).is_absolute():
            raise ValueError(f"{self.path}: {name!r} does not name a file in the run")
        return self.path.joinpath(*parts)

    def _is_dropped(self, name: str) -> bool:
        return any(name == gone or name.startswith(f"{gone}/") for gone in self._dropped)

    def _replace_manifest(self, manifest: dict[str, Any]) -> None:
        replace_text(
            self.path / MANIFEST, json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
        )
