"""Text that looks the same is written the same: spaces, controls, invisible signs, composition.

The rules are made of explicit lists of characters, so that they depend on no version of Python but
in composition (NFC), which is fixed for every character that Unicode has assigned.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nmt.checks import OptionError, boolean, field, one_of

SCHEMES = ("none", "spaces", "standard")
VERSION = 1  # raise it whenever a scheme gives another text; runs keep the version they began with

_BREAKS = "\0-\x1f\x7f-\x9f\u2028\u2029"  # controls, and characters that end a line
_SPACES = rf"{_BREAKS} \xa0\u1680\u2000-\u200a\u202f\u205f\u3000"
ANY_SPACES = f"[{_SPACES}]+"
"""A regular expression of what sources have one space for."""

_OTHER_THAN_ONE_SPACE = re.compile(rf"[{_SPACES}]{{2,}}|(?! )[{_SPACES}]")
_WITH_A_BREAK = re.compile(rf" *[{_BREAKS}][{_BREAKS} ]*")
_OUTER_SPACES = re.compile(rf"^[{_SPACES}]+|[{_SPACES}]+\Z")

_ZWNJ, _ZWJ = "\u200c", "\u200d"
_VOWEL_SEPARATOR = "\u180e"  # of Mongolian
_GRAPHEME_JOINER = "\u034f"
_BIDI_MARKS = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_FLAG = "\U0001f3f4"
_TAGS = "\U000e0001\U000e0020-\U000e007f"  # after a black flag they spell the flag of a region
_SIGNS = (
    rf"\xad\u200b\u2060-\u2064\u206a-\u206f\ufeff\ufff9-\ufffb{_ZWNJ}{_ZWJ}{_VOWEL_SEPARATOR}"
    rf"{_GRAPHEME_JOINER}{_BIDI_MARKS}{_TAGS}"
)
_INVISIBLE_RUN = re.compile(f"[{_SIGNS}]+")
_INVISIBLE = re.compile(f"[{_SIGNS}]")
_BIDI_MARK = re.compile(f"[{_BIDI_MARKS}]")
_TAG = re.compile(f"[{_TAGS}]")

_RIGHT_TO_LEFT = re.compile(
    "[\u0590-\u061b\u061d-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
# Scripts whose letters change with a joiner: Arabic, Indic, Mongolian and their kin.
_JOINING = re.compile(
    "[\u0600-\u061b\u061d-\u07ff\u0840-\u0dff\u1000-\u109f\u1700-\u180d\u180f-\u18af\u1900-\u1cff"
    "\u2d30-\u2d7f\ua800-\uaaff\uabc0-\uabff\ufb50-\ufdff\ufe70-\ufefc\U00010a00-\U00010aff"
    "\U00010d00-\U00010fff\U00011000-\U00011fff\U0001e900-\U0001e95f]"
)
_MONGOLIAN = re.compile("[\u1800-\u180d\u180f-\u18af]")
_HEBREW = re.compile("[\u0590-\u05ff\ufb1d-\ufb4f]")
_PICTURE = re.compile(
    "[\xa9\xae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u2328\u232b-\u23ff\u24c2\u25a0-\u27bf\u2900-\u297f"
    "\u2b00-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
)


@dataclass(frozen=True)
class Normalization:
    """A scheme by name and version. Each rule is idempotent.

    none: text as it is.
    spaces: sources have one space for every run of spaces and controls, and none outside. Targets
        have a space for every run of controls, and no outer spaces; other spaces within stay, as
        French writes no-break spaces that a translation must have.
    standard: also composes (NFC) both sides, and cuts invisible signs of sources where they mean
        nothing. Joiners stay beside letters of scripts that use them and between emoji, marks of
        direction in lines that hold right-to-left letters. Variation selectors stay.

    lowercase: both sides are also in small letters.

    Raises ValueError for a scheme or version that is not known.
    """

    scheme: str = "none"
    version: int = VERSION
    lowercase: bool = False

    def __post_init__(self) -> None:
        one_of("normalization", self.scheme, SCHEMES)
        boolean("lowercase", self.lowercase)
        if self.version != VERSION:
            raise OptionError(
                f"{field('normalization')}: this version of nmt knows version {VERSION} of "
                f"{self.scheme}, not {self.version!r}"
            )

    def source(self, text: str) -> str:
        """The text as a model reads it."""
        return self._written(0, text)

    def target(self, text: str) -> str:
        """The text as a model learns to write it."""
        return self._written(1, text)

    def _written(self, side: int, text: str) -> str:
        return _RULES[self.scheme][side](text.lower() if self.lowercase else text)

    @property
    def described(self) -> str:
        """The scheme with its version, as in "standard.v1" or "standard.v1.lowercase"; "none"."""
        scheme = self.scheme if self.scheme == "none" else f"{self.scheme}.v{self.version}"
        return f"{scheme}.lowercase" if self.lowercase else scheme

    def as_dict(self) -> dict[str, Any]:
        """The fields, for a file; ``Normalization(**fields)`` reads them."""
        fields: dict[str, Any] = {"scheme": self.scheme, "version": self.version}
        return fields | {"lowercase": True} if self.lowercase else fields


def _as_it_is(text: str) -> str:
    return text


def _with_single_spaces(text: str) -> str:
    return _OTHER_THAN_ONE_SPACE.sub(" ", text).strip(" ")


def _without_controls(text: str) -> str:
    return _OUTER_SPACES.sub("", _WITH_A_BREAK.sub(" ", text))


def _standard_source(text: str) -> str:
    if not text.isascii():
        # Composing comes last: a sign between two characters kept them from being composed.
        text = unicodedata.normalize("NFC", without_idle_signs(text))
    return _with_single_spaces(text)


def _standard_target(text: str) -> str:
    return _without_controls(text if text.isascii() else unicodedata.normalize("NFC", text))


def without_idle_signs(text: str) -> str:
    """The text without the invisible signs that mean nothing where they stand."""
    if not _INVISIBLE.search(text):
        return text
    right_to_left = _RIGHT_TO_LEFT.search(text) is not None

    def kept(run: re.Match[str]) -> str:
        before, after = _visible(text, run.start() - 1, -1), _visible(text, run.end(), 1)
        tags = before == _FLAG
        signs = ""
        for sign in run[0]:
            tags = tags and bool(_TAG.match(sign))
            if tags or _has_meaning(sign, before, after, right_to_left):
                signs += sign
        return signs

    return _INVISIBLE_RUN.sub(kept, text)


def _visible(text: str, place: int, step: int) -> str:
    """The first character from a place on that is no invisible sign and no combining mark; ""
    where there is none. What NFC may reorder is passed over, so that the rules are idempotent."""
    while 0 <= place < len(text):
        character = text[place]
        if not (_INVISIBLE.match(character) or unicodedata.category(character) in ("Mn", "Me")):
            return character
        place += step
    return ""


def _has_meaning(sign: str, before: str, after: str, right_to_left: bool) -> bool:
    """Whether an invisible sign changes how text looks. before, after: its visible neighbours."""
    if sign == _ZWNJ:
        return bool(_JOINING.match(before))
    if sign == _ZWJ:
        pictures = _PICTURE.match(before) and _PICTURE.match(after)
        return bool(pictures or _JOINING.match(before) or _JOINING.match(after))
    if sign == _VOWEL_SEPARATOR:
        return bool(_MONGOLIAN.match(before) and _MONGOLIAN.match(after))
    if sign == _GRAPHEME_JOINER:
        return bool(_HEBREW.match(before))
    return right_to_left and bool(_BIDI_MARK.match(sign))


_RULES: dict[str, tuple[Callable[[str], str], Callable[[str], str]]] = {
    "none": (_as_it_is, _as_it_is),
    "spaces": (_with_single_spaces, _without_controls),
    "standard": (_standard_source, _standard_target),
}
"""scheme -> the rules of sources and of targets."""
