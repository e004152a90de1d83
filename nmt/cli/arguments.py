"""What the command line means before Hydra's grammar has its say."""

import argparse
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from hydra._internal.utils import get_args_parser  # nothing public says which flags Hydra has

OPEN = ("data.tests",)
"""Sections whose names the user makes up."""

ANY_FORM = ("data.valid",)
"""What may be given in another form than a config has it: files, or a number of pairs to draw."""

_HOME = re.compile(r"""(?<=[=\[,"'])~(?=[/,\]]|$)""")


def normalized(arguments: Sequence[str]) -> list[str]:
    """The arguments with ~ expanded at the start of values, and new names let into open sections.

    Not every shell expands ``run=~/x``, and Hydra's grammar has no ~ in values.
    """
    home = str(Path.home())
    expanded = [_HOME.sub(lambda _: home, argument) for argument in arguments]
    return [
        f"++{argument}" if argument.startswith(tuple(f"{name}." for name in OPEN)) else argument
        for argument in expanded
    ]


def overrides(arguments: Sequence[str]) -> list[str]:
    """Those that set options, without Hydra's flags and what follows them."""
    _, rest = _parser().parse_known_args(arguments)
    return [argument for argument in rest if "=" in argument and argument[0] != "-"]


def own_configs(arguments: Sequence[str]) -> str | None:
    """The absolute path of the directory that --config-dir names; FileNotFoundError if there is
    none."""
    flags, _ = _parser().parse_known_args(arguments)
    if flags.config_dir is None:
        return None
    path = Path(flags.config_dir).absolute()
    if not path.is_dir():
        raise FileNotFoundError(f"--config-dir {flags.config_dir}: there is no such directory")
    return str(path)


def with_own_configs(arguments: Sequence[str], completed: str | None) -> list[str]:
    """The arguments, with the --config-dir of the line that a shell asks to complete, if it does:
    Hydra would complete it without.

    completed: that line as it stands so far, None outside of completion.
    """
    flags, _ = _parser().parse_known_args((completed or "").split())
    if flags.config_dir and {"-sc", "--shell-completion"} & set(arguments):
        return [*arguments, "--config-dir", flags.config_dir]
    return list(arguments)


def flags_first(arguments: Sequence[str]) -> list[str]:
    """The same, Hydra's flags before the options: it takes options that flags part for unknown.

    ValueError for what looks like a flag and is none: elsewhere options are written so.
    """
    known, unknown = get_args_parser().parse_known_intermixed_args(arguments)
    if unknown:
        raise ValueError(
            f"{unknown[0]} is no flag: options are written without dashes, as name=value; "
            f"--help lists them"
        )
    flags = list(arguments)
    for option in known.overrides:
        flags.remove(option)
    return [*flags, *known.overrides]


def _parser() -> argparse.ArgumentParser:
    """Of the flags that a value follows which may hold a =."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--config-dir", "-cd", nargs="?")
    parser.add_argument("--config-path", "-cp", nargs="?")
    parser.add_argument("--config-name", "-cn", nargs="?")
    return parser


def quoted(value: str) -> str:
    """A value, or each value of a list, so that Hydra's grammar takes it literally."""
    if value.startswith("[") and value.endswith("]"):
        return "[" + ",".join(quoted(part) for part in value[1:-1].split(",")) + "]"
    return '"' + value.strip("\"' ").replace('"', '\\"') + '"'


def typed(name: str, value: str) -> str:
    """The argument that sets ``name`` to exactly this, quoted for Hydra and for the shell."""
    return shlex.quote(f"{name}={quoted(value)}")


def texts(value: object) -> list[str]:
    """One text or several, as the command line gives them: ``source=2024`` is a number there."""
    return [str(one) for one in (value if isinstance(value, list) else [value])]
