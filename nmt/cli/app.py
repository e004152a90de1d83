"""What all commands share: a Hydra application that reports mistakes in one line.

Exit codes: 0 done, 2 a mistake in options or files, 130 interrupted, 141 the reader of the output
went away, 1 anything else (with a traceback). HYDRA_FULL_ERROR=1 shows every traceback.

In a sweep, a mistake that only one job's files or values bring up ends that job: the others go on,
and the command ends with 2. Options that do not exist end a sweep before its first job.
"""

import gc
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from io import StringIO, TextIOWrapper
from typing import Any

import hydra
import yaml
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from hydra.types import RunMode
from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException

from nmt import __version__
from nmt.checks import dotted, known_options
from nmt.cli.arguments import (
    ANY_FORM,
    OPEN,
    flags_first,
    normalized,
    own_configs,
    typed,
    with_own_configs,
)
from nmt.cli.config_files import (
    SHARED,
    ConfigFiles,
    chosen,
    help_text,
    shipped,
    shipped_configs,
    values,
)

FULL_ERROR = "HYDRA_FULL_ERROR"

_AMBIGUOUS = re.compile(r"Ambiguous value for argument '(.*?)=(.*)'\n")
_MISTAKES = (ValueError, OSError, HydraException, OmegaConfBaseException, yaml.YAMLError)
"""What the user can mend."""

OmegaConf.register_new_resolver("shipped", lambda name: str(shipped(name)))


def launch(config_name: str, description: str, work: Callable[[DictConfig], None]) -> None:
    """Run ``work`` on the config composed from the command line, once or, with -m, repeatedly.

    description: what --help says before the options.
    """
    gc.set_threshold(100_000)  # what start-up makes stays: looking for garbage takes a tenth of it
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a table is not to fail at a terminal of ASCII
    show_tracebacks = os.environ.get(FULL_ERROR) == "1"
    os.environ[FULL_ERROR] = "1"  # makes Hydra raise its errors, so that we may word them
    failed: list[str] = []

    def task(cfg: DictConfig) -> None:
        with _reported(show_tracebacks):
            _check(cfg, config_name)
            try:
                work(cfg)
            except _MISTAKES as error:
                job = _job_of_sweep()
                if job is None or show_tracebacks or isinstance(error, BrokenPipeError):
                    raise
                print(f"error: {job}: {_worded(error)}", file=sys.stderr)
                failed.append(job)

    with _reported(show_tracebacks), tempfile.TemporaryDirectory() as scratch:
        arguments = with_own_configs(normalized(sys.argv[1:]), os.environ.get("COMP_LINE"))
        ConfigFiles(own_configs(arguments))
        if {"--help", "-h"} & set(arguments):
            print(help_text(config_name, description, arguments))
            return
        if "--version" in arguments:
            print(f"nmt {__version__}")
            return
        OmegaConf.register_new_resolver("scratch", lambda: scratch, replace=True)
        sys.argv[1:] = flags_first(arguments)  # hydra.main takes arguments from nowhere else
        main = hydra.main(str(shipped_configs()), config_name, version_base="1.3")(task)
        if any(argument.startswith("query=") for argument in arguments):
            _complete(main)
        else:
            main()
        if failed:
            raise ValueError(f"{len(failed)} of the jobs failed: {'; '.join(failed)}")


def _complete(main: Callable[[], None]) -> None:
    """Print what Hydra offers a shell to complete, but for configs that are no choices."""
    with redirect_stdout(StringIO()) as offered:
        main()
    print(re.sub(rf"\S+=(\S+/)?{SHARED}\S*\s", "", offered.getvalue()), end="")


def _job_of_sweep() -> str | None:
    """What sets a job apart from the others, None if it is the only one."""
    current = HydraConfig.get()
    return current.job.override_dirname if current.mode == RunMode.MULTIRUN else None


@contextmanager
def _reported(show_tracebacks: bool) -> Iterator[None]:
    """Ends the program with one message and the right code where the user can mend the cause."""
    try:
        yield
        _flush_stdout()
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        _give_up_stdout()
        sys.exit(141)
    except _MISTAKES as error:
        if show_tracebacks:
            raise
        print(f"error: {_worded(error)}", file=sys.stderr)
        sys.exit(2)


