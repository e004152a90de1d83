"""What --help shows: examples, choices, and every option with the comment from its config."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import hydra
import yaml
from omegaconf import OmegaConf

from nmt import resources
from nmt.cli.arguments import overrides

_COMMENT = re.compile(r"^\s*(\w+):.*?\s#\s+(.*)$", re.MULTILINE)
_FOOTER = """\
-m (--multirun) runs the command once for each combination of values given as a,b,c.
Tab completion: eval "$({command} -sc install=bash)"; other shells: --hydra-help.
HYDRA_FULL_ERROR=1 shows the traceback of an error."""


def help_text(config_name: str, description: str, arguments: Sequence[str]) -> str:
    """Help for what ``arguments`` choose: ``model=transformer --help`` shows its options."""
    with hydra.initialize_config_dir(str(resources.configs()), version_base="1.3"):
        composed = hydra.compose(config_name, overrides(arguments), return_hydra_config=True)
    choices = composed.hydra.runtime.choices
    container = OmegaConf.to_container(composed)
    assert isinstance(container, dict)
    cfg = {str(name): value for name, value in container.items()}
    groups = _groups(config_name)
    top = {name: cfg[name] for name in cfg if name not in (*groups, "hydra")}
    blocks = [
        description.strip(),
        "Options, and their values unless you set them (name=value):",
        "\n".join(_lines(top, _comments(config_name))),
    ]
    for group in groups:
        if group in cfg:
            comments: dict[str, str] = {}
            for name, choice in choices.items():
                if name.split("/")[0] == group:
                    comments |= _comments(f"{name}/{choice}")
            blocks.append("\n".join(_lines({group: cfg[group]}, comments)))
    if groups:
        blocks.append("Choices, each a file of options:\n" + "\n".join(_choices(groups)))
    return "\n\n".join([*blocks, _FOOTER.format(command=f"nmt-{config_name}")])


def _read(name: str) -> str:
    return (resources.configs() / f"{name}.yaml").read_text(encoding="utf-8")


def _groups(config_name: str) -> list[str]:
    """The groups in a primary config's defaults list, in order."""
    defaults = yaml.safe_load(_read(config_name))["defaults"]
    return [group for entry in defaults if isinstance(entry, dict) for group in entry]


def _comments(name: str) -> dict[str, str]:
    """The comment behind each option in a config and in those of its group that it extends."""
    text = _read(name)
    comments: dict[str, str] = {}
    for entry in (yaml.safe_load(text) or {}).get("defaults", []):
        if isinstance(entry, str) and entry != "_self_" and "/" in name:
            comments |= _comments(f"{name.rpartition('/')[0]}/{entry}")
    return comments | dict(_COMMENT.findall(text))


def _choices(groups: Sequence[str]) -> Iterator[str]:
    """A line a group, groups within groups included."""
    for group in groups:
        root = resources.configs() / group
        for directory in [root, *sorted(path for path in root.iterdir() if path.is_dir())]:
            names = sorted(path.stem for path in directory.glob("*.yaml"))
            yield f"  {_name(directory)}={' | '.join(names)}"


def _name(directory: Path) -> str:
    return directory.relative_to(resources.configs()).as_posix()


def _lines(options: Mapping[str, Any], comments: Mapping[str, str]) -> Iterator[str]:
    for name, value in _flat(options):
        option = f"  {name}={_written(value)}"
        comment = comments.get(name.rpartition(".")[2], "")
        yield f"{option:<40} {comment}".rstrip()


def _flat(options: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in options.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _written(value: Any) -> str:
    """As it is written on the command line."""
    return yaml.safe_dump(value, default_flow_style=True, width=1000).removesuffix("...\n").strip()
