"""Reads JSON and YAML that anybody may have written: plain values only, at a cost that is bounded.

Every ValueError names the file. A file that is too long is not read, one that is nested too deeply
is not read to its end.
"""

import json
import math
import os
import stat
import types
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

import yaml

MOST_JSON = 4 * 2**20  # bytes
MOST_YAML = 2**18
MOST_DEPTH = 60
MOST_DIGITS = 40
_SHOWN = 200  # characters of a value in a message


def read_limited(path: Path, most: int) -> bytes:
    """The content of a regular file of at most that many bytes; ValueError for any other."""
    check_size(path, most)
    with open(path, "rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"{path} grows while it is read")
    return content


def check_size(path: Path, most: int) -> None:
    """ValueError unless this is a regular file of at most that many bytes."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise ValueError(f"{path} is no file")
    if found.st_size > most:
        raise ValueError(
            f"{path} has {found.st_size:,} bytes, where at most {most:,} can be meant: "
            f"it is damaged or no such file"
        )


def refuse_ways_out(directory: Path) -> None:
    """ValueError for what would lead reading or writing out of a directory, or wait for ever: links
    to elsewhere, pipes, devices."""
    places = [directory]
    while places:
        with suppress(FileNotFoundError):  # a training that goes on there has deleted it
            for found in os.scandir(places.pop()):
                if found.is_dir(follow_symlinks=False):
                    places.append(Path(found))
                elif not found.is_file(follow_symlinks=False):
                    refuse_way_out(Path(found), directory)


def refuse_way_out(path: Path, directory: Path) -> None:
    """ValueError for a path in a directory that leads elsewhere, or is neither a file nor a
    directory. One that leads nowhere is left to whoever reads it."""
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(directory)):
        raise ValueError(
            f"{path} is a link that leads out of {directory}: put what it leads to there"
        )
    with suppress(OSError):  # it is gone, or a link to itself
        mode = path.stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise ValueError(f"{path} is neither a file nor a directory: delete it")


def read_json(path: Path, most: int = MOST_JSON) -> Any:
    """The value in a file of JSON. Numbers are finite, and no key stands twice in a mapping."""
    with _json_errors(path):
        return _DECODER.decode(read_limited(path, most).decode("utf-8"))


def read_json_lines(path: Path, most: int = MOST_JSON) -> list[Any]:
    """The value of each line in a file of JSON lines, such as a log."""
    with _json_errors(path):
        text = read_limited(path, most).decode("utf-8")
        return [_DECODER.decode(line) for line in text.splitlines()]


@contextmanager
def _json_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except RecursionError:
        raise ValueError(f"{path} is damaged: it is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is damaged: it is no JSON ({error})") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is damaged: it is no UTF-8 ({error})") from error
    except _NotPlain as error:
        raise ValueError(f"{path} is damaged: {error}") from error


def read_yaml(path: Path, most: int = MOST_YAML) -> Any:
    """The value in a file of YAML: mappings, lists, text, numbers, true, false and null. There are
    no tags, no aliases and no merged keys, so it is as large as the file."""
    try:
        text = read_limited(path, most).decode("utf-8")
        _check_events(text)
        return yaml.load(text, _PlainLoader)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not plain YAML: it is no UTF-8 ({error})") from error
    except (_NotPlain, yaml.YAMLError) as error:
        raise ValueError(f"{path} is not plain YAML: {' '.join(str(error).split())}") from error


class _NotPlain(ValueError):
    """A value that the files here never hold."""


def _mapping(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _NotPlain(f"the key {shown(next(k for k in keys if keys.count(k) > 1))} stands twice")
    return mapping


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise _NotPlain(f"{shown(text)} is no finite number")
    return number


def _integer(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise _NotPlain(f"a number has {len(text):,} digits")
    return int(text)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_mapping, parse_constant=_finite, parse_float=_finite, parse_int=_integer
)


def _check_events(text: str) -> None:
    """_NotPlain for what would grow, or take long, when it is loaded."""
    depth = 0
    for event in yaml.parse(text, _Base):
        if isinstance(event, yaml.AliasEvent):
            raise _NotPlain(f"it repeats a part by *{shown(event.anchor)}")
        if tag := getattr(event, "tag", None):
            raise _NotPlain(f"it has the tag {shown(tag)}")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MOST_DEPTH:
            raise _NotPlain("it is nested too deeply")


_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The one in C is ten times as fast."""


class _PlainLoader(_Base):  # type: ignore[misc]  # chosen at run time: C or Python
    """Makes the types of JSON, and nothing that is missing below."""

    yaml_constructors: dict[str | None, Any] = {}  # noqa: RUF012 (PyYAML looks for it here)

    def mapping(self, node: yaml.MappingNode) -> dict[Any, Any]:
        found = {}
        for key_node, value in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, dict | list) or key in found:
                raise _NotPlain(f"the key {shown(key)} stands twice, or is no key")
            found[key] = self.construct_object(value, deep=True)
        return found

    def sequence(self, node: yaml.SequenceNode) -> list[Any]:
        return [self.construct_object(each, deep=True) for each in node.value]

    def number(self, node: yaml.ScalarNode) -> Any:
        if len(node.value) > MOST_DIGITS:
            raise _NotPlain(f"a number has {len(node.value):,} digits")
        whole = node.tag.endswith(":int")
        return self.construct_yaml_int(node) if whole else self.construct_yaml_float(node)

    def other(self, node: yaml.Node) -> Any:
        raise _NotPlain(f"{shown(node.value)} is of the type {node.tag.rpartition(':')[2]}")


