"""What training leaves behind and translating starts from: a directory that can be moved.

``manifest.json`` says what counts. Replacing it is the only commit point: a file is written first,
then named in the manifest with its sha256, and what the manifest no longer names is deleted last.
A crash between any two of these leaves the run as it was. A file that may change has the hash of
its content in its name, so that no new one stands in the place of one that still counts.
"""

import fcntl
import json
import logging
import os
import re
import shutil
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any, Self

import yaml

from nmt.checks import OptionError, field
from nmt.files import fingerprint, replace_text, sha256_file, sync

log = logging.getLogger(__name__)

FORMAT_VERSION = 2
_READABLE = (1, 2)
MANIFEST = "manifest.json"
TESTS = "tests"
LOCK = "lock"

_CONFIG_OF_FORMAT_1 = "config.yaml"
_MOVED_CLASSES = {"nmt.search.sample.SampleSearch": "nmt.search.sampling.SampleSearch"}
"""Class paths in the configs of old runs -> where the class is now."""

_WRITTEN = (
    *("checkpoints/*", "model-*.safetensors", "config-*.yaml", "tokenizer*.model", "*.tmp"),
    *(f"{TESTS}/*.src", f"{TESTS}/*.tgt"),
)
"""What training writes and the manifest names. Where it does not, a killed process left it."""

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
    checkpoint (directory of the last one or null); config (its file); files (relative name ->
    sha256); versions; corpora (fingerprints); parameters (their number); training (steps, seconds);
    longest_source (tokens of the longest training source, EOS not counted); init_from (null, or
    the run whose weights were the start: its name and their sha256); averaged (steps of the
    checkpoints whose average was validated at the end).

    The test sets of the data are kept as plain text, a sentence a line: tests/NAME.src and .tgt.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._added: dict[str, str] = {}
        self._dropped: set[str] = set()
        self._changes: dict[str, Any] = {}
        self._new = False

    @classmethod
    def create(cls, path: str | Path) -> Self:
        """A run in a new or empty directory, which begins with its first commit.

        Raises FileExistsError for a directory in use. What a process left that died before its
        first commit is deleted.
        """
        run = cls(path)
        run.refuse_in_use()
        run.path.mkdir(parents=True, exist_ok=True)
        run._new = True
        run.sweep()
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
        if self.path.exists() and not self._is_free():
            raise FileExistsError(f"{self.path} is in use: name another directory by run=")

    def _is_free(self) -> bool:
        """Empty, or holding only what a process left that died before its first commit: its lock
        tells its files from a user's."""
        if not self.path.is_dir():
            return False
        found = {path for path in self.path.iterdir() if path.name != LOCK}
        left = {self.path / path.relative_to(self.path).parts[0] for path in self._unnamed({})}
        return not found or ((self.path / LOCK).is_file() and found <= left)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run, which one process at a time can; the lock ends with the process.

        Raises ValueError naming the process that holds it.
        """
        missing = [place for place in (self.path, *self.path.parents) if not place.exists()]
        self.path.mkdir(parents=True, exist_ok=True)
        lock = self._take_lock()
        try:
            yield
        finally:
            (self.path / LOCK).unlink(missing_ok=True)
            os.close(lock)
            for place in missing:
                with suppress(OSError):  # in use by now
                    place.rmdir()

    def _take_lock(self) -> int:
        """A descriptor of the lock file, locked."""
        path = self.path / LOCK
        while True:
            lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = os.read(lock, 200).decode(errors="replace") or "another process"
                os.close(lock)
                raise ValueError(
                    f"{self.path} is held by {holder}, which trains there: wait for its end, or "
                    f"name another directory by run="
                ) from None
            except OSError as error:
                log.warning("%s: no lock (%s): let no other process train there", path, error)
                return lock
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(lock), path.stat()):
                    os.truncate(lock, 0)
                    os.write(lock, f"process {os.getpid()} on {socket.gethostname()}".encode())
                    return lock
            os.close(lock)  # of a file that its holder has deleted in the meantime

    def sweep(self) -> None:
        """Delete what training wrote and the manifest does not name: a process that was killed
        left it."""
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
        """The manifest as it stands on disk, or an empty one before the first commit."""
        path = self.path / MANIFEST
        if self._new:
            nothing = dict.fromkeys(("serving", "serving_kind", "checkpoint", "config"))
            return {"format_version": FORMAT_VERSION, **nothing, "files": {}}
        try:
            manifest = json.loads(path.read_text(encoding="utf-8"))
            version, files = manifest["format_version"], manifest["files"]
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"{path} is damaged: {error!r}") from error
        if version not in _READABLE:
            raise ValueError(
                f"{path} has format_version {version}, this version of nmt reads "
                f"{' and '.join(map(str, _READABLE))}"
            )
        if not isinstance(files, dict):
            raise ValueError(f"{path} is damaged: files must be a mapping, got {files!r}")
        return {"config": _CONFIG_OF_FORMAT_1, **manifest}

    def add_file(self, name: str) -> None:
        """Record a complete file, named relative to the run, with the next commit."""
        path = self._inside(name)
        self._added[name] = sha256_file(path)
        sync(path)
        while path != self.path:
            path = path.parent
            sync(path)
        self._dropped.discard(name)

    def drop(self, name: str) -> None:
        """Forget a file, or a directory with all in it, and delete it after the next commit."""
        self._inside(name)
        self._dropped.add(name)

    def commit(self, **changes: Any) -> None:
        """Replace the manifest by one with these fields changed and files added and dropped."""
        manifest = self.manifest() | self._changes | changes
        manifest["format_version"] = FORMAT_VERSION
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
        self._changes.clear()
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
        path = self.verified(self.manifest()["config"])
        try:
            config = yaml.safe_load(path.read_text(encoding="utf-8"))
        except yaml.YAMLError as error:
            raise ValueError(f"{path} is not plain YAML: {error}") from error
        if not isinstance(config, dict):
            raise ValueError(f"{path} must be a mapping of options, got {config!r}")
        return {name: _with_classes_of_today(section) for name, section in config.items()}

    def write_config(self, config: dict[str, Any]) -> None:
        """Write the resolved config; recorded with the next commit."""
        text = yaml.safe_dump(config, sort_keys=False, allow_unicode=True)
        name = f"config-{fingerprint([text])[:12]}.yaml"
        before = self.manifest()["config"]
        if before not in (None, name):
            self.drop(before)
        replace_text(self.path / name, text)
        self.add_file(name)
        self._changes["config"] = name

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
        self._new = False


def _with_classes_of_today(value: Any) -> Any:
    """A part of a config, with every class under the name that it has now."""
    if isinstance(value, dict):
        return {key: _with_classes_of_today(inside) for key, inside in value.items()}
    return _MOVED_CLASSES.get(value, value) if isinstance(value, str) else value
