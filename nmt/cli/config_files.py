"""Finds configs and their groups, and writes --help: every option with its config's comment."""

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from typing import Any

import hydra
import yaml
from omegaconf import DictConfig, OmegaConf

from nmt.checks import dotted
from nmt.cli.arguments import overrides, own_configs


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


SHARED = "_"
"""The first letter in the name of a config that others extend and nobody chooses."""

_OPTION = re.compile(r"^(?P<indent> *)(?P<name>[\w-]+):")
_COMMENT = re.compile(r"(?:^|\s)#\s+(.*)$")

_WIDTH = 100
_COLUMN = 40
_FOOTER = """\
-m (--multirun) runs the command once for each combination of values given as a,b,c.
--config-dir DIR adds configs of your own: DIR/model/mine.yaml is model=mine. A class of your own
  that one names by _target_ is imported from the packages in trusted_packages, which are looked
  for in the current directory too.
Tab completion: eval "$({command} -sc install=bash)"; other shells: --hydra-help.
HYDRA_FULL_ERROR=1 shows the traceback of an error."""


class ConfigFiles:
    """The configs that ship with nmt and, where ``own`` names a directory, the user's configs.
    ValueError if one of those has the name of a shipped one: Hydra would never read it."""

    def __init__(self, own: str | None = None) -> None:
        self._roots = [shipped_configs()]
        if own is not None:
            self._roots.append(Path(own))
            for path in Path(own).rglob("*.yaml"):
                name = path.relative_to(own)
                if (self._roots[0] / name).exists():
                    raise ValueError(
                        f"{path} has the name of a config that ships with nmt and would never be "
                        f"read: call it otherwise than {name}"
                    )

    def groups(self, config_name: str) -> list[str]:
        """The groups in a primary config's defaults list, in order."""
        return [group for entry in self._defaults(config_name) for group in _keys(entry)]

    def subgroups(self, group: str) -> list[str]:
        """The groups within a group, from which its configs choose, such as model/attention."""
        inner = (name for name in self._chosen_from if name.startswith(f"{group}/"))
        return sorted(name for name in inner if self.choices(name))

    def choices(self, group: str) -> list[str]:
        """The choices of a group: its own configs first, then those in its folders, without the
        configs that others extend."""
        found = set()
        for root in self._roots:
            for path in (root / group).rglob("*.yaml"):
                name = path.relative_to(root / group).with_suffix("").as_posix()
                folder = f"{group}/{name}".rpartition("/")[0]
                own = folder == group or self.parted(f"{group}/{name}")[0] == group
                if own and not path.name.startswith(SHARED):
                    found.add(name)
        return sorted(found, key=lambda name: (name.count("/"), name))

    def parted(self, path: str) -> tuple[str, str]:
        """The group and the choice in a path: model/small/x is choice small/x of group model."""
        group, _, choice = path.rpartition("/")
        while "/" in group and group not in self._chosen_from:
            group, _, folder = group.rpartition("/")
            choice = f"{folder}/{choice}"
        return group, choice

    def comments(self, name: str, package: str) -> dict[str, str]:
        """option -> its comment, in a config and those that it extends, but not in its choices
        from groups. The comment at the top of a config goes to ``_target_``, the class it names.

        package: the section of the options: "data" for data/tsv, "" for a primary config.
        """
        comments: dict[str, str] = {}
        folder = name.rpartition("/")[0]
        for entry in self._defaults(name):
            if isinstance(entry, str) and entry != "_self_":
                path = entry.partition("@")[0]
                other = path if path.startswith("/") else f"{folder}/{path}"
                comments |= self.comments(other.lstrip("/"), package)
        text, prefix = self._text(name), f"{package}." if package else ""
        heading = takewhile(lambda line: line.startswith("#"), text.splitlines())
        comments[f"{prefix}_target_"] = " ".join(line.lstrip("# ") for line in heading)
        return comments | {prefix + path: said for path, said in _comments(text)}

    def _text(self, name: str) -> str:
        for root in self._roots:
            if (path := root / f"{name}.yaml").is_file():
                return path.read_text(encoding="utf-8")
        raise FileNotFoundError(f"{name}.yaml is in none of {', '.join(map(str, self._roots))}")

    def _defaults(self, name: str) -> list[Any]:
        """A config's defaults list; empty for invalid YAML, which Hydra reports to the user."""
        try:
            config = yaml.safe_load(self._text(name))
        except yaml.YAMLError:
            return []
        return (config.get("defaults") or []) if isinstance(config, dict) else []

    @cached_property
    def _chosen_from(self) -> set[str]:
        """The groups from which configs of other groups choose."""
        found = set()
        for root in self._roots:
            for path in root.rglob("*/*.yaml"):
                name = path.relative_to(root).with_suffix("").as_posix()
                for entry in self._defaults(name):
                    for key in _keys(entry):
                        absolute = key.startswith("/")
                        found.add(key[1:] if absolute else f"{name.rpartition('/')[0]}/{key}")
        return found


