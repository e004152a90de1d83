"""Where the configs lie, what can be chosen from them and what their comments say."""

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from typing import Any

import yaml


def shipped_configs() -> Path:
    """The directory of the configs, absolute."""
    return shipped("configs")


def shipped(name: str) -> Path:
    """The absolute path of a shipped directory such as ``data/demo``."""
    package = Path(__file__).resolve().parents[1]
    for root in (package, package.parent):
        if (root / name).is_dir():
            return root / name
    raise FileNotFoundError(f"nmt is installed without its {name}: install it again")


_OPTION = re.compile(r"^(?P<indent> *)(?P<name>[\w-]+):")
_COMMENT = re.compile(r"(?:^|\s)#\s+(.*)$")


class ConfigFiles:
    """The configs that ship with nmt and, where ``own`` names a directory, the user's beside them.

    ValueError if one of the user's has the place of a shipped one: Hydra would pass it over.
    """

    def __init__(self, own: str | None = None) -> None:
        self._roots = [shipped_configs()]
        if own is not None:
            self._roots.append(Path(own))
            for path in self._roots[1].rglob("*.yaml"):
                name = path.relative_to(self._roots[1])
                if (self._roots[0] / name).exists():
                    raise ValueError(
                        f"{path} has the name of a config that ships with nmt and would never be "
                        f"read: call it otherwise than {name}"
                    )

    def groups(self, config_name: str) -> list[str]:
        """The groups in a primary config's defaults list, in order."""
        return [group for entry in self._defaults(config_name) for group in _keys(entry)]

    def subgroups(self, group: str) -> list[str]:
        """The groups within a group, such as model/attention: what its configs choose from."""
        inner = (name for name in self._chosen_from if name.startswith(f"{group}/"))
        return sorted(name for name in inner if self.choices(name))

    def choices(self, group: str) -> list[str]:
        """What may be said for a group: its own configs first, then those in its folders."""
        found = set()
        for root in self._roots:
            for path in (root / group).rglob("*.yaml"):
                name = path.relative_to(root / group).with_suffix("").as_posix()
                folder = f"{group}/{name}".rpartition("/")[0]
                if folder == group or folder not in self._chosen_from:
                    found.add(name)
        return sorted(found, key=lambda name: (name.count("/"), name))

    def parted(self, path: str) -> tuple[str, str]:
        """The group and the choice that make a path: model/small/x is x in no group of its own."""
        group, _, choice = path.rpartition("/")
        while "/" in group and group not in self._chosen_from:
            group, _, folder = group.rpartition("/")
            choice = f"{folder}/{choice}"
        return group, choice

    def comments(self, name: str, package: str) -> dict[str, str]:
        """option -> the comment behind it, for a config and those that it extends.

        package: where its options stand: data for data/tsv, nothing for a primary config. What a
        config says of itself at its top is said of the class that it names.
        """
        comments: dict[str, str] = {}
        for other, there in self._extended(name, package) if package else []:
            comments |= self.comments(other, there)
        text, prefix = self._read(name), f"{package}." if package else ""
        heading = takewhile(lambda line: line.startswith("#"), text.splitlines())
        comments[f"{prefix}_target_"] = " ".join(line.lstrip("# ") for line in heading)
        return comments | {prefix + path: said for path, said in _comments(text)}

    def _extended(self, name: str, package: str) -> Iterator[tuple[str, str]]:
        """The configs, with their packages, that one of a group names in its defaults list."""
        folder = name.rpartition("/")[0]
        for entry in self._defaults(name):
            if isinstance(entry, dict):
                for group, choice in zip(_keys(entry), entry.values(), strict=True):
                    if not group.startswith("/"):
                        yield f"{folder}/{group}/{choice}", f"{package}.{group}"
            elif entry != "_self_":
                path = entry.partition("@")[0]
                yield path[1:] if path.startswith("/") else f"{folder}/{path}", package

    def _read(self, name: str) -> str:
        for root in self._roots:
            if (path := root / f"{name}.yaml").is_file():
                return path.read_text(encoding="utf-8")
        raise FileNotFoundError(f"{name}.yaml is in none of {', '.join(map(str, self._roots))}")

    def _defaults(self, name: str) -> list[Any]:
        """Nothing where a config is no YAML: whoever chooses it is told by Hydra."""
        try:
            values = yaml.safe_load(self._read(name))
        except yaml.YAMLError:
            return []
        return (values.get("defaults") or []) if isinstance(values, dict) else []

    @cached_property
    def _chosen_from(self) -> set[str]:
        """The groups that some config of a group has in its defaults list."""
        found = set()
        for root in self._roots:
            for path in root.rglob("*/*.yaml"):
                name = path.relative_to(root).with_suffix("").as_posix()
                for entry in self._defaults(name):
                    for key in _keys(entry):
                        absolute = key.startswith("/")
                        found.add(key[1:] if absolute else f"{name.rpartition('/')[0]}/{key}")
        return found


def _keys(entry: object) -> Sequence[str]:
    """The groups that an entry of a defaults list chooses from: {"override a@b: c"} -> ["a"]."""
    if not isinstance(entry, dict):
        return []
    return [str(key).removeprefix("override ").partition("@")[0] for key in entry]


def _comments(text: str) -> Iterator[tuple[str, str]]:
    """(option, comment) by the option's dotted name: what stands behind it, and in indented lines
    below it that hold nothing else."""
    above: list[tuple[int, str]] = []
    option, said = "", ""
    for line in [*text.splitlines(), "end:"]:
        comment = _COMMENT.search(line)
        if comment and line[0] == " " and not line[: comment.start()].strip():
            said += f" {comment[1]}"
        elif found := _OPTION.match(line):
            if said:
                yield option, said.strip()
            indent = len(found["indent"])
            above = [(depth, name) for depth, name in above if depth < indent]
            above.append((indent, found["name"]))
            option = ".".join(name for _, name in above)
            said = comment[1] if comment else ""
