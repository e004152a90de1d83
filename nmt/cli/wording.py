"""The messages of errors, in terms of the command line."""

import re
import sys

import yaml
from hydra.errors import MissingConfigException, OverrideParseException
from omegaconf import DictConfig
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, InterpolationResolutionError

from nmt.checks import dotted, known_options
from nmt.cli import config_files
from nmt.cli.arguments import argument_for, own_configs
from nmt.cli.config_files import ConfigFiles

_AMBIGUOUS = re.compile(r"Ambiguous value for argument '(.*?)=(.*)'\n")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
MOST_SAID = 5000  # characters of a message


def worded(error: Exception) -> str:
    """The message of an error, in terms of the command line. It may quote a file that anybody
    wrote: it is cut where it is long, and a terminal takes nothing in it for a command."""
    text = _CONTROLS.sub("?", _worded(error))
    return text if len(text) <= MOST_SAID else f"{text[:MOST_SAID]}…"


def _worded(error: Exception) -> str:
    cause = error.__cause__
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    if isinstance(error, OverrideParseException):
        return _worded_syntax(*error.override.partition("="))
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        if error.missing_cfg_file.startswith("hydra/launcher/submitit"):
            return f"{error.missing_cfg_file} is not installed: pip install '.[slurm]'"
        files = ConfigFiles(own_configs(sys.argv[1:]))
        group, choice = files.parted(error.missing_cfg_file)
        return f"{group}={choice}: {group} must be one of {', '.join(files.choices(group))}"
    if ambiguous := _AMBIGUOUS.match(str(error)):
        name, value = ambiguous.groups()
        return (
            f"{name}={value}: several values are a list, {name}=[{value}], or with -m a job each; "
            f"one value with commas needs quotes: {argument_for(name, value)}"
        )
    if isinstance(error, InterpolationResolutionError):
        return f"{error.full_key}: {str(error.msg).partition(chr(10))[0]}"
    if isinstance(cause, ConfigAttributeError | ConfigKeyError):
        where, node = str(cause.full_key).rpartition(".")[0], cause.parent_node
        if isinstance(node, DictConfig):
            there = [str(key) for key in node if key != "hydra"]
            root = node._get_root()
            every = (
                config_files.values(root) | {"hydra": None} if isinstance(root, DictConfig) else {}
            )
            try:
                known_options(where, [str(cause.key)], there, [path for path, _ in dotted(every)])
            except ValueError as unknown:
                return str(unknown)
            return f"{where}.{cause.key} cannot be set"
    lines = [line for line in str(error).splitlines() if not line.startswith("To append")]
    between = " " if isinstance(error, yaml.YAMLError) else "\n"
    return between.join(line.strip() for line in lines).strip()


def _worded_syntax(name: str, equals: str, value: str) -> str:
    if not equals:
        return f"{name} is no option: options are written name=value"
    if value.startswith("[") and not value.endswith("]"):
        return f"{name}={value} is part of a list: write it without spaces, {name}=[A,B]"
    if value.startswith(("{", "[{")):
        return (
            f"{name}={value} cannot be read: within a list of corpora, text with ' : or another "
            f"""sign needs double quotes, such as src: "it's.en", and the whole single ones"""
        )
    return (
        f"{name}: a value with = ( ) [ ] {{ }} , ' or another sign that has a meaning of its own "
        f"needs quotes: {argument_for(name, value)}"
    )
