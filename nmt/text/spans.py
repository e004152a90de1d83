"""Finds the spans of a text that a translation must have as they are: addresses, placeholders,
tags, emoji, codes, numbers; and tells which of them a translation has altered.

Every pattern here takes time in proportion to the text, whatever the text: what could be tried from
many places ends at the next sign that it excludes, begins at no place within a run of its own
characters, or is possessive.
"""

import difflib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nmt.checks import OptionError, field, one_of
from nmt.text.numbers_within import missing_numbers
from nmt.text.sentences import Span

# Scripts without spaces, whose text may follow an address at once.
_RUN_ON = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2010-\u206f\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff"
    "\ufe30-\ufe4f\uff00-\uffef\U00020000-\U0010ffff"
)
_IN_URL = rf"""[^\s<>"'`«»{{}}|\\^\[\]().,:;!?*{_RUN_ON}]"""
_URL_REST = rf"(?:[.,:;!?'*]*+(?:{_IN_URL}|\{{[^\s{{}}]*+\}}|\([^\s()<>]*+\)))"
_TOP_LEVELS = "com|org|net|edu|gov|info|io|dev|app"
_EXTENSIONS = (
    "txt|pdf|docx?|xlsx?|pptx?|odt|csv|tsv|json|xml|html?|png|jpe?g|gif|svg|mp[34]|zip|gz|exe|py|js|"
    "css|ya?ml|md|ini|cfg|conf|log|po|sh|sql"
)
_DOMAIN = r"(?:[A-Za-z0-9-]++\.)+"
_LETTER = "A-Za-z\u00c0-\u024f"
_CONVERSION = "(?:hh?|ll?|[zjtL])?[sdiufFeEgGxXoc@]"
_SYMBOLS = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u2460-\u27bf\u2900-\u297f"
    "\u2b00-\u2bff\u3030\u303d\u3297\u3299\ue000-\uf8ff\U0001f000-\U0001fbff"
)
_THIN = "\u00a0\u202f\u2009"
_BETWEEN_DIGITS = ".,'\u2019\u066b\u066c:/\u2010\u2011\u2013-"
_EXPONENT = "(?:[eE][+-]?[0-9]++)?+"

