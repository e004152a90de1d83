"""What the command line means before Hydra's grammar has its say."""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

OPEN = ("data.tests",)
"""Sections whose names the user makes up."""

_HOME = re.compile(r"""(?<=[=\[,"'])~(?=/|$)""")


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


def quoted(value: str, *, name: str = "", shell: bool = False) -> str:
    """A value that Hydra's grammar takes literally, or the argument that sets ``name`` to it.

    shell: quoted once more, to be typed.
    """
    text = '"' + value.strip("\"'").replace('"', '\\"') + '"'
    argument = f"{name}={text}" if name else text
    return shlex.quote(argument) if shell else argument
