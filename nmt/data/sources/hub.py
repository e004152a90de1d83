"""Data sets of the Hugging Face hub, and directories laid out like them."""

import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

import datasets

from nmt.data.sources.arrow_formats import batch_rows
from nmt.data.sources.pair_source import Columns, PairSource, at_most, scan

_BATCH_ROWS = 1000
_HUB_NAME = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?", re.ASCII)

for _library in ("datasets", "huggingface_hub"):
    logging.getLogger(_library).propagate = False  # they write to stderr themselves


@dataclass(kw_only=True)
class HubSource(PairSource):
    """One split of a data set, read by ``datasets.load_dataset``.

    name: of the data set on the hub, or a directory.
    config, revision: None takes the data set's own default.
    split: a name or, unless ``streaming``, a slice of one such as "train[:1000]".
    streaming: read row by row over the network and keep no copy.
    most: the greatest number of rows to read; None reads all.

    Raises FileNotFoundError for a name that is neither.
    """

    name: str
    config: str | None
    revision: str | None
    split: str
    streaming: bool
    columns: Columns
    most: int | None = None

    def __post_init__(self) -> None:
        directory = Path(self.name).expanduser()
        self._local = directory.is_dir()
        if self._local:
            self.name = str(directory)
        elif not _HUB_NAME.fullmatch(self.name):
            raise FileNotFoundError(f"name={self.name}: no such directory, and no name on the hub")

    def rows(self) -> Iterator[tuple[object, object]]:
        batches = self._dataset.with_format("arrow").iter(_BATCH_ROWS)
        rows = batch_rows(batches, self.columns, self._described, self.place, self._worded)
        yield from islice(rows, self.most)

    def place(self, row: int) -> str:
        return f"{self._described}, row {row}"

    def identity(self) -> dict[str, Any]:
        builder = self._builder
        content: dict[str, Any]
        if self._local:  # builder.config_id would hold paths and times
            content = {"config": builder.config.name, "files": self._local_files}
        else:  # builder.hash is the revision's commit
            content = {"name": self.name, "config": builder.config_id, "revision": builder.hash}
        return {
            "format": "hub",
            **content,
            "split": self.split,
            "columns": list(self.columns),
            "most": self.most,
        }

    def size(self) -> int | None:
        if self.streaming:
            split = (self._builder.info.splits or {}).get(self.split)
            return at_most(split.num_examples if split else None, self.most)
        return at_most(len(self._dataset), self.most)

    @cached_property
    def _builder(self) -> Any:
        """Describes the data set without fetching it."""
        with self._worded():
            return datasets.load_dataset_builder(self.name, self.config, revision=self.revision)

    @cached_property
    def _dataset(self) -> Any:
        if not sys.stderr.isatty():
            datasets.disable_progress_bars()
        copy = None
        if self._local:
            # By default ``datasets`` keeps reading its old copy after a file has changed, and
            # confuses two directories of one name: the copy is named by the content instead.
            digest = sha256(repr(self._local_files).encode()).hexdigest()
            copy = str(Path(datasets.config.HF_DATASETS_CACHE) / f"directory-{digest[:32]}")
        with self._worded():
            return datasets.load_dataset(
                self.name,
                self.config,
                split=self.split,
                revision=self.revision,
                streaming=self.streaming,
                cache_dir=copy,
            )

    @cached_property
    def _local_files(self) -> dict[str, list[str]]:
        """split -> sha256 of each of its files, for a directory."""
        files = self._builder.config.data_files or {}
        return {str(split): list(map(_digest, files[split])) for split in sorted(files, key=str)}

    @property
    def _described(self) -> str:
        return " ".join(filter(None, (self.name, self.config, self.split)))

    @contextmanager
    def _worded(self) -> Iterator[None]:
        """Turns every error inside ``datasets`` into a ValueError that names the data set: errors
        of many libraries come through, for a missing network as for a missing data set."""
        try:
            yield
        except Exception as error:
            cause = f": {error.__cause__}" if error.__cause__ else ""
            raise ValueError(f"cannot load {self._described}: {error}{cause}") from error


def _digest(file: str) -> str:
    """The sha256 of a file."""
    path = Path(file)
    if not path.is_file():
        return file  # an address in the README.md of the directory
    status = path.stat()
    return _digest_as_of(path, status.st_size, status.st_mtime_ns)


@cache
def _digest_as_of(path: Path, size: int, changed: int) -> str:
    """Computed once for all parts of a corpus, as each asks for the files of all splits."""
    return scan(path).sha256