_KNOWN = {
    "url": (
        r"://|\.[A-Za-z]",
        rf"(?<![A-Za-z0-9+.-])(?:[A-Za-z][A-Za-z0-9+.-]{{1,15}}://|www\.){_URL_REST}++"
        rf"|(?<![A-Za-z0-9@._-]){_DOMAIN}(?:(?:{_TOP_LEVELS})(?![A-Za-z0-9@_-])"
        rf"(?:[:/?#]{_URL_REST}*+)?+|[A-Za-z]{{2,}}+/{_URL_REST}++)",
    ),
    "email": (
        "@",
        rf"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]++@{_DOMAIN}[A-Za-z]{{2,}}"
        rf"|(?<![\w@/.])@[A-Za-z_][A-Za-z0-9_]++",
    ),
    "path": (
        r"[/\\]|\.[A-Za-z]",
        r"(?<![A-Za-z0-9_/.~<])(?:~|\.{1,2})?(?:/[A-Za-z0-9_.+-]*[A-Za-z0-9_+-]){2,}/?"
        r"|(?<![A-Za-z0-9])[A-Za-z]:\\(?:[.]*+[\w\\~+-])++"
        rf"|(?<![A-Za-z0-9_.-])(?:[{_LETTER}0-9_-]++\.)+(?i:{_EXTENSIONS})(?![A-Za-z0-9_])",
    ),
    "variables": (
        "[$%#@]",
        r"\$\{[^{}]*+\}|\$\([A-Za-z_][\w.-]*+\)|\$[A-Za-z_][A-Za-z0-9_]*+|[#%@]\{[^{}]*+\}"
        r"|%\([A-Za-z_]\w*+\)[-+#0-9.]*+[A-Za-z]"
        rf"|(?<![\d%])%(?:[0-9]++\$)?[-+#0]*+[0-9]*+(?:\.[0-9]++)?{_CONVERSION}"
        rf"(?!(?!s(?![{_LETTER}]))[{_LETTER}])|(?<=[sdiufgx])%%|%[A-Za-z_][A-Za-z0-9_]++%",
    ),
    "braces": (r"\{", r"\{(?:[^{}]++|\{(?:[^{}]++|\{[^{}]*+\})*+\})*+\}"),
    "tags": (
        "<",
        r"</?[A-Za-z][A-Za-z0-9:_.-]*+(?:\s[^<>]*+)?/?>|</?[0-9]{1,3}/?>"
        r"|<!--[^<>]*+(?<=--)>|<[!?%][^<>]*+>",
    ),
    "entities": ("&", "&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});"),
    "emoji": (
        rf"[{_SYMBOLS}:;=\u20e3]",
        rf"(?:[0-9#*]\ufe0f?\u20e3"
        rf"|[{_SYMBOLS}][{_SYMBOLS}\ufe0e\ufe0f\u200d\u20e3\U000e0020-\U000e007f]*+)++"
        r"|(?<![A-Za-z0-9:]):[a-z][a-z0-9_+-]{1,30}:(?![A-Za-z0-9:])"
        r"|(?<!\S)[:;=]['^-]?[()DPpOo|](?![^\s.,!?])",
    ),
    "code": (
        "[0-9_]",
        rf"(?<![{_LETTER}0-9_])(?:"
        r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|0x[0-9A-Fa-f]++"
        r"|[vV][0-9]++(?:\.[0-9]++)++(?:[-+.]?(?:alpha|beta|rc|dev)\.?[0-9]*+)?"
        r"|(?:[A-Z]{1,6}+-?|[a-z]{1,4}+)[0-9][A-Za-z0-9]*+(?:[-.][A-Z0-9]++(?![a-z]))*+"
        r"|[0-9]++[A-Za-z]++[0-9][A-Za-z0-9]*+"
        r"|(?=[a-f]++[0-9])[0-9a-f]{7,64}(?![A-Za-z0-9_])"
        r"|[A-Za-z][A-Za-z0-9]*+(?:_++[A-Za-z0-9]++)++)"
        r"|#[0-9A-Fa-f]{6}(?![A-Za-z0-9])",
    ),
    "number": (
        r"\d",
        # Beginning with a set of characters, it is searched for five times as fast.
        rf"[\d+](?:(?<!\d\d)(?<!\+)(?:\d{{0,2}}+(?: \d{{3}}(?!\d))++(?:[.,]\d++)?"
        rf"|\d*+(?:(?:[{_BETWEEN_DIGITS}]|[{_THIN}](?=\d{{3}}(?!\d)))\d++)++"
        rf"(?:T[0-9][0-9:.]*+Z?)?{_EXPONENT}|\d{{4,}}+{_EXPONENT})"
        rf"|(?<=\+)[0-9]{{1,3}}(?:[ {_THIN}.-][0-9]++)++)",
    ),
    "escapes": (r"\\", r"""\\(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|[nrtfv"'0\\])"""),
}
"""name -> what every text with such a span holds, and the span. Of two that begin at one place, the
earlier one stands."""

DEFAULT_PATTERNS = tuple(_KNOWN)
_NO_KNOWN_SPAN = re.compile(rf"(?:[^\d$%#@{{<&/\\_:;={_SYMBOLS}\u20e3.]|\.(?![A-Za-z]))*+\Z")
_ALL = "default"
NUMBERS = ("copy", "model")


