"""Writes a text otherwise: in another letter case, without its final stop, with other quotes and
dashes."""

# ruff: noqa: RUF001 (quotes and dashes)

import random
import re
from typing import TypeVar

from nmt.languages import base_code

T = TypeVar("T")

_WORD_START = re.compile(r"(?<![^\s(\[{\"“„«‘-])[^\W\d_]")
_LETTER_AFTER_OTHER = re.compile(r"(?<![^\W\d_])[^\W\d_]")
_FINAL = re.compile(r"(?<=[^\s.!?…。！？؟।])[\s]*(?:[.!?。！？؟।]+|…)\s*\Z")


def upper(text: str, language: str) -> str:
    """In capitals, as the language writes them: Turkish and Azerbaijani raise i to İ."""
    if base_code(language) in ("tr", "az"):
        text = text.replace("i", "İ")
    return text.upper()


def lower(text: str, language: str) -> str:
    """In small letters, likewise."""
    if base_code(language) in ("tr", "az"):
        text = text.replace("I", "ı").replace("İ", "i")
    return text.lower()


def title(text: str, language: str, *, after_any_sign: bool = False) -> str:
    """With a capital at the beginning of every word.

    after_any_sign: also within words, behind an apostrophe or any other sign: Don'T.
    """
    first = _LETTER_AFTER_OTHER if after_any_sign else _WORD_START
    return first.sub(lambda found: upper(found[0], language), text)


def final_stop(text: str) -> int | None:
    """Where a text's final full stop, question or exclamation mark begins, or the space before it;
    None if there is none."""
    found = _FINAL.search(text)
    return found.start() if found else None


def without_final_stop(text: str) -> str:
    """Without the full stop, question or exclamation mark at the end and the space before it."""
    return text[: final_stop(text)]


# Each sign with the weight of its being chosen.
_APOSTROPHES = {"'": 4, "’": 8, "‘": 1, "ʼ": 1, "´": 1, "`": 1}
_QUOTES = {
    ('"', '"'): 4,
    ("“", "”"): 6,
    ("„", "“"): 2,
    ("«", "»"): 2,
    ("« ", " »"): 2,
    ("‘", "’"): 1,
    ("''", "''"): 1,
}
_DASHES = {" - ": 2, " – ": 2, " — ": 2, "—": 1, " -- ": 1}
_HYPHENS = {"-": 6, "‐": 1, "‑": 1}
_DOTS = {"...": 1, "…": 1}

_APOSTROPHE = re.compile(r"(?<=[^\W\d_])['’‘ʼ´`′](?=[^\W\d_])|(?<=[sxz])['’ʼ](?=\s)")
_OPENING = re.compile(r"(?<![^\s(\[—–-])(?:[\"“”„‟]|''|«\s?)(?=\S)|«\s?")
_CLOSING = re.compile(r"(?<=\S)(?:[\"“”‟]|'')(?!\w)|\s?»")
_DASH = re.compile(r"(?<=\S)(?: (?:-|–|—|--) |(?<=\w)(?:—|--)(?=\w))(?=\S)")
_HYPHEN = re.compile(r"(?<=[^\W\d_])[-‐‑](?=[^\W\d_])")
_THREE_DOTS = re.compile(r"(?<!\.)\.\.\.(?!\.)|…")


def restyled(text: str, choose: random.Random) -> str:
    """With apostrophes, quotes, dashes, hyphens and dots of another style, the same style for each
    kind of sign. A text without such signs stays as it is."""
    for _ in range(4):  # a style may be that of the text
        opening, closing = quotes(choose)
        styled = text
        for pattern, sign in (
            (_OPENING, opening),
            (_CLOSING, closing),
            (_APOSTROPHE, _one_of(_APOSTROPHES, choose)),
            (_DASH, _one_of(_DASHES, choose)),
            (_HYPHEN, _one_of(_HYPHENS, choose)),
            (_THREE_DOTS, _one_of(_DOTS, choose)),
        ):
            styled = pattern.sub(sign, styled)
        if styled != text:
            return styled
    return text


def quotes(choose: random.Random) -> tuple[str, str]:
    """An opening and a closing quote."""
    return _one_of(_QUOTES, choose)


def _one_of(weights: dict[T, int], choose: random.Random) -> T:
    return choose.choices(list(weights), list(weights.values()))[0]