def _flush_stdout() -> None:
    """OSError if what was printed cannot be written: Python itself would notice too late."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        _give_up_stdout()
        raise OSError(error.errno, error.strerror, "standard output") from error


def _give_up_stdout() -> None:
    """What is still buffered must not fail again when Python closes it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _worded(error: Exception) -> str:
    cause = error.__cause__
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    if isinstance(error, OverrideParseException):
        return _worded_syntax(error)
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        return _worded_choice(error.missing_cfg_file)
    if ambiguous := _AMBIGUOUS.match(str(error)):
        return _worded_ambiguity(*ambiguous.groups())
    if isinstance(cause, ConfigAttributeError | ConfigKeyError):
        where = str(cause.full_key).rpartition(".")[0]
        if isinstance(cause.parent_node, DictConfig):
            return _worded_unknown(where, str(cause.key), cause.parent_node)
    lines = [line for line in str(error).splitlines() if not line.startswith("To append")]
    between = " " if isinstance(error, yaml.YAMLError) else "\n"
    return between.join(line.strip() for line in lines).strip()


def _worded_choice(path: str) -> str:
    files = ConfigFiles(own_configs(sys.argv[1:]))
    group, choice = files.parted(path)
    return f"{group}={choice}: {group} must be one of {', '.join(files.choices(group))}"


def _worded_syntax(error: OverrideParseException) -> str:
    name, equals, value = error.override.partition("=")
    if not equals:
        return f"{error.override} is no option: options are written name=value"
    if value.startswith("[") and not value.endswith("]"):
        return f"{error.override} is part of a list: write it without spaces, {name}=[A,B]"
    return (
        f"{name}: a value with = ( ) [ ] {{ }} , ' or another sign that has a meaning of its own "
        f"needs quotes: {typed(name, value)}"
    )


def _worded_ambiguity(name: str, value: str) -> str:
    return (
        f"{name}={value}: several values are a list, {name}=[{value}], or with -m a job each; "
        f"one value with commas needs quotes: {typed(name, value)}"
    )


def _worded_unknown(where: str, name: str, node: DictConfig) -> str:
    try:
        known_options(where, [name], [str(key) for key in node if key != "hydra"])
    except ValueError as error:
        return str(error)
    return f"{where}.{name} cannot be set"


def _check(cfg: DictConfig, config_name: str) -> None:
    """ValueError for options that the configs do not have, of the wrong type, or not given.

    Hydra lets +x=1 through, and whatever an experiment adds: compare with the same choices made
    without overrides and experiment.
    """
    choices = chosen(HydraConfig.get().runtime.choices)
    plain = hydra.compose(config_name, [f"{group}={choice}" for group, choice in choices])
    given = values(cfg)
    _compare("", given, values(plain))
    if missing := [name for name, value in dotted(given) if value == MISSING]:
        raise ValueError(f"{', '.join(missing)} must be given; --help says what the options are")


def _compare(where: str, given: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    if where in OPEN or "_target_" in known:
        return  # the class itself says what options it has
    known_options(where, given, known)
    for name, value in given.items():
        option = f"{where}.{name}".lstrip(".")
        if isinstance(value, dict) and isinstance(known[name], dict):
            _compare(option, value, known[name])
        elif option in ANY_FORM:
            continue
        elif value is not None and (wanted := _wanted(value, known[name])):
            raise ValueError(f"{option} must be {wanted}, got {value!r}")


def _wanted(value: object, example: object) -> str | None:
    """What a value must be to stand where ``example`` stands; None if it is. Where the example is
    null, a text or a list, those who read the value know better."""
    if isinstance(example, bool):
        return None if isinstance(value, bool) else "true or false"
    if isinstance(example, int):
        return None if type(value) is int else "a whole number"
    if isinstance(example, float):
        return None if type(value) in (int, float) else "a number"
    if isinstance(example, dict):
        return f"a mapping of {', '.join(example) or 'names that you choose'}"
    return "a single value or a list" if isinstance(value, dict) else None