for _name, _construct in {
    "null": _PlainLoader.construct_yaml_null,
    "bool": _PlainLoader.construct_yaml_bool,
    "str": _PlainLoader.construct_yaml_str,
    "int": _PlainLoader.number,
    "float": _PlainLoader.number,
    "seq": _PlainLoader.sequence,
    "map": _PlainLoader.mapping,
}.items():
    _PlainLoader.yaml_constructors[f"tag:yaml.org,2002:{_name}"] = _construct
_PlainLoader.yaml_constructors[None] = _PlainLoader.other


def shown(value: object) -> str:
    """A value for a message: quoted, and cut if it is long."""
    text = repr(value if not isinstance(value, str | bytes) else value[:_SHOWN])
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def typed(kind: Any, value: Any, name: str) -> Any:
    """``value``, checked to have a type as annotations give it. Dataclasses are made from mappings
    and tuples from lists, as JSON has them; others stay as they are.

    kind: bool, int (of 64 bits), float, str, None, unions of them, list[…], tuple[…],
        Mapping[str, …], dict[str, …], dataclasses of these, Any.
    name: of the value, for messages.

    Raises ValueError for a value of another type, a field that is missing and one too many.
    """
    origin, of = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if origin in (Union, types.UnionType):
        return _one_typed(of, value, name)
    if kind is int and type(value) is int and abs(value) < 2**63:
        return value
    if kind is float and (type(value) is float or (type(value) is int and abs(value) < 2**63)):
        return value
    if kind in (bool, str, type(None)) and type(value) is kind:
        return value
    if is_dataclass(kind) and isinstance(value, Mapping):
        return _made(kind, value, name)
    if origin in (dict, Mapping) and isinstance(value, dict):
        if strange := [key for key in value if not isinstance(key, str)]:
            raise ValueError(f"{name} has a key {shown(strange[0])} that is no text")
        return {key: typed(of[1], each, f"{name}.{key}") for key, each in value.items()}
    if origin in (list, tuple) and isinstance(value, list | tuple):
        kinds = [of[0]] * len(value) if origin is list or of[1:] == (...,) else of
        if len(kinds) == len(value):
            each = (typed(k, v, f"{name}[{i}]") for i, (k, v) in enumerate(zip(kinds, value)))  # noqa: B905 (as long)
            return origin(each)
    wanted = getattr(kind, "__name__", kind) if origin is None else kind
    raise ValueError(f"{shown(name)[1:-1]} must be of the type {wanted}, got {shown(value)}")


def _one_typed(kinds: Sequence[Any], value: Any, name: str) -> Any:
    """The value as the first of the kinds that it fits."""
    if value is None and type(None) in kinds:
        return None
    *others, last = [kind for kind in kinds if kind is not type(None)]
    for kind in others:
        try:
            return typed(kind, value, name)
        except ValueError:
            continue
    return typed(last, value, name)


def _made(kind: Any, values: Mapping[str, Any], name: str) -> Any:
    hints = get_type_hints(kind)
    known = {field.name: field for field in fields(kind) if field.init}
    if unknown := [key for key in values if key not in known]:
        raise ValueError(f"{name} has no {shown(unknown[0])}")
    for key, field in known.items():
        needed = field.default is MISSING and field.default_factory is MISSING
        if needed and key not in values:
            raise ValueError(f"{name} lacks {key!r}")
    return kind(**{key: typed(hints[key], each, f"{name}.{key}") for key, each in values.items()})
