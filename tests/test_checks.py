import math
from collections.abc import Callable

import pytest

from nmt import checks


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (checks.positive_int, [1, 7], [0, -3, 1.0, "1", None, True]),
        (checks.non_negative_int, [0, 7], [-1, 0.0, "0", None, False]),
        (checks.positive, [1, 0.5], [0, -0.1, math.inf, math.nan, "1", None, True]),
        (checks.non_negative, [0, 0.0, 2.5], [-1, math.nan, None, False]),
        (checks.probability, [0, 0.0, 0.999], [1, 1.5, -0.1, math.nan, "0", True]),
    ],
)
def test_values_pass_or_are_named(
    check: Callable[[str, object], object], good: list[object], bad: list[object]
) -> None:
    for value in good:
        assert check("model.size", value) is value
    for value in bad:
        with pytest.raises(ValueError, match=r"^model\.size must be .*, got ") as caught:
            check("model.size", value)
        assert str(caught.value).endswith(repr(value))


def test_one_of_lists_what_there_is() -> None:
    assert checks.one_of("device", "cpu", ("cpu", "cuda")) == "cpu"
    with pytest.raises(ValueError, match="device must be one of cpu, cuda, got 'gpu'"):
        checks.one_of("device", "gpu", ("cpu", "cuda"))


def test_known_options_say_what_was_meant_and_what_there_is() -> None:
    checks.known_options("trainer", ["max_steps"], ["max_steps", "seed"])
    with pytest.raises(
        ValueError,
        match=r"unknown option trainer\.max_step: did you mean trainer\.max_steps\? "
        r"trainer has max_steps, seed",
    ):
        checks.known_options("trainer", ["max_steps", "max_step"], ["seed", "max_steps"])


def test_known_options_find_the_name_in_other_sections() -> None:
    paths = ["search.beam_size", "model.size", "other.size"]
    with pytest.raises(ValueError, match=r"did you mean search\.beam_size\? the options are run"):
        checks.known_options("", ["beam_size"], ["run"], paths)
    with pytest.raises(ValueError, match=r"did you mean model\.size or other\.size\? "):
        checks.known_options("", ["size"], ["run"], paths)


def test_known_options_guess_nothing_far_off() -> None:
    with pytest.raises(ValueError, match="unknown option zzz: the options are run, seed"):
        checks.known_options("", ["zzz"], ["seed", "run"])


def test_nested_options_are_named_by_their_path() -> None:
    nested = {"a": {"b": 1, "c": {"d": [2]}}, "e": None}
    assert dict(checks.dotted(nested)) == {"a.b": 1, "a.c.d": [2], "e": None}
