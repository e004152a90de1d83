"""From the ``data`` section of a config to the parts of the corpus that it names."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from nmt import checks
from nmt.checks import OptionError, field
from nmt.data.sources.pair_source import Columns, PairSource
from nmt.data.sources.text_formats import CsvSource, JsonlSource, TextSource, TsvSource
from nmt.data.text_files import as_paths, paired_paths

if TYPE_CHECKING:
    from nmt.data.sources.unit_formats import UnitsSource

COLUMNS = ("src_column", "tgt_column")
_COMMON = (
    *("format", "src_lang", "tgt_lang", "train", "valid", "tests"),
    *("cleaning", "augment", "curriculum", "lowercase", "max_pairs", "cache", "dir"),
)

Opener: TypeAlias = Callable[[Mapping[str, Any], str, int | None], PairSource]
"""(the ``data`` section, the name of a part, the most rows to read) -> that part."""


def open_source(data: Mapping[str, Any], part: str) -> PairSource:
    """One part of the corpus: "train", "valid" or "tests.NAME". Reads nothing yet.

    data: the ``data`` section, see configs/data. ``max_pairs`` limits training pairs only.

    Raises ValueError for an option that is missing, unknown or wrong.
    """
    opener = check_options(data)
    most = data.get("max_pairs") if part == "train" else None
    if most is not None:
        checks.positive_int("max_pairs", most)
    return opener(data, part, most)


def check_options(data: Mapping[str, Any]) -> Opener:
    """What opens the parts of the section. ValueError for a format or option that is unknown."""
    options, opener = FORMATS[_format(data)]
    checks.known_options("", data, [*_COMMON, *options])
    return opener


def absolute(data: Mapping[str, Any]) -> dict[str, Any]:
    """The section with every path made absolute, so that it holds in every directory."""
    if _format(data) == "hub":
        path = Path(str(data.get("name"))).expanduser()
        return {**data, "name": str(path.absolute())} if path.is_dir() else dict(data)
    parts = {part: _absolute(data[part]) for part in ("train", "valid", "tests") if part in data}
    return {**data, **parts}


def _absolute(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _absolute(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_absolute(part) for part in value]
    if isinstance(value, str | Path):
        return str(Path(value).expanduser().absolute())
    return value  # a number of pairs to draw


def _format(data: Mapping[str, Any]) -> str:
    return checks.one_of("format", str(data.get("format")), FORMATS)


def _part(data: Mapping[str, Any], part: str) -> Any:
    """The option of a part: "tests.NAME" is option NAME of ``tests``."""
    section, _, name = part.partition(".")
    value = data.get(section)
    if not name:
        return value
    return value.get(name) if isinstance(value, Mapping) else None


def columns_of(data: Mapping[str, Any]) -> Columns:
    """The columns that ``src_column`` and ``tgt_column`` name. ValueError unless both are names."""
    return Columns(*(_name(option, data.get(option)) for option in COLUMNS))


def paths_of(data: Mapping[str, Any], part: str) -> list[Path]:
    """The files of a part. ValueError unless the option is a path or a list of paths."""
    return _paths(part, _part(data, part))


def _text(data: Mapping[str, Any], part: str, most: int | None) -> PairSource:
    spec = _part(data, part)
    if not isinstance(spec, Mapping):
        raise OptionError(
            f"{field(part)}.src and {field(part)}.tgt must each be a path or a list of paths,"
            f" got {field(part)}={spec!r}"
        )
    checks.known_options(part, spec, ["src", "tgt"])
    src, tgt = (_paths(f"{part}.{side}", spec.get(side)) for side in ("src", "tgt"))
    return TextSource(paired_paths(src, tgt), most)


def _tsv(data: Mapping[str, Any], part: str, most: int | None) -> PairSource:
    return TsvSource(paths_of(data, part), columns_of(data), _header(data), most)


def _csv(data: Mapping[str, Any], part: str, most: int | None) -> PairSource:
    delimiter = data.get("delimiter", ",")
    delimiter = "\t" if delimiter == "\\t" else delimiter  # as it is written on a command line
    if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n':
        raise OptionError(
            f"{field('delimiter')} must be one character, such as ',' or ';', got {delimiter!r}"
        )
    return CsvSource(paths_of(data, part), columns_of(data), _header(data), delimiter, most)


def _header(data: Mapping[str, Any]) -> list[str] | None:
    """The names of all columns that the option ``columns`` gives, if it does."""
    columns, header = columns_of(data), data.get("columns")
    if header is not None:
        if not isinstance(header, list | tuple):
            raise OptionError(
                f"{field('columns')} must be a list of names such as [en,fr], got {header!r}"
            )
        header = [_name("columns", name) for name in header]
        for option, column in zip(COLUMNS, columns, strict=True):
            if header.count(column) != 1:
                listed = f"{field('columns')}=[{','.join(header)}]"
                raise OptionError(f"{listed} must hold {field(option)}={column} once")
    return header


def _tmx(data: Mapping[str, Any], part: str, most: int | None) -> PairSource:
    from nmt.data.sources.unit_formats import TmxSource

    return _units(TmxSource, data, part, most)


def _xliff(data: Mapping[str, Any], part: str, most: int | None) -> PairSource:
    from nmt.data.sources.unit_formats import XliffSource

    return _units(XliffSource, data, part, most)


def _po(data: Mapping[str, Any], part: str, most: int | None) -> PairSource:
    from nmt.data.sources.unit_formats import PoSource

    return _units(PoSource, data, part, most)


def _units(
    kind: "type[UnitsSource]", data: Mapping[str, Any], part: str, most: int | None
) -> PairSource:
    keep = part == "train"  # other parts are not cleaned
    return kind(paths_of(data, part), columns_of(data), most, keep_missing=keep)


def _opus_zip(data: Mapping[str, Any], part: str, most: int | None) -> PairSource:
    from nmt.data.sources.zip_archives import ZipSource

    return ZipSource(paths_of(data, part), columns_of(data), most)


def _jsonl(data: Mapping[str, Any], part: str, most: int | None) -> PairSource:
    return JsonlSource(paths_of(data, part), columns_of(data), most)


def _parquet(data: Mapping[str, Any], part: str, most: int | None) -> PairSource:
    from nmt.data.sources.arrow_formats import ParquetSource  # loads pyarrow

    return ParquetSource(paths_of(data, part), columns_of(data), most)


def _hub(data: Mapping[str, Any], part: str, most: int | None) -> PairSource:
    from nmt.data.sources.hub import HubSource  # loads datasets, which takes a second

    columns = columns_of(data)
    for option in ("config", "revision"):
        if data.get(option) is not None:
            _name(option, data[option])
    if not isinstance(streaming := data.get("streaming"), bool):
        raise OptionError(f"{field('streaming')} must be true or false, got {streaming!r}")
    return HubSource(
        name=_name("name", data.get("name")),
        config=data.get("config"),
        revision=data.get("revision"),
        split=_name(part, _part(data, part)),
        streaming=streaming,
        columns=columns,
        most=most,
    )


FORMATS: dict[str, tuple[tuple[str, ...], Opener]] = {
    "text": ((), _text),
    "tsv": ((*COLUMNS, "columns"), _tsv),
    "csv": ((*COLUMNS, "columns", "delimiter"), _csv),
    "jsonl": (COLUMNS, _jsonl),
    "parquet": (COLUMNS, _parquet),
    "tmx": (COLUMNS, _tmx),
    "xliff": (COLUMNS, _xliff),
    "po": (COLUMNS, _po),
    "opus_zip": (COLUMNS, _opus_zip),
    "hub": ((*COLUMNS, "name", "config", "revision", "streaming"), _hub),
}
"""format -> its options besides those of every format, and the function that opens it."""


def _name(option: str, value: Any) -> str:
    if isinstance(value, str) and value:
        return value
    hint = " (YAML reads no as false: quote it)" if value is False else ""
    raise OptionError(f"{field(option)} must be a name, got {value!r}{hint}")


def _paths(option: str, value: Any) -> list[Path]:
    paths = [value] if isinstance(value, str | Path) else value
    listed = isinstance(paths, list | tuple) and len(paths) > 0
    if not listed or not all(isinstance(path, str | Path) and str(path) for path in paths):
        raise OptionError(f"{field(option)} must be a path or a list of paths, got {value!r}")
    return as_paths(paths)
