"""Reads the parameters of a request, whichever way they come: JSON, a form or the query string.

A client may send anything. What cannot be read is answered by 400, with a sentence that says which
parameter is wrong.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from starlette.requests import Request

from nmt.server.limits import Refused

MOST_FIELDS = 1000
_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"

Default = TypeVar("Default", int, None)
Parameters = Mapping[str, Any]
"""Name -> value. What comes as a form is text, or a list of texts where a name is repeated."""


async def read_parameters(request: Request) -> Parameters:
    """The parameters of a request; those in its body count before those in the query string."""
    found = _form(request.scope.get("query_string", b""))
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == _MULTIPART:
        form = await request.form(max_files=1, max_fields=MOST_FIELDS)
        for name in form:
            values = list(form.getlist(name))
            found[name] = values[0] if len(values) == 1 else values
        return found
    body = await request.body()
    if kind == _FORM and not body.lstrip().startswith(b"{"):  # curl calls all that it sends a form
        found |= _form(body)
    elif body.strip():
        found |= _json(body, kind)
    return found


def _form(data: bytes) -> dict[str, Any]:
    try:
        pairs = parse_qsl(
            data.decode("ascii", "strict") if data.isascii() else data.decode("utf-8"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except UnicodeDecodeError:
        raise Refused(400, "the parameters are no text in UTF-8") from None
    except ValueError:
        raise Refused(400, f"over {MOST_FIELDS} parameters") from None
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            before = found[name]
            found[name] = [*before, value] if isinstance(before, list) else [before, value]
        else:
            found[name] = value
    return found


def _json(body: bytes, kind: str) -> dict[str, Any]:
    try:
        found = json.loads(body.decode("utf-8"))
    except UnicodeDecodeError:
        raise Refused(400, "the body is no text in UTF-8") from None
    except (ValueError, RecursionError):
        raise Refused(400, f"the body is no {kind or _JSON} that can be read") from None
    if not isinstance(found, dict):
        raise Refused(400, "the body must be a JSON object, with a name for each parameter")
    return found


def is_text(value: object) -> bool:
    """Whether a value is text that UTF-8 can encode: JSON can spell half of a character."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def text(parameters: Parameters, name: str, default: str | None = None) -> str:
    """A parameter that is text. Refused where it is none, or missing without a default."""
    value = parameters.get(name)
    if value is None or value == "":
        if default is None:
            raise Refused(400, f"{name} is missing")
        return default
    if not is_text(value):
        raise Refused(400, f"{name} must be text")
    return str(value)


def texts(parameters: Parameters, name: str) -> Sequence[str]:
    """A parameter that is text or a list of texts, as a list."""
    value = parameters.get(name)
    if value is None:
        raise Refused(400, f"{name} is missing")
    values = value if isinstance(value, list) else [value]
    if not all(map(is_text, values)):
        raise Refused(400, f"{name} must be text or a list of texts")
    return values


def whole_number(
    parameters: Parameters, name: str, default: Default, least: int, most: int
) -> int | Default:
    """A parameter that is a whole number within bounds, both included."""
    value = parameters.get(name)
    if value is None or value == "":
        return default
    number = _number(value)
    if number is None or number != int(number) or not least <= number <= most:
        raise Refused(400, f"{name} must be a whole number from {least} to {most}")
    return int(number)


def decimal(parameters: Parameters, name: str, default: float, most: float) -> float:
    """A parameter that is a number from 0 to ``most``."""
    value = parameters.get(name)
    if value is None or value == "":
        return default
    number = _number(value)
    if number is None or not 0 <= number <= most:
        raise Refused(400, f"{name} must be a number from 0 to {most:g}")
    return float(number)


def _number(value: object) -> float | int | None:
    """The number that a value is or spells, None for anything else and for infinity."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and (len(value) > 30 or not value.isascii()):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < 2**53 else None


def boolean(parameters: Parameters, name: str) -> bool:
    """A parameter that is true or false; false where it is missing."""
    value = parameters.get(name)
    value = value.lower() if isinstance(value, str) else value
    if value in (None, "", False, "false", "0", 0):
        return False
    if value in (True, "true", "1", 1):
        return True
    raise Refused(400, f"{name} must be true or false")


def choice(parameters: Parameters, name: str, choices: Sequence[str]) -> str:
    """A parameter that is one of several words; the first of them where it is missing."""
    value = text(parameters, name, choices[0]).lower()
    if value not in choices:
        raise Refused(400, f"{name} must be one of {', '.join(choices)}")
    return value
