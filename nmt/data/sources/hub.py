"""Data sets of the Hugging Face hub, or in directories laid out like them."""

import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
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


class HubSource(PairSource):
    """One split of a data set, through ``datasets.load_dataset``.

    name: on the hub, or a directory. config, revision: None takes the data set's own default.
    split: a name or, unless ``streaming``, a slice of one such as "train[:1000]".
    streaming: read over the network row by row instead of keeping a copy.

    Raises FileNotFoundError for a name that is neither.
    """

    def __init__(
        self,
        *,
        name: str,
        config: str | None,
        revision: str | None,
        split: str,
        streaming: bool,
        columns: Columns,
        most: int | None = None,
    ) -> None:
        directory = Path(name).expanduser()
        self._local = directory.is_dir()
        if not self._local and not _HUB_NAME.fullmatch(name):
            raise FileNotFoundError(f"name={name}: no such directory, and no name on the hub")
        self._name = str(directory) if self._local else name
        self._config = config
        self._revision = revision
        self._split = split
        self._streaming = streaming
        self._columns = columns
        self._most = most

    def rows(self) -> Iterator[tuple[object, object]]:
        batches = self._dataset.with_format("arrow").iter(_BATCH_ROWS)
        rows = batch_rows(batches, self._columns, self._described, self.place, self._worded)
        yield from islice(rows, self._most)

    def place(self, row: int) -> str:
        return f"{self._described}, row {row}"

    def identity(self) -> dict[str, Any]:
        content: dict[str, Any]
        if self._local:  # not the id, which holds paths and times
            content = {"config": self._builder.config.name, "files": self._local_files}
        else:  # the hash is the revision's commit
            content = {
                "name": self._name,
                "config": self._builder.config_id,
                "revision": self._builder.hash,
            }
        return {
            "format": "hub",
            **content,
            "split": self._split,
            "columns": list(self._columns),
            "most": self._most,
        }

    def size(self) -> int | None:
        if self._streaming:
            split = (self._builder.info.splits or {}).get(self._split)
            rows = split.num_examples if split else None
        else:
            rows = len(self._dataset)
        return at_most(rows, self._most)

    @cached_property
    def _builder(self) -> Any:
        """What knows the data set without having fetched it."""
        with self._worded():
            return datasets.load_dataset_builder(self._name, self._config, revision=self._revision)

    @cached_property
    def _dataset(self) -> Any:
        if not sys.stderr.isatty():
            datasets.disable_progress_bars()
        copy = self._cache if self._local else None
        with self._worded():
            return datasets.load_dataset(
                self._name,
                self._config,
                split=self._split,
                revision=self._revision,
                streaming=self._streaming,
                cache_dir=copy,
            )

    @property
    def _cache(self) -> str:
        """Where the copy of a directory's data is kept.

        By content: left alone, ``datasets`` goes on reading its old copy after a file has changed,
        and takes two directories of one name for one.
        """
        digest = sha256(repr(self._local_files).encode()).hexdigest()
        return str(Path(datasets.config.HF_DATASETS_CACHE) / f"directory-{digest[:32]}")

    @cached_property
    def _local_files(self) -> dict[str, list[str]]:
        """split -> sha256 of each of its files, for a directory."""
        files = self._builder.config.data_files or {}
        return {str(split): list(map(_digest, files[split])) for split in sorted(files, key=str)}

    @property
    def _described(self) -> str:
        return " ".join(filter(None, (self._name, self._config, self._split)))

    @contextmanager
    def _worded(self) -> Iterator[None]:
        """ValueError, naming the data set, for whatever goes wrong inside ``datasets``, which lets
        through errors of many libraries, such as that the network or the data set is not there."""
        try:
            yield
        except Exception as error:
            cause = f": {error.__cause__}" if error.__cause__ else ""
            raise ValueError(f"cannot load {self._described}: {error}{cause}") from error


def _digest(file: str) -> str:
    """sha256 of a file; of one elsewhere, which a directory's README.md may name, the address."""
    path = Path(file)
    if not path.is_file():
        return file
    status = path.stat()
    return _digest_as_of(path, status.st_size, status.st_mtime_ns)


@cache
def _digest_as_of(path: Path, size: int, changed: int) -> str:
    """Once for all the parts of a corpus, each of which asks for the whole data set's."""
    return scan(path).sha256
