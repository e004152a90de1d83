"""What --help shows: examples, choices, and every option with the comment from its config."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import hydra
import yaml
from omegaconf import OmegaConf

from nmt.checks import dotted
from nmt.cli.arguments import overrides, own_configs
from nmt.cli.config_files import ConfigFiles, shipped_configs

WIDTH = 100
_COLUMN = 40
_FOOTER = """\
-m (--multirun) runs the command once for each combination of values given as a,b,c.
--config-dir DIR adds configs of your own: DIR/model/mine.yaml is model=mine. A class of your own
  that one names by _target_ is imported from the packages in trusted_packages, which are looked
  for in the current directory too.
Tab completion: eval "$({command} -sc install=bash)"; other shells: --hydra-help.
HYDRA_FULL_ERROR=1 shows the traceback of an error."""


def help_text(config_name: str, description: str, arguments: Sequence[str]) -> str:
    """Help for what ``arguments`` choose: ``model=transformer --help`` shows its options."""
    own = own_configs(arguments)
    files = ConfigFiles(own)
    chosen = overrides(arguments)
    if own is not None:
        chosen.append(f"hydra.searchpath=['file://{own}']")
    with hydra.initialize_config_dir(str(shipped_configs()), version_base="1.3"):
        composed = hydra.compose(config_name, chosen, return_hydra_config=True)
    container = OmegaConf.to_container(composed)
    assert isinstance(container, dict)
    cfg = {str(name): value for name, value in container.items() if name != "hydra"}
    comments = files.comments(config_name, "")
    for group, choice in composed.hydra.runtime.choices.items():
        if choice is not None and not group.startswith(("hydra", "experiment")):
            comments |= files.comments(f"{group}/{choice}", group.replace("/", "."))
    groups = files.groups(config_name)
    top = {name: value for name, value in cfg.items() if name not in groups}
    blocks = [
        description.strip(),
        "Options, and their values unless you set them (name=value):",
        *("\n".join(_lines(part, comments)) for part in [top, *_parts(cfg, groups)]),
    ]
    if groups:
        blocks.append("Choices, each a file of options:\n" + "\n".join(_choices(files, groups)))
    return "\n\n".join([*blocks, _FOOTER.format(command=f"nmt-{config_name}")])


def _parts(cfg: Mapping[str, Any], groups: Sequence[str]) -> list[dict[str, Any]]:
    return [{group: cfg[group]} for group in groups if group in cfg]


def _choices(files: ConfigFiles, groups: Sequence[str]) -> Iterator[str]:
    """A line a group, groups within groups included."""
    for group in groups:
        for name in [group, *files.subgroups(group)]:
            yield _wrapped(f"  {name}=", " | ".join(files.choices(name)), len(name) + 3)


def _lines(options: Mapping[str, Any], comments: Mapping[str, str]) -> Iterator[str]:
    for name, value in dotted(options):
        yield _wrapped(f"  {name}={_written(value)}  ", meaning(name, comments), _COLUMN)


def meaning(option: str, comments: Mapping[str, str]) -> str:
    """Its comment, or that of the section in which it stands."""
    while option and option not in comments:
        option = option.rpartition(".")[0]
    return comments.get(option, "")


def _wrapped(start: str, text: str, column: int) -> str:
    """``text`` beside ``start`` where that leaves room, else below it, in a column of its own."""
    lines = textwrap.wrap(text, WIDTH - column, break_long_words=False, break_on_hyphens=False)
    indent = "\n" + " " * column
    beside = start.ljust(column) if len(start) <= column else start.rstrip() + indent
    return (beside + indent.join(lines)).rstrip()


def _written(value: Any) -> str:
    """As it is written on the command line."""
    return yaml.safe_dump(value, default_flow_style=True, width=1000).removesuffix("...\n").strip()
