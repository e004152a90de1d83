"""Compares the numbers of two texts by value, in whatever notation each text has them."""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import TypeAlias

from nmt.languages import base_code

_SPACES = " \u00a0\u202f\u2009"
_POINTS = ".,\u066b"
_SEPARATORS = f"{_POINTS}'\u2019\u066c{_SPACES}"
_NUMBER = re.compile(rf"\d++(?:(?:[{_POINTS}'\u2019\u066c]|[{_SPACES}](?=\d{{3}}(?!\d)))\d++)*+")
_PIECES = re.compile(rf"([{_SEPARATORS}])")

Value: TypeAlias = tuple[str, str]
"""The digits before and behind the decimal point, without zeros that mean nothing."""

_WRITTEN_IN_SIGNS = {
    "zh": "〇零一二三四五六七八九十百千万萬亿億两",
    "ja": "〇零一二三四五六七八九十百千万億",
}

_DIGITS_IN_WORDS = {
    "de": "drei|dritt vier fünf sechs sieb acht neun",
    "en": "three|third|tri four|quad|quart five|fif six seven eight nin",
    "es": "tres|terc|tri cuatr|cuart cinco|quint seis|sext siete|sépt ocho|octav nuev|noven",
    "fr": "trois|tri|tier quatr|quart cinq|quint six|sixi sept huit neuf|neuv",
    "it": "tre|terz|tri quattr|quart cinque|quint sei|sest sett otto|ottav nov|non",
    "nl": "drie|derd vier vijf|vijv zes zeven acht negen",
    "pt": "três|terc|tri quatr|quart cinco|quint seis|sext sete|sétim oito|oitav nov|non",
}
"""How words begin that say 3 to 9. Of 1 and 2 there are too many: a, an, once, both, a pair."""


def missing_numbers(source: str, translation: str, language: str) -> list[str]:
    """The numbers of the source, as it has them, that the translation does not have.

    A number of one digit may be written out, and in Chinese and Japanese any number: it is missing
    only where the translation holds another number in its place, or, in languages whose words are
    known here, no word for it. A number below 100 may be in Roman numerals.

    language: of the translation.
    """
    wanted = _numbers(source)
    if not wanted:
        return []
    there = _numbers(translation)
    places: dict[Value, list[int]] = {}
    for number, (_, values) in enumerate(there):
        for value in values:
            places.setdefault(value, []).append(number)
    used: set[int] = set()
    lacking = []
    for text, values in wanted:
        for value in values:
            at = places.get(value, [])
            while at and at[-1] in used:
                at.pop()
            if at:
                used.add(at.pop())
                break
        else:
            lacking.append((text, values))
    others = len(there) > len(used)
    signs = _WRITTEN_IN_SIGNS.get(base_code(language), "")
    in_signs = any(sign in translation for sign in signs)

    @cache
    def is_written_out(text: str, value: Value) -> bool:
        """Whether the translation may have a number in words, or has it in Roman numerals."""
        whole, decimals = value
        digit = len(whole) == 1 and not decimals
        if digit and text == whole:  # 05 may be a month
            digit = _may_say(translation, whole, language)
        in_words = not others and (in_signs or digit)
        return in_words or (not decimals and _has_roman(translation, whole))

    return [
        text for text, values in lacking if not any(is_written_out(text, value) for value in values)
    ]


def _may_say(text: str, digit: str, language: str) -> bool:
    """Whether a text in this language may hold the digit in words."""
    known = _DIGITS_IN_WORDS.get(base_code(language))
    if known is None or digit in "012":
        return True
    words = known.split()[int(digit) - 3]
    return re.search(rf"(?<!\w)(?:{words})", unicodedata.normalize("NFC", text.lower())) is not None


def _numbers(text: str) -> list[tuple[str, Sequence[Value]]]:
    """Each number of a text, and the values that it may have."""
    found: list[tuple[str, Sequence[Value]]] = []
    for match in _NUMBER.finditer(text):
        groups, separators = (pieces := _PIECES.split(match[0]))[::2], pieces[1::2]
        if values := _values(groups, separators):
            found.append((match[0], values))
        else:  # a list, a date, the parts of a version
            found += [(group, [_value(group)]) for group in groups]
    return found


def _values(groups: Sequence[str], separators: Sequence[str]) -> list[Value]:
    """The values of groups of digits between separators; none if they are no single number."""
    if not separators:
        return [_value(groups[0])]
    values = []
    if _are_thousands(groups, separators):
        values.append(_value("".join(groups)))
    *whole, decimals = groups
    *before, point = separators
    if point in _POINTS and point not in before and _are_thousands(whole, before):
        values.append(_value("".join(whole), decimals))
    return values


def _are_thousands(groups: Sequence[str], separators: Sequence[str]) -> bool:
    """Whether groups are the thousands, millions, ... of one number; or lakhs and crores."""
    if not separators:
        return True
    first, *middle, last = map(len, groups)
    one_kind = len(set(separators)) == 1
    sizes = (set(middle) <= {3} and first <= 3) or (set(middle) == {2} and first <= 2)
    return one_kind and last == 3 and sizes


def _value(whole: str, decimals: str = "") -> Value:
    return _ascii(whole).lstrip("0") or "0", _ascii(decimals).rstrip("0")


def _ascii(digits: str) -> str:
    """Digits of any script as 0 to 9."""
    if digits.isascii():
        return digits
    return "".join(str(unicodedata.digit(digit)) for digit in digits)


_TENS = ("", "X", "XX", "XXX", "XL", "L", "LX", "LXX", "LXXX", "XC")
_ONES = ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX")


def _has_roman(text: str, number: str) -> bool:
    """Whether a text has a number below 100 in Roman numerals, as in XIXe or XIX."""
    if len(number) > 2 or number == "0":
        return False
    roman = _TENS[int(number[:-1] or 0)] + _ONES[int(number[-1])]
    # Words such as Il, Le and Va begin like a number.
    ordinal = {"I": "(?:er|re)?", "L": ""}.get(roman, "(?:e|i?\u00e8me)?")
    return re.search(rf"(?<!\w){roman}{ordinal}(?![\w'\u2019])", text) is not None
