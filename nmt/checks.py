"""Small checks of values given by users, so that the same mistake always gives the same message.

A class or function names its own fields in its errors, such as ``beam_size``. Code that knows their
place in a config adds the path by ``section``: ``search.beam_size``.
"""

import difflib
import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeGuard, TypeVar

T = TypeVar("T")

_MARK = "\x1a"  # stands before the name of a field; people do not type it


class OptionError(ValueError):
    """A wrong value of an option. Its message names fields by ``field`` for ``section`` to find."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return self.message.replace(_MARK, "")


def field(name: str) -> str:
    """The name of a field, marked for the message of an ``OptionError``."""
    return f"{_MARK}{name}"


@contextmanager
def section(path: str) -> Iterator[None]:
    """Puts ``path`` before the names of fields in every OptionError raised inside."""
    try:
        yield
    except OptionError as error:
        raise OptionError(error.message.replace(_MARK, f"{_MARK}{path}.")) from error.__cause__


def positive_int(name: str, value: object) -> int:
    """``value`` if it is a whole number of at least 1; ValueError otherwise."""
    if not _is_int(value) or value < 1:
        raise OptionError(f"{field(name)} must be a whole number of at least 1, got {value!r}")
    return value


def non_negative_int(name: str, value: object) -> int:
    """``value`` if it is a whole number of at least 0; ValueError otherwise."""
    if not _is_int(value) or value < 0:
        raise OptionError(f"{field(name)} must be a whole number of at least 0, got {value!r}")
    return value


def positive(name: str, value: object) -> float:
    """``value`` if it is a finite number above 0; ValueError otherwise."""
    if not _is_number(value) or value <= 0:
        raise OptionError(f"{field(name)} must be a number above 0, got {value!r}")
    return value


def non_negative(name: str, value: object) -> float:
    """``value`` if it is a finite number of at least 0; ValueError otherwise."""
    if not _is_number(value) or value < 0:
        raise OptionError(f"{field(name)} must be a number of at least 0, got {value!r}")
    return value


def probability(name: str, value: object) -> float:
    """``value`` if 0 <= value < 1; ValueError otherwise."""
    if not _is_number(value) or not 0 <= value < 1:
        wanted = "a number of at least 0 and below 1"
        raise OptionError(f"{field(name)} must be {wanted}, got {value!r}")
    return value


def part_of_one(name: str, value: object) -> float:
    """``value`` if 0 <= value <= 1; ValueError otherwise."""
    number = non_negative(name, value)
    if number > 1:
        raise OptionError(f"{field(name)} must be at most 1, got {value!r}")
    return number


def share(name: str, value: object) -> float:
    """``value`` if 0 < value <= 1; ValueError otherwise."""
    return part_of_one(name, positive(name, value))


def boolean(name: str, value: object) -> bool:
    """Returns ``value``. Raises OptionError unless it is true or false."""
    if not isinstance(value, bool):
        raise OptionError(f"{field(name)} must be true or false, got {value!r}")
    return value


def one_of(name: str, value: T, allowed: Iterable[T]) -> T:
    """``value`` if it is among ``allowed``; ValueError that lists them otherwise."""
    choices = list(allowed)
    if value not in choices:
        listed = ", ".join(map(str, choices))
        raise OptionError(f"{field(name)} must be one of {listed}, got {value!r}")
    return value


def known_options(
    where: str, given: Iterable[str], allowed: Iterable[str], elsewhere: Iterable[str] = ()
) -> None:
    """ValueError for the first name given that is not allowed; suggests the option of this name in
    another section, or a similar name.

    where: the path of the section that holds the names, such as ``model``; empty at the top.
    elsewhere: the paths of options in other sections.
    """
    prefix = f"{where}." if where else ""
    choices = sorted(allowed)
    for name in given:
        if name not in choices:
            same = [path for path in elsewhere if path.rpartition(".")[2] == name]
            close = [prefix + one for one in difflib.get_close_matches(name, choices, n=1)]
            likely = " or ".join(map(field, same or close))
            meant = f"did you mean {likely}? " if likely else ""
            holder = f"{field(where)} has" if where else "the options are"
            raise OptionError(
                f"unknown option {field(prefix + name)}: {meant}"
                f"{holder} {', '.join(choices) or 'no options'}"
            )


def _is_int(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> TypeGuard[float]:
    return _is_int(value) or (isinstance(value, float) and math.isfinite(value))


def dotted(options: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(path, value) of each option in nested sections: {"a": {"b": 1}} -> ("a.b", 1)."""
    for name, value in options.items():
        if isinstance(value, Mapping):
            yield from dotted(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
