"""Starts every command as a Hydra application that reports mistakes in one line.

Exit codes: 0 done, 2 a mistake in options or files, 130 interrupted, 141 the reader of the output
went away, 143 terminated, 1 any other error (with a traceback). HYDRA_FULL_ERROR=1 shows every
traceback.

In a sweep, a mistake in the files or values of one job ends that job only: the others go on, and
the command ends with 2. Options that do not exist end a sweep before its first job. With jobs=2 or
more its jobs run side by side.
"""

import atexit
import gc
import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout
from functools import lru_cache, partial
from io import StringIO, TextIOWrapper
from typing import TYPE_CHECKING, Any

import hydra
import yaml
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.hydra import Hydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from nmt import __version__, distributed
from nmt.checks import dotted, known_options, positive_int
from nmt.cli import arguments, config_files
from nmt.cli.arguments import own_configs
from nmt.cli.config_files import ConfigFiles
from nmt.cli.interrupts import Terminated, interruptible
from nmt.cli.wording import worded

if TYPE_CHECKING:
    from nmt.cli.side_by_side import SideBySide

FULL_ERROR = "HYDRA_FULL_ERROR"

Work = Callable[[DictConfig], None]
MISTAKES = (ValueError, OSError, HydraException, OmegaConfBaseException, yaml.YAMLError)
"""Errors that the user can correct."""

OmegaConf.register_new_resolver("shipped", lambda name: str(config_files.shipped(name)))


def launch(config_name: str, description: str, work: Work, *, several: bool = False) -> None:
    """Run ``work`` on the config composed from the command line, once or, with -m, repeatedly.

    description: the text of --help before the options. several: whether the command can run in
    several processes that work as one, see ``distributed.py``.
    """
    gc.set_threshold(100_000)  # start-up makes objects that stay: collections take a tenth of it
    atexit.register(gc.freeze)  # so does the end: Python would look at all of them once more
    _open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # so that tables print on a terminal of ASCII
    show_tracebacks = os.environ.get(FULL_ERROR) == "1"
    os.environ[FULL_ERROR] = "1"  # makes Hydra raise its errors, so that we may word them
    failed: list[str] = []  # jobs
    beside: SideBySide | None = None

    def task(cfg: DictConfig) -> None:
        nonlocal beside
        sweep = HydraConfig.get().mode == RunMode.MULTIRUN
        if sweep and HydraConfig.get().runtime.choices["hydra/launcher"] != "basic":
            check(cfg, config_name)
            work(cfg)  # maybe on another machine; the launcher hands on the error
            return
        with _reported(show_tracebacks):
            check(cfg, config_name)
            jobs = positive_int("jobs", cfg.jobs)
            if not sweep:
                work(cfg)
            elif jobs == 1:
                try:
                    work(cfg)
                except MISTAKES as error:
                    if show_tracebacks or isinstance(error, BrokenPipeError):
                        raise
                    print(f"error: {_job()}: {worded(error)}", file=sys.stderr)
                    failed.append(_job())
            else:
                from nmt.cli.side_by_side import SideBySide

                beside = beside or ending.enter_context(SideBySide(jobs))
                beside.start(_job(), partial(alone, cfg))

    def alone(cfg: DictConfig) -> None:
        """What one of several jobs does in its own process."""
        with _reported(show_tracebacks), interruptible(_clean_up):
            try:
                work(cfg)
            finally:
                _clean_up()

    with (
        _reported(show_tracebacks),
        tempfile.TemporaryDirectory() as scratch,
        interruptible(partial(_clean_up, scratch)),
        ExitStack() as ending,
    ):
        _check_directory()
        given = arguments.normalized(sys.argv[1:])
        given = arguments.with_own_configs(given, os.environ.get("COMP_LINE"))
        ConfigFiles(own_configs(given))
        if {"--help", "-h"} & set(given):
            print(config_files.help_text(config_name, description, given))
            return
        if "--version" in given:
            print(f"nmt {__version__}")
            return
        arguments.check_launcher(config_name, several, given)
        OmegaConf.register_new_resolver("scratch", lambda: scratch, replace=True)
        sys.argv[1:] = arguments.flags_first(given)  # hydra.main reads arguments only there
        configs = str(config_files.shipped_configs())
        main = hydra.main(configs, config_name, version_base="1.3")(task)
        if any(argument.startswith("query=") for argument in given):
            with redirect_stdout(StringIO()) as offered:  # Hydra offers shared configs too
                main()
            shared = rf"\S+=(\S+/)?{config_files.SHARED}\S*\s"
            print(re.sub(shared, "", offered.getvalue()), end="")
        else:
            main()
        ending.close()  # waits for the jobs
        codes = beside.failed if beside else {}
        if failed := [*failed, *codes]:
            said = f"{len(failed)} of the jobs failed: {'; '.join(failed)}"
            if 1 not in codes.values():
                raise ValueError(said)
            print(f"error: {said}", file=sys.stderr)  # below the traceback of one
            sys.exit(1)


