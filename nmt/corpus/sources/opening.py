"""From the ``data`` section of a config to the parts of the corpus that it names."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nmt import checks
from nmt.corpus.reading import as_paths, paired_paths
from nmt.corpus.sources.base import PairSource
from nmt.corpus.sources.files import TextSource

_COLUMNS = ("src_column", "tgt_column")
_OPTIONS: dict[str, tuple[str, ...]] = {
    "text": (),
    "tsv": (*_COLUMNS, "columns"),
    "jsonl": _COLUMNS,
    "parquet": _COLUMNS,
    "hub": (*_COLUMNS, "name", "config", "revision", "streaming"),
}
"""format -> the options that it has besides those of every format."""

_COMMON = (
    *("format", "src_lang", "tgt_lang", "train", "valid", "tests"),
    *("cleaning", "max_pairs", "cache", "dir"),
)


def open_source(data: Mapping[str, Any], part: str) -> PairSource:
    """One part of the corpus: "train", "valid" or "tests.NAME". Nothing is read yet.

    data: the ``data`` section, see configs/data. ``max_pairs`` holds for training pairs only.

    Raises ValueError for an option that is missing, unknown or wrong.
    """
    kind = checks.one_of("data.format", str(data.get("format")), _OPTIONS)
    checks.known_options("data", data, [*_COMMON, *_OPTIONS[kind]])
    spec = _part(data, part)
    most = data.get("max_pairs") if part == "train" else None
    if most is not None:
        checks.positive_int("data.max_pairs", most)
    if kind == "text":
        return _open_text(part, spec, most)
    raise NotImplementedError(kind)


def absolute(data: Mapping[str, Any]) -> dict[str, Any]:
    """The section with every path made absolute, so that it holds in other directories too."""
    found = dict(data)
    kind = checks.one_of("data.format", str(data.get("format")), _OPTIONS)
    if kind == "hub":
        path = Path(str(data.get("name"))).expanduser()
        return found | ({"name": str(path.absolute())} if path.is_dir() else {})
    for part in ("train", "valid", "tests"):
        if part in found:
            found[part] = _absolute(found[part])
    return found


def _absolute(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _absolute(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_absolute(part) for part in value]
    if isinstance(value, str | Path):
        return str(Path(value).expanduser().absolute())
    return value  # a number of pairs to draw


def _part(data: Mapping[str, Any], part: str) -> Any:
    section, _, name = part.partition(".")
    value = data.get(section)
    if name:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _open_text(part: str, spec: Any, most: int | None) -> PairSource:
    if not isinstance(spec, Mapping):
        raise ValueError(
            f"data.{part}.src and data.{part}.tgt must each be a path or a list of paths,"
            f" got data.{part}={spec!r}"
        )
    checks.known_options(f"data.{part}", spec, ["src", "tgt"])
    src, tgt = (_paths(f"{part}.{side}", spec.get(side)) for side in ("src", "tgt"))
    return TextSource(paired_paths(src, tgt), most)


def _paths(option: str, value: Any) -> list[Path]:
    paths = [value] if isinstance(value, str | Path) else value
    if (
        not isinstance(paths, list | tuple)
        or not paths
        or not all(isinstance(path, str | Path) and str(path) for path in paths)
    ):
        raise ValueError(f"data.{option} must be a path or a list of paths, got {value!r}")
    return as_paths(paths)