def chosen(choices: Mapping[str, str | None]) -> list[tuple[str, str]]:
    """(group, choice) from Hydra's ``runtime.choices``, without Hydra's own groups and without
    experiments, which set options of other groups."""
    return [
        (group, choice)
        for group, choice in choices.items()
        if choice is not None and not group.startswith(("hydra", "experiment"))
    ]


def values(cfg: DictConfig) -> dict[str, Any]:
    """A config as plain values, with interpolations unresolved."""
    plain = OmegaConf.to_container(cfg)
    assert isinstance(plain, dict)
    return {str(name): value for name, value in plain.items()}


def help_text(config_name: str, description: str, arguments: Sequence[str]) -> str:
    """The text of --help, with the options of the configs that ``arguments`` choose."""
    own = own_configs(arguments)
    files = ConfigFiles(own)
    given = overrides(arguments)
    home, other = str(shipped_configs()), own
    if own is not None and (Path(own) / f"{config_name}.yaml").is_file():
        home, other = own, home  # the command itself is the user's
    if other is not None:
        given.append(f"hydra.searchpath=['file://{other}']")
    with hydra.initialize_config_dir(home, version_base="1.3"):
        composed = hydra.compose(config_name, given, return_hydra_config=True)
    cfg = values(composed)
    comments = files.comments(config_name, "")
    for group, choice in chosen(composed.hydra.runtime.choices):
        comments |= files.comments(f"{group}/{choice}", group.replace("/", "."))
    groups = files.groups(config_name)
    top = {name: value for name, value in cfg.items() if name not in [*groups, "hydra"]}
    parts = [top, *({group: cfg[group]} for group in groups if group in cfg)]
    blocks = [
        description.strip(),
        "Options, and their values unless you set them (name=value):",
        *("\n".join(_option(*option, comments) for option in dotted(part)) for part in parts),
    ]
    names = [name for group in groups for name in (group, *files.subgroups(group))]
    if names := [name for name in names if files.choices(name)]:
        lines = [
            _wrapped(f"  {name}=", " | ".join(files.choices(name)), len(name) + 3) for name in names
        ]
        blocks.append("\n".join(["Choices, each a file of options:", *lines]))
    return "\n\n".join([*blocks, _FOOTER.format(command=f"nmt-{config_name}")])


def _option(name: str, value: Any, comments: Mapping[str, str]) -> str:
    written = yaml.safe_dump(value, default_flow_style=True, width=1000).removesuffix("...\n")
    return _wrapped(f"  {name}={written.strip()}  ", meaning(name, comments), _COLUMN)


def meaning(option: str, comments: Mapping[str, str]) -> str:
    """The comment of an option, or of the section that holds it."""
    while option and option not in comments:
        option = option.rpartition(".")[0]
    return comments.get(option, "")


def _wrapped(start: str, text: str, column: int) -> str:
    """``text`` in a column of its own, beside ``start`` if that is short, else below it."""
    lines = textwrap.wrap(text, _WIDTH - column, break_long_words=False, break_on_hyphens=False)
    indent = "\n" + " " * column
    beside = start.ljust(column) if len(start) <= column else start.rstrip() + indent
    return (beside + indent.join(lines)).rstrip()


def _keys(entry: object) -> Sequence[str]:
    """The groups that an entry of a defaults list chooses from: {"override a@b: c"} -> ["a"]."""
    if not isinstance(entry, dict):
        return []
    return [str(key).removeprefix("override ").partition("@")[0] for key in entry]


def _comments(text: str) -> Iterator[tuple[str, str]]:
    """(dotted name, comment) of each option with a comment: behind the option, and on indented
    lines of their own below it."""
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