def _open_closed_streams() -> None:
    """Puts the null device in place of a standard stream that the caller has closed: no file that
    is opened later gets its number. ``sys.__stdout__`` stays None."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 (to the end)


def _check_directory() -> None:
    """Raises FileNotFoundError where somebody has deleted the current directory."""
    try:
        os.getcwd()  # noqa: PTH109 (Path.cwd is this)
    except FileNotFoundError:
        raise FileNotFoundError(
            "the current directory was deleted: call this in one that exists"
        ) from None


def _job() -> str:
    """What tells a job of a sweep from the others, as options."""
    config, varied = HydraConfig.get(), arguments.swept(sys.argv[1:])
    given = [one for one in config.overrides.task if one.lstrip("+").partition("=")[0] in varied]
    return ",".join(given) or config.job.override_dirname


def _clean_up(scratch: str | None = None) -> None:
    """Deletes what a process that ends at once would leave behind."""
    if cache := sys.modules.get("nmt.disk_cache"):  # importing it loads numpy
        cache.delete_scratch()
    if scratch:
        shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def _reported(show_tracebacks: bool) -> Iterator[None]:
    """Turns an error that the user can correct into one message and an exit code."""
    try:
        try:
            yield
        except Exception as error:
            if interrupt := _interrupt_behind(error):
                raise interrupt from None
            raise
        try:
            sys.stdout.flush()  # Python itself would report an error too late
        except OSError as error:
            if not isinstance(error, BrokenPipeError):
                _give_up_stdout()
                raise OSError(error.errno, error.strerror, "standard output") from error
            raise
    except Terminated as terminated:
        sys.exit(128 + terminated.number)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except BrokenPipeError:
        _give_up_stdout()
        sys.exit(141)
    except MISTAKES as error:
        if show_tracebacks:
            raise
        if distributed.size() > 1:
            print(f"error: rank {distributed.rank()}: {worded(error)}", file=sys.stderr)
        elif distributed.launched_rank() == 0:  # before they have joined, all say the same
            print(f"error: {worded(error)}", file=sys.stderr)
        sys.exit(2)


def _interrupt_behind(error: BaseException) -> KeyboardInterrupt | None:
    """The signal that led to an error: libraries fail where one ends them halfway."""
    places: list[BaseException | None] = [error]
    while places:
        one = places.pop()
        if isinstance(one, KeyboardInterrupt):
            return one
        places += [] if one is None else [one.__cause__, one.__context__]
    return None


def _give_up_stdout() -> None:
    """Discards buffered output, so that Python does not fail again when it closes stdout."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


_before_overrides: Mapping[str, Any] = {}
"""The config that Hydra composed last, as it was before it applied overrides."""


def _compose_once() -> None:
    """Make Hydra compose a command's config once, not three times, each of which takes 0.15 s.

    It would compose it to look for hydra.mode, which the flags give; and what ``check`` compares
    with, it has in hand before it applies overrides.
    """
    apply = ConfigLoaderImpl._apply_overrides_to_config

    def noted(overrides: list[Override], cfg: DictConfig) -> None:
        global _before_overrides
        every = config_files.values(cfg)
        _before_overrides = {name: every[name] for name in every if name != "hydra"}
        apply(overrides, cfg)

    ConfigLoaderImpl._apply_overrides_to_config = noted  # type: ignore[method-assign]  # Hydra has no hook
    Hydra.get_mode = lambda *_, **__: None  # type: ignore[method-assign]  # as above


_compose_once()


def check(cfg: DictConfig, config_name: str) -> None:
    """ValueError for options that the configs do not have, of the wrong type, or not given.

    Hydra accepts +x=1 and everything that an experiment adds. The check compares the config with
    one that makes the same choices without overrides and experiment.
    """
    runtime = HydraConfig.get().runtime
    given, known = config_files.values(cfg), _before_overrides
    if runtime.choices.get("experiment"):
        choices = tuple(config_files.chosen(runtime.choices))
        own = any(source.provider == "command-line" for source in runtime.config_sources)
        composed = _with_choices.__wrapped__ if own else _with_choices  # a user's may change
        known = composed(config_name, choices)
    _compare("", given, known, [path for path, _ in dotted(known)])
    if missing := [name for name, value in dotted(given) if value == MISSING]:
        raise ValueError(f"{', '.join(missing)} must be given; --help says what the options are")


@lru_cache(maxsize=64)  # the jobs of a sweep differ in few choices, if in any
def _with_choices(config_name: str, choices: tuple[tuple[str, str], ...]) -> Mapping[str, Any]:
    """The config that makes these choices, without anything else."""
    plain = hydra.compose(config_name, [f"{group}={choice}" for group, choice in choices])
    return config_files.values(plain)


def _compare(
    where: str, given: Mapping[str, Any], known: Mapping[str, Any], paths: Sequence[str]
) -> None:
    """paths: of all known options."""
    if where in arguments.OPEN or "_target_" in known:
        return  # the class itself checks its options
    known_options(where, given, known, paths)
    for name, value in given.items():
        option = f"{where}.{name}".lstrip(".")
        if isinstance(value, dict) and isinstance(known[name], dict):
            _compare(option, value, known[name], paths)
        elif option in (arguments.LISTS if isinstance(value, list) else arguments.ANY_FORM):
            continue
        elif value is None and known[name] == MISSING:
            raise ValueError(f"{option} must be given, not null")
        elif value is not None and (wanted := _wanted(value, known[name])):
            raise ValueError(f"{option} must be {wanted}, got {value!r}")


def _wanted(value: object, example: object) -> str | None:
    """The type that a value must have to replace ``example``, None if it has it. Where the example
    is null, text or a list, the code that uses the option checks the value."""
    if isinstance(example, bool):
        return None if isinstance(value, bool) else "true or false"
    if isinstance(example, int):
        return None if type(value) is int else "a whole number"
    if isinstance(example, float):
        return None if type(value) in (int, float) else "a number"
    if isinstance(example, dict):
        return f"a mapping of {', '.join(example) or 'names that you choose'}"
    return "a single value or a list" if isinstance(value, dict) else None
