"""Training text that is a list of corpora, each with its format, weight and tag."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nmt import checks
from nmt.checks import OptionError, field
from nmt.data.sources.open_source import FORMATS, check_options, open_source, paths_of
from nmt.data.sources.open_source import absolute as absolute_corpus
from nmt.data.sources.pair_source import PairSource

_SIDES = ("src", "tgt")
_OWN = ("format", "train", "max_pairs", "weight", "tag")
_GREATEST_WEIGHT = 10_000
_EXAMPLE = "{src: FILE, tgt: FILE, weight: 2}"


@dataclass(frozen=True)
class TrainingCorpus:
    """One corpus to learn from.

    name: the option that names it. text: the file or data set, for people. weight: how many times
    an epoch reads each pair, on average. tag: stands before every source, a space between.
    """

    source: PairSource
    name: str = "train"
    text: str = ""
    weight: float = 1.0
    tag: str | None = None

    def tagged(self, src: str) -> str:
        """A source as the model shall see it."""
        return src if self.tag is None else f"{self.tag} {src}"


def is_listed(data: Mapping[str, Any]) -> bool:
    """Whether ``train`` is a list of corpora, rather than one corpus, maybe of several files."""
    train = data.get("train")
    if not isinstance(train, list | tuple):
        return False
    return data.get("format") == "text" or any(isinstance(one, Mapping) for one in train)


def open_train(data: Mapping[str, Any]) -> list[TrainingCorpus]:
    """The corpora to learn from: one unless ``train`` is a list of corpora. Reads nothing yet.

    An entry of the list holds weight, tag, max_pairs, format, the options of the format, and
    ``train``; for text, src and tgt instead. An option that it leaves out is the section's, but
    another format's own options have their defaults.

    Raises ValueError for an option that is missing, unknown or wrong.
    """
    if not is_listed(data):
        return [TrainingCorpus(open_source(data, "train"))]
    check_options(data)
    if not data["train"]:
        raise OptionError(f"{field('train')} is an empty list: name a corpus, such as {_EXAMPLE}")
    return [_opened(data, entry, number) for number, entry in enumerate(data["train"])]


def _opened(data: Mapping[str, Any], entry: Any, number: int) -> TrainingCorpus:
    kind, name = _format(data, entry), f"train[{number}]"
    if not isinstance(entry, Mapping):
        if kind == "text" or not isinstance(entry, str):
            raise OptionError(f"{field(name)} must be a corpus such as {_EXAMPLE}, got {entry!r}")
        entry = {"train": entry}
    sided = isinstance(entry.get("train"), Mapping) or any(side in entry for side in _SIDES)
    if kind == "text" and not sided:
        raise OptionError(
            f"{field(name)} must name its format, such as {{format: tsv, train: FILE}}, or be "
            f"parallel text such as {_EXAMPLE}, got {dict(entry)!r}"
        )
    with _section(name):
        options, opener = FORMATS[checks.one_of("format", kind, FORMATS)]
        sides = _SIDES if kind == "text" else ()
        checks.known_options("", entry, [*_OWN, *options, *sides])
        section = _as_section(data, entry, kind, options)
        most = entry.get("max_pairs", data.get("max_pairs"))
        if most is not None:
            checks.positive_int("max_pairs", most)
        source = _Entry(opener(section, "train", most), name)
        weight = checks.positive("weight", entry.get("weight", 1))
        if weight > _GREATEST_WEIGHT:  # an epoch would not fit into memory, and never end
            raise checks.OptionError(
                f"{checks.field('weight')} must be at most {_GREATEST_WEIGHT:,}, got {weight:g}"
            )
        return TrainingCorpus(source, name, _text(section), weight, _tag(entry.get("tag")))


def _as_section(
    data: Mapping[str, Any], entry: Mapping[str, Any], kind: str, options: Sequence[str]
) -> dict[str, Any]:
    """An entry as a ``data`` section of its own."""
    section = {"src_column": data["src_lang"], "tgt_column": data["tgt_lang"]}
    section |= {"streaming": False, "train": "train" if kind == "hub" else None}
    if kind == data["format"]:
        section |= {option: data[option] for option in options if option in data}
    section |= {**entry, "format": kind}
    section |= {side: data[side] for side in ("src_lang", "tgt_lang")}
    if kind == "text" and (given := [side for side in _SIDES if side in entry]):
        if "train" in entry:
            raise OptionError(f"{field('train')} and {field(given[0])} name text: leave one out")
        section["train"] = {side: list(map(str, paths_of(entry, side))) for side in _SIDES}
    return section


def _format(data: Mapping[str, Any], entry: Any) -> str:
    if isinstance(entry, Mapping):
        if "format" in entry:
            return str(entry["format"])
        if any(side in entry for side in _SIDES):
            return "text"
    return str(data.get("format"))


def _tag(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, str) and value.isprintable() and value.split() == [value]:
        return value
    raise OptionError(f"{field('tag')} must be a word without spaces, such as <web>, got {value!r}")


def _text(section: Mapping[str, Any]) -> str:
    """A short name of a corpus: that of its first file or of its data set."""
    found = section["train"]
    if section["format"] == "hub":
        return " ".join(str(section[key]) for key in ("name", "config") if section.get(key))
    if isinstance(found, Mapping):
        found = found.get("src")
    if isinstance(found, list | tuple):
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        return f"{Path(str(found[0])).name}{more}"
    return Path(str(found)).name


@contextmanager
def _section(name: str) -> Iterator[None]:
    """Puts the name of an entry before those of its fields; the languages are those of all."""
    try:
        with checks.section(name):
            yield
    except OptionError as error:
        message = error.message
        for side in ("src_lang", "tgt_lang"):
            message = message.replace(field(f"{name}.{side}"), field(side))
        raise OptionError(message) from error.__cause__


class _Entry(PairSource):
    """A source whose errors name its place in the list."""

    def __init__(self, source: PairSource, name: str) -> None:
        self._source = source
        self._name = name

    def rows(self) -> Iterator[tuple[object, object]]:
        with _section(self._name):
            yield from self._source.rows()

    def place(self, row: int) -> str:
        with _section(self._name):
            return self._source.place(row)

    def identity(self) -> dict[str, Any]:
        with _section(self._name):
            return self._source.identity()

    def check_unchanged(self) -> None:
        with _section(self._name):
            self._source.check_unchanged()

    def size(self) -> int | None:
        with _section(self._name):
            return self._source.size()


def absolute(data: Mapping[str, Any]) -> dict[str, Any]:
    """The section with every path made absolute, so that it holds in every directory."""
    if not is_listed(data):
        return absolute_corpus(data)
    others = {name: value for name, value in data.items() if name != "train"}
    return {**data, **absolute_corpus(others), "train": [_absolute(data, e) for e in data["train"]]}


def _absolute(data: Mapping[str, Any], entry: Any) -> Any:
    kind = _format(data, entry)
    if not isinstance(entry, Mapping):
        return absolute_corpus({"format": kind, "train": entry})["train"]
    sides = {side: entry[side] for side in _SIDES if side in entry and kind == "text"}
    found = absolute_corpus({**entry, "format": kind} | ({"train": sides} if sides else {}))
    return {**entry, **{name: found[name] for name in entry}, **(found["train"] if sides else {})}
