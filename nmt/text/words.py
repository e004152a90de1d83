"""When a term stands in a text: the one definition that search, flags and glossaries share.

A term stands where its characters stand and no word goes on beyond it: a letter or digit at the
term's edge has none beside it. A combining mark belongs to the letter before it. An apostrophe, a
hyphen or a bracket ends a word, so that "l'école" holds "école". A full stop, a comma or an
apostrophe within a number does not end the number, so that 19.99 stands neither in 19.99.5 nor in
3.19.99. Letters of scripts without spaces between words, such as Chinese, stand beside any other.

Both sides are compared in Unicode's composed form (NFC), all white space is alike, and nothing else
is: case counts unless told otherwise.
"""

import unicodedata
from collections.abc import Iterator
from enum import IntEnum
from functools import cache

from nmt.languages import base_code
from nmt.text.sentences import Span


class Kind(IntEnum):
    """What a character means to the words beside it.

    MARK: changes the character before it. BRIDGE: "_" and invisible characters, on both sides of
    which one word may go on. POINT: goes on with a number if digits stand on both sides. OTHER:
    ends a word; letters of scripts without spaces are such.
    """

    LETTER = 0
    DIGIT = 1
    MARK = 2
    BRIDGE = 3
    POINT = 4
    OTHER = 5


_POINTS = frozenset(
    ".,'\N{RIGHT SINGLE QUOTATION MARK}\N{MIDDLE DOT}"
    "\N{ARABIC DECIMAL SEPARATOR}\N{ARABIC THOUSANDS SEPARATOR}"
)
_JOINER = "\N{ZERO WIDTH JOINER}"
_WITHOUT_SPACES = (
    *("CJK", "IDEOGRAPHIC", "HIRAGANA", "KATAKANA", "HALFWIDTH KATAKANA", "BOPOMOFO"),
    *("THAI", "LAO", "KHMER", "MYANMAR", "TAI ", "NEW TAI"),
)


@cache
def kind(character: str) -> Kind:
    category = unicodedata.category(character)
    if category[0] == "M" or character == _JOINER:
        return Kind.MARK
    if category == "Cf" or character == "_":
        return Kind.BRIDGE
    if character in _POINTS:
        return Kind.POINT
    if category[0] not in "LN" or unicodedata.name(character, "").startswith(_WITHOUT_SPACES):
        return Kind.OTHER
    return Kind.LETTER if category[0] == "L" else Kind.DIGIT


class Before(IntEnum):
    """What a text ends with: nothing that a word could go on, a letter, a digit, or a digit and a
    point."""

    NOTHING = 0
    LETTER = 1
    DIGIT = 2
    POINT = 3

    def then(self, following: Kind) -> "Before":
        """The same after one character more."""
        if following in (Kind.MARK, Kind.BRIDGE):
            return self
        if following == Kind.POINT:
            return Before.POINT if self == Before.DIGIT else Before.NOTHING
        return {Kind.LETTER: Before.LETTER, Kind.DIGIT: Before.DIGIT}.get(following, Before.NOTHING)

    def admits(self, edge: Kind) -> bool:
        """Whether a term that begins with such an edge may begin here."""
        if edge == Kind.DIGIT:
            return self == Before.NOTHING
        return edge != Kind.LETTER or self in (Before.NOTHING, Before.POINT)


class After(IntEnum):
    """What has followed a term: nothing yet, invisible characters, a point behind a digit; or
    enough to know whether the term stands there."""

    NOTHING = 0
    BRIDGE = 1
    POINT = 2
    STANDS = 3
    FAILS = 4

    def then(self, following: Kind, edge: Kind) -> "After":
        """The same after one character more. edge: what the term ends with."""
        if self in (After.STANDS, After.FAILS):
            return self
        if self == After.POINT:
            return After.FAILS if following == Kind.DIGIT else After.STANDS
        if following == Kind.MARK:
            return After.FAILS if self == After.NOTHING else self
        if edge not in (Kind.LETTER, Kind.DIGIT):
            return After.STANDS
        if following == Kind.BRIDGE:
            return After.BRIDGE
        if following in (Kind.LETTER, Kind.DIGIT):
            return After.FAILS
        return After.POINT if following == Kind.POINT and edge == Kind.DIGIT else After.STANDS


def edges(term: str) -> tuple[Kind, Kind]:
    """What the words beside a term see of its first and last character. term: ``plain`` text."""
    last = (kind(one) for one in reversed(term) if kind(one) not in (Kind.MARK, Kind.BRIDGE))
    return kind(term[0]), next(last, Kind.OTHER)


def plain(text: str) -> str:
    """The form in which terms are compared: NFC, and a space for each character of white space."""
    text = unicodedata.normalize("NFC", text)
    return text if text.isascii() and text.isprintable() else "".join(map(_space, text))


def occurrences(term: str, text: str, language: str, ignore_case: bool = False) -> list[Span]:
    """Where the term stands in the text, left to right, not overlapping; nowhere if it is blank.

    language: of the text, "" for unknown; it decides what upper and lower case are alike.
    """
    wanted = _folded(plain(term.strip()), language, ignore_case)
    whole = _folded(plain(text), language, ignore_case)
    if not wanted or wanted not in whole:
        return []  # the usual case, found fast
    first, last = edges(wanted)
    found, before, end = [], Before.NOTHING, 0
    characters = _characters(text, language, ignore_case)
    whole = "".join(each for each, _ in characters)
    places = [span for each, span in characters for _ in each]
    for place, character in enumerate(whole):
        if place >= end and whole.startswith(wanted, place) and before.admits(first):
            stop = place + len(wanted)
            inside = stop < len(whole) and places[stop] == places[stop - 1]
            if not inside and _stands(whole[stop:], last):
                found.append(Span(places[place].start, places[stop - 1].end))
                end = stop
        before = before.then(kind(character))
    return found


def _stands(rest: str, edge: Kind) -> bool:
    """Whether a term with this edge stands before ``rest``."""
    after = After.NOTHING
    for character in rest:
        after = after.then(kind(character), edge)
        if after in (After.STANDS, After.FAILS):
            break
    return after != After.FAILS


def _characters(text: str, language: str, ignore_case: bool) -> list[tuple[str, Span]]:
    """Each character as it is compared, with the characters of ``text`` that it comes from."""
    return [
        (_folded(plain(text[span.start : span.end]), language, ignore_case), span)
        for span in _clusters(text)
    ]


def _clusters(text: str) -> Iterator[Span]:
    """The text in pieces that composing changes each for itself: a character with what may compose
    with it, marks and the later letters of a Korean syllable."""
    if unicodedata.is_normalized("NFC", text):
        yield from (Span(place, place + 1) for place in range(len(text)))
        return
    start = 0
    for place in range(1, len(text)):
        later = "\u1160" <= text[place] <= "\u11ff" and (
            "\u1100" <= text[place - 1] <= "\u11ff" or "\uac00" <= text[place - 1] <= "\ud7a3"
        )
        if not later and unicodedata.category(text[place])[0] != "M":
            yield Span(start, place)
            start = place
    yield Span(start, len(text))


def _folded(text: str, language: str, ignore_case: bool) -> str:
    if not ignore_case:
        return text
    if base_code(language) in ("tr", "az"):  # their i with and without a dot are two letters
        text = text.replace("I", "\N{LATIN SMALL LETTER DOTLESS I}").replace("\u0130", "i")
    return text.casefold()


def _space(character: str) -> str:
    return " " if character.isspace() else character
