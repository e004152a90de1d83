"""What the command line means before Hydra's grammar has its say."""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

OPEN = ("data.tests",)
"""Sections whose names the user makes up."""

_HOME = re.compile(r"""(?<=[=\[,"'])~(?=[/,\]]|$)""")


def prepared(arguments: Sequence[str]) -> list[str]:
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
    return [argument for argument in arguments if "=" in argument and argument[0] != "-"]


def quoted(value: str) -> str:
    """A value, or each value of a list, so that Hydra's grammar takes it literally."""
    if value.startswith("[") and value.endswith("]"):
        return "[" + ",".join(quoted(part) for part in value[1:-1].split(",")) + "]"
    return '"' + value.strip("\"' ").replace('"', '\\"') + '"'


def typed(name: str, value: str) -> str:
    """The argument that sets ``name`` to exactly this, quoted for Hydra and for the shell."""
    return shlex.quote(f"{name}={quoted(value)}")
