"""Lines of text or JSON as requests to a translator, and its translations as lines of JSON."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nmt.translator import Alternative, Terms, Translation
from nmt.translator.glossary import Glossary
from nmt.translator.terms import check_terms

FORMATS = ("text", "jsonl")
_TERMS = ("prefix", "require", "forbid")
# Characters that end a line for some readers, though not for JSON.
_ESCAPED = str.maketrans({"\u0085": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"})


@dataclass(frozen=True)
class TranslationRequest:
    """One source to translate.

    id: the row's own, text or a whole number; else the number of its line, counted from 1.
    """

    id: str | int
    src: str
    terms: Terms


def request_of_json(number: int, line: str, terms: Terms) -> TranslationRequest:
    """A row ``{"src": ..., "id": ..., "prefix": ..., "require": [...], "forbid": [...],
    "glossary": {"cat": "chat", "dog": ["chien", "chienne"]}}``.

    Only src is required. Other names are ignored. terms: used where a row has none of its own.

    Raises ValueError for anything else.
    """
    row = json_object(line)
    if "src" not in row:
        names = ", ".join(map(repr, row)) or "nothing"
        raise ValueError(f'a row needs "src", the text to translate; it has {names}')
    identity = number if row.get("id") is None else row["id"]
    if isinstance(identity, bool) or not isinstance(identity, int | str):
        raise ValueError(f"id must be text or a whole number, got {json.dumps(identity)}")
    if isinstance(identity, str):
        checked_text("id", identity)
    src = checked_text("src", row["src"])
    return TranslationRequest(identity, src, terms_of_row(row, terms))


def terms_of_row(row: Mapping[str, Any], terms: Terms) -> Terms:
    """The terms of a row: its prefix, require, forbid and glossary, and ``terms`` where it has
    none of its own. Raises ValueError for what are no terms, or cannot all be kept."""
    own = _checked({name: row[name] for name in _TERMS if row.get(name) is not None})
    if row.get("glossary") is not None:
        own["glossary"] = _glossary(row["glossary"])
    if own:
        terms = replace(terms, **own)
        check_terms(terms)
    return terms


def terms_of_options(config: Mapping[str, Any]) -> Terms:
    """The options prefix, require, forbid and glossary, a file. Raises ValueError for a value that
    is no text, for terms that cannot all be kept, and what ``Glossary.read`` raises."""
    try:
        own = _checked({name: config[name] for name in _TERMS})
    except ValueError as error:
        remedy = """quotes within quotes make text of it: 'prefix="5"' 'require=["5"]'"""
        raise ValueError(f"{error}; {remedy}") from None
    path = config.get("glossary")
    terms = Terms(**own, glossary=None if path is None else Glossary.read(str(path)))
    check_terms(terms)
    return terms


def row_of_translation(request: TranslationRequest, translation: Translation) -> str:
    """A translation as one line of JSON."""
    row = {"id": request.id, "src": request.src, "alignment": None, **values_of(translation)}
    order = ("id", "src", "text", "score", "tokens", "alignment", "confidence", "flags")
    ordered = {name: row[name] for name in order if name in row}
    nbest = [values_of(other) for other in translation.nbest]
    asked = [{"term": term, "met": met} for term, met in translation.glossary]
    return one_row(**ordered, **({"glossary": asked} if asked else {}), nbest=nbest)


def values_of(one: Alternative) -> dict[str, Any]:
    """What a row says of one translation; nothing of what was not asked for."""
    row: dict[str, Any] = {"text": one.text, "score": finite(one.score), "tokens": one.tokens}
    if one.alignment is not None:
        row["alignment"] = " ".join(f"{src}-{tgt}" for src, tgt in one.alignment)
    if one.confidence is not None:
        row["confidence"] = [finite(value) for value in one.confidence]
    return row | {"flags": one.flags}


def one_row(**values: Any) -> str:
    """A JSON object in one line, without any character that a reader may take for a line's end."""
    return json.dumps(values, ensure_ascii=False, allow_nan=False).translate(_ESCAPED)


def finite(value: float) -> float | None:
    """Rounds to six decimals, more than fp32 gives; None, JSON's null, for NaN and infinity."""
    return round(value, 6) if math.isfinite(value) else None


def is_row(line: str) -> bool:
    """Whether a line is a JSON object with the name src."""
    try:
        return "src" in json_object(line)
    except ValueError:
        return False


def json_object(line: str) -> dict[str, Any]:
    """Parses a line. Raises ValueError unless it holds one JSON object."""
    found = repr(line[:40]) if line.strip() else "a blank line"
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"no JSON object: {found} ({error})") from None
    if not isinstance(row, dict):
        raise ValueError(f'a row must be a JSON object such as {{"src": "..."}}, not {found}')
    return row


def checked_text(name: str, value: object) -> str:
    """Returns ``value``. Raises ValueError unless it is text that UTF-8 can encode."""
    if not isinstance(value, str):
        raise ValueError(f"{name} must be text, got {json.dumps(value)}")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError(f"{name} holds half a surrogate pair, no text: {value[:40]!r}") from None
    return value


def _glossary(terms: object) -> Glossary:
    if not isinstance(terms, dict):
        raise ValueError(
            f'glossary must be an object such as {{"cat": "chat"}}, got {json.dumps(terms)[:40]}'
        )
    entries: dict[str, tuple[str, ...]] = {}
    for term, forms in terms.items():
        many = forms if isinstance(forms, list) else [forms]
        name = f"each translation of {json.dumps(term)} in glossary"
        entries[checked_text("each term of glossary", term)] = tuple(
            checked_text(name, form) for form in many
        )
    return Glossary.of(entries)


def _checked(terms: Mapping[str, Any]) -> dict[str, Any]:
    checked: dict[str, Any] = {}
    for name, value in terms.items():
        if name == "prefix":
            checked[name] = checked_text(name, value)
        else:
            values: Sequence[Any] = value if isinstance(value, list) else [value]
            checked[name] = tuple(checked_text(f"each of {name}", one) for one in values)
    return checked
