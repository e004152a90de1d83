"""Finds classes named in YAML: from ``{_target_: nmt.models.lstm.LSTMSeq2Seq, …}`` to a call.

A run directory may come from anyone, so a target is not evaluated but looked up: only modules of
``nmt`` and of packages that the user trusts are imported, the class is taken by its plain name, and
it must be defined in one of those packages and inherit from the class that the slot expects.
"""

import importlib
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from nmt.checks import known_options, section
from nmt.plain_files import shown

T = TypeVar("T")

TARGET = "_target_"
_LONGEST = 500


def factory(
    spec: Mapping[str, Any],
    slot: type[T],
    *,
    name: str,
    nested: Mapping[str, type[Any]] | None = None,
    trusted_packages: Sequence[str] = (),
) -> Callable[..., T]:
    """The constructor that ``spec`` names, with its options; the caller adds other arguments.

    spec: ``_target_`` and the class's own options.
    slot: the class from which the target must inherit.
    name: the section of the config that holds the spec, such as ``model``, for messages.
    nested: options that are specs themselves, with their slots. They become factories.
    trusted_packages: packages besides ``nmt`` that may be imported. They run as code: they come
        from the user's command line or call, never from a run directory.

    Raises ValueError for a target that may not be used and for options that it does not have.
    """
    nested = nested or {}
    if not isinstance(spec, Mapping) or not isinstance(spec.get(TARGET), str):
        raise ValueError(
            f"{name} must be a mapping with {TARGET}, the name of a class; got {shown(spec)}"
        )
    if isinstance(trusted_packages, str) or trusted_packages is None:
        raise ValueError(f"trusted_packages must be a list of names, got {trusted_packages!r}")
    cls = _look_up(spec[TARGET], slot, f"{name}.{TARGET}", ("nmt", *trusted_packages))
    options = {key: value for key, value in spec.items() if key != TARGET}
    known_options(name, options, inspect.signature(cls).parameters)
    for key, value in options.items():
        if key in nested:
            options[key] = factory(
                value, nested[key], name=f"{name}.{key}", trusted_packages=trusted_packages
            )
        elif isinstance(value, Mapping) and TARGET in value:
            raise ValueError(f"{name}.{key} takes a plain value, not a class, got {shown(value)}")

    def build(**others: Any) -> T:
        with section(name.rpartition(".")[2]):  # the caller adds the outer sections
            return cls(**options, **others)

    return build


def _look_up(target: str, slot: type[T], option: str, packages: Sequence[str]) -> type[T]:
    parts = target.split(".")
    if len(target) > _LONGEST or not all(map(str.isidentifier, parts)):
        raise ValueError(f"{option}={shown(target)[1:-1]} is no name of a class")
    module_name, _, class_name = target.rpartition(".")
    if not _is_within(module_name, packages):
        raise ValueError(
            f"{option}={target} is not in {' or '.join(packages)}; if you trust the code of "
            f"that package, add its name to trusted_packages"
        )
    # Users may keep modules in the current directory; last in the path, it hides no other module.
    here = [] if _is_within(module_name, ["nmt"]) else [str(Path.cwd())]
    sys.path += here
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise ValueError(
            f"{option}={target}: {error}; modules are looked for among what is installed, on "
            f"PYTHONPATH and, if trusted, in the current directory"
        ) from error
    finally:
        for directory in here:
            sys.path.remove(directory)
    cls = vars(module).get(class_name)
    if not inspect.isclass(cls) or not _is_within(cls.__module__, packages):
        raise ValueError(f"{option}={target}: {module_name} defines no class {class_name}")
    if not issubclass(cls, slot):
        raise ValueError(f"{option}={target} is no usable {slot.__name__}: it does not inherit it")
    members = inspect.getmembers(cls)
    if lacking := [name for name, it in members if getattr(it, "__isabstractmethod__", False)]:
        raise ValueError(
            f"{option}={target} is no usable {slot.__name__}: it lacks {', '.join(lacking)}"
        )
    return cls


def _is_within(module_name: str, packages: Sequence[str]) -> bool:
    return any(
        module_name == package or module_name.startswith(f"{package}.") for package in packages
    )