@dataclass(frozen=True)
class Protection:
    """The spans that are to be copied.

    patterns: names of ``DEFAULT_PATTERNS``, "default" for all of them, and regular expressions. Of
        spans that overlap, the first stands; of those that begin at one place, that of the earlier
        pattern.
    numbers: "copy": numbers of over four digits or with separators are spans. "model": no number
        is; a model may write it as its language does.

    Raises ValueError for a pattern that is neither.
    """

    patterns: Sequence[str] = DEFAULT_PATTERNS
    numbers: str = "copy"

    def __post_init__(self) -> None:
        one_of("numbers", self.numbers, NUMBERS)
        given = self.patterns
        if isinstance(given, str) or not all(isinstance(one, str) and one for one in given):
            raise OptionError(
                f"{field('patterns')} must be a list of names and regular expressions,"
                f" got {given!r}"
            )
        named = [name for one in given for name in (DEFAULT_PATTERNS if one == _ALL else [one])]
        if self.numbers == "model":
            named = [name for name in named if name != "number"]
        object.__setattr__(self, "patterns", tuple(given))
        object.__setattr__(self, "_compiled", [_compiled(one) for one in dict.fromkeys(named)])

    def find(self, text: str) -> list[Span]:
        """The spans, from left to right. They do not overlap, and none is empty."""
        patterns: list[tuple[re.Pattern[str] | None, re.Pattern[str]]] = self.__dict__["_compiled"]
        if _NO_KNOWN_SPAN.match(text):
            patterns = [one for one in patterns if one[0] is None]
        upcoming = [
            (number, pattern, first)
            for number, (signs, pattern) in enumerate(patterns)
            if (signs is None or signs.search(text)) and (first := _next(pattern, text, 0))
        ]
        if len(upcoming) == 1:
            pattern = upcoming[0][1]
            return [Span(*one.span()) for one in pattern.finditer(text) if one.end() > one.start()]
        found, end = [], 0
        while upcoming:
            span = Span(*min(upcoming, key=lambda one: (one[2].start(), one[0]))[2].span())
            found.append(span)
            end = span.end
            upcoming = [
                (number, pattern, following)
                for number, pattern, one in upcoming
                if (following := one if one.start() >= end else _next(pattern, text, end))
            ]
        return found

    def altered(self, source: str, translation: str, language: str) -> list[str]:
        """What of the source the translation lacks, has changed or has more often; and spans
        without digits that only the translation has.

        Spans count where they stand as they are. Numbers outside of spans are compared by value, in
        any notation: 1,234.5 is 1 234,5 and not 12345. One that is missing may be written out: a
        digit, if the translation holds no other number in its place.

        language: of the translation; a code such as "fr".
        """
        spans = self.find(source)
        wanted = Counter(source[span.start : span.end] for span in spans)
        found = self.find(translation)
        there: dict[str, list[Span]] = {text: [] for text in wanted}
        others: list[Span] = []
        for span in found:
            text = translation[span.start : span.end]
            there.get(text, others).append(span)
        rest = _without(translation, found)
        for text, count in wanted.items():
            if len(there[text]) < count:  # it may have neighbours that made another span of it
                there[text] += _occurrences(text, rest)
        altered = [text for text, count in wanted.items() if len(there[text]) != count]
        for span in others:
            text = translation[span.start : span.end]
            if not any(map(str.isdigit, text)) and text not in source:
                altered.append(text)
        left = _without(translation, sorted(span for spans in there.values() for span in spans))
        altered += missing_numbers(_without(source, spans), left, language)
        return altered


def without_spans(text: str, spans: Sequence[Span]) -> str:
    """The text with a space in place of each span; spans in order, none over another."""
    for span in reversed(spans):
        text = text[: span.start] + " " + text[span.end :]
    return text


def has_letters(text: str) -> bool:
    """Whether a text holds anything to translate: a letter of any script."""
    return any(map(str.isalpha, text))


def _compiled(pattern: str) -> tuple[re.Pattern[str] | None, re.Pattern[str]]:
    """What a text with a span must hold, None for anything, and the span."""
    if pattern in _KNOWN:
        signs, span = _KNOWN[pattern]
        return re.compile(signs), re.compile(span)
    if re.fullmatch("[a-z]+", pattern):
        close = difflib.get_close_matches(pattern, _KNOWN, n=1)
        meant = f", did you mean {close[0]}?" if close else ""
        raise OptionError(
            f"{field('patterns')}: there is no {pattern}{meant} The names are {', '.join(_KNOWN)}; "
            f"for the word itself write (?:{pattern})"
        )
    try:
        return None, re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise OptionError(
            f"{field('patterns')}: {pattern!r} is no regular expression: {error}"
        ) from None


def _next(pattern: re.Pattern[str], text: str, start: int) -> re.Match[str] | None:
    """The next match that is not empty."""
    found = pattern.search(text, start)
    while found and found.end() == found.start():
        found = pattern.search(text, found.end() + 1) if found.end() < len(text) else None
    return found


def _without(text: str, spans: Sequence[Span]) -> str:
    """The text with line breaks in the place of spans, every other character at its place."""
    pieces, end = [], 0
    for span in spans:
        pieces += [text[end : span.start], "\n" * (span.end - span.start)]
        end = span.end
    return "".join(pieces) + text[end:]


def _occurrences(span: str, text: str) -> Iterator[Span]:
    """Where a span stands in a text and is not part of something longer."""
    start = text.find(span)
    while start >= 0:
        end = start + len(span)
        before, after = text[max(start - 2, 0) : start], text[end : end + 2]
        if not _goes_on(span[0], before[::-1]) and not _goes_on(span[-1], after):
            yield Span(start, end)
        start = text.find(span, end)


def _goes_on(edge: str, beyond: str) -> bool:
    """Whether what is beyond an edge belongs to it, from the edge outwards: a letter or digit to a
    letter or digit, a digit behind a separator to a digit, a sign to the same sign."""
    if not beyond:
        return False
    if edge.isalnum():
        number = edge.isdigit() and beyond[0] in _BETWEEN_DIGITS and beyond[1:2].isdigit()
        return beyond[0].isalnum() or number
    return beyond[0] == edge
