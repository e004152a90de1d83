"""Reads and rewrites the command line before Hydra's grammar reads it."""

import argparse
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from hydra._internal.utils import get_args_parser  # nothing public says which flags Hydra has
from hydra.core.override_parser.overrides_parser import OverridesParser

from nmt import distributed

OPEN = ("data.tests",)
"""Sections in which users choose the names."""

ANY_FORM = ("data.valid",)
"""Options that take other forms than the config shows: files, or a number of pairs to draw."""

LISTS = (*ANY_FORM, "data.train")
"""Options that may be a list where the config shows a mapping: files, or several corpora."""

TEXTS = {
    *("run", "runs", "init_from", "evaluation", "tokenizer.model", "input", "output", "report"),
    *("source", "sources", "target", "reference", "references", "hypotheses", "documents"),
    *("labels", "label", "train_text", "name", "test", "gold", "figures", "heat_map", "reverse"),
    *("source_prefix", "prefix", "require", "forbid", "glossary", "symbols", "keys", "repo"),
    *("dir", "cache", "config", "revision", "src", "tgt", "src_lang", "tgt_lang"),
    *("src_column", "tgt_column", "columns", "delimiter", "tag"),
}
"""Options, or their last names, whose values are text whatever it looks like: a file may be called
1e5 or été(2).txt, and a term be 3.10."""

DRAWN = ("data.train", "data.valid", "data.tests.")
"""Options that begin so are text too, but for a whole number, of pairs to draw."""

if hasattr(argparse.ArgumentParser, "_check_help"):
    # Python 3.14 checks a help text when it is added. One of Hydra 1.3's is no text before it is
    # shown, and the check would end every command.
    argparse.ArgumentParser._check_help = lambda parser, action: None

_HOME = re.compile(r"""(?:(?<=[=\[,"':])|(?<=: ))~(?=[/,\]}]|$)""")
_PLAIN = re.compile(r"""(?!null$|.*\$\{)[^\s"'\[{,][^,"]*(?<!\\)""")  # one value, not quoted
_ITEM = re.compile(  # of a list, a mapping or a sweep, if it is not skipped as quoted
    r"""\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'"""
    r"|(?P<start>^|(?:[\[,]|(?<!\$){)\s*(?:(?P<key>\w+)\s*:\s*)?)"
    r"""(?!null\b)(?P<item>[^\s"'\[\]{},:\\$][^"'\[\]{},:\\$]*)(?=[,\]}]|$)"""
)


def normalized(arguments: Sequence[str]) -> list[str]:
    """The arguments with ~ at the start of values expanded, ++ before names in open sections,
    options that may be lists emptied before they become one, and text quoted.

    Not every shell expands ``run=~/x``, and Hydra's grammar has no ~ in values; Hydra cannot
    replace a mapping by a list; it makes 100000.0 of 1e5, and knows no é and no sign such as #.
    """
    home, sweep = str(Path.home()), bool({"-m", "--multirun"} & set(arguments))
    expanded = [_as_text(_HOME.sub(lambda _: home, one), sweep) for one in arguments]
    opened = tuple(f"{section}." for section in OPEN)
    lists = tuple(f"{option}=[" for option in LISTS)
    found = []
    for argument in expanded:
        if argument.startswith(lists):
            found.append(f"{argument.partition('=')[0]}=null")
        found.append(f"++{argument}" if argument.startswith(opened) else argument)
    return found


def _as_text(argument: str, sweep: bool) -> str:
    option, equals, value = argument.partition("=")
    if _is_text(option, value) and _PLAIN.fullmatch(value):
        return f'{option}="{value}"'

    def quoted(found: re.Match[str]) -> str:
        item = (found["item"] or "").rstrip()
        is_text = item and _is_text(found["key"] or option, item)
        return f'{found["start"]}"{item}"' if is_text else found[0]

    swept = sweep and not re.match(r"\w+\(", value)  # by a function, such as choice(a,b)
    several = value[:1] + value[-1:] in ("[]", "{}") or swept
    return option + equals + (_ITEM.sub(quoted, value) if several else value)


def _is_text(option: str, value: str) -> bool:
    name = option.lstrip("+")
    if name.startswith(DRAWN):
        return not re.fullmatch(r"\d[\d_]*", value)
    return name in TEXTS or name.rpartition(".")[-1] in TEXTS


def overrides(arguments: Sequence[str]) -> list[str]:
    """The arguments that set options, without Hydra's flags and the values of flags."""
    _, rest = _parser().parse_known_args(arguments)
    return [argument for argument in rest if "=" in argument and argument[0] != "-"]


def swept(arguments: Sequence[str]) -> set[str]:
    """The options and groups that a sweep varies."""
    parsed = OverridesParser.create().parse_overrides(overrides(arguments))
    return {option.key_or_group for option in parsed if option.is_sweep_override()}


def own_configs(arguments: Sequence[str]) -> str | None:
    """The absolute path of the directory that --config-dir names, None without that flag. Raises
    FileNotFoundError for a directory that does not exist."""
    flags, _ = _parser().parse_known_args(arguments)
    if flags.config_dir is None:
        return None
    path = Path(flags.config_dir).absolute()
    if not path.is_dir():
        raise FileNotFoundError(f"--config-dir {flags.config_dir}: there is no such directory")
    return str(path)


def with_own_configs(arguments: Sequence[str], completed: str | None) -> list[str]:
    """When a shell asks for completion, the arguments with the --config-dir of the line that it
    completes, which Hydra would ignore; else the same arguments.

    completed: the line so far, None outside of completion.
    """
    flags, _ = _parser().parse_known_args((completed or "").split())
    if flags.config_dir and {"-sc", "--shell-completion"} & set(arguments):
        return [*arguments, "--config-dir", flags.config_dir]
    return list(arguments)


def flags_first(arguments: Sequence[str]) -> list[str]:
    """The arguments with Hydra's flags before the options: Hydra rejects options between flags.
    Raises ValueError for an unknown flag: other programs write options as flags."""
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
    """Parses the flags that take a value that may hold a =."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--config-dir", "-cd", nargs="?")
    parser.add_argument("--config-path", "-cp", nargs="?")
    parser.add_argument("--config-name", "-cn", nargs="?")
    return parser


def argument_for(name: str, value: str) -> str:
    """The argument that sets ``name`` to exactly this value, or to this list of values, quoted for
    Hydra's grammar and for the shell."""
    return shlex.quote(f"{name}={_quoted(value)}")


def _quoted(value: str) -> str:
    if value.startswith("[") and value.endswith("]"):
        return "[" + ",".join(map(_quoted, value[1:-1].split(","))) + "]"
    return '"' + value.strip("\"' ").replace('"', '\\"') + '"'


def texts(value: object) -> list[str]:
    """One value or a list of values as text: YAML reads ``source: 2024`` as a number."""
    return [str(one) for one in (value if isinstance(value, list) else [value])]


def check_launcher(command: str, several: bool, given: Sequence[str]) -> None:
    """ValueError for what torchrun cannot start. several: whether the command can run in several
    processes that work as one."""
    if not distributed.launched():
        return
    if not several:
        raise ValueError(f"nmt-{command} is the work of one process: call it without torchrun")
    if any(one in ("-m", "--multirun") or one.startswith("jobs=") for one in given):
        raise ValueError(
            "-m and jobs= are for trainings that know nothing of each other, but the processes of "
            "torchrun share one: call torchrun once for each"
        )
