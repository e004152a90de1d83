"""Cuts a line that is too long for the model into parts, and joins the parts' translations."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from unicodedata import category

from nmt.translator.translation import FLAGS, SPLIT, Alignment, Alternative, Translation

_CLOSING = (
    r"""["'»)\]}」』】》"""
    "\N{RIGHT SINGLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}\N{LEFT DOUBLE QUOTATION MARK}"
    "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}\N{FULLWIDTH RIGHT PARENTHESIS}]*"
)
_STOPS = "[.!?…؟।\N{ARABIC FULL STOP}]"
_WIDE_STOPS = "[。｡\N{FULLWIDTH EXCLAMATION MARK}\N{FULLWIDTH QUESTION MARK}]+"
_PAUSES = "[,;:،؛—\N{EN DASH}]"
_WIDE_PAUSES = "[、—\N{FULLWIDTH COMMA}\N{FULLWIDTH SEMICOLON}\N{FULLWIDTH COLON}]"
# The lookbehind makes a long run of stops cost one attempt, not one from each of its stops.
_SENTENCE_END = re.compile(rf"(?<!{_STOPS}){_STOPS}++{_CLOSING}\s+|{_WIDE_STOPS}{_CLOSING}\s*")
_CLAUSE_END = re.compile(rf"{_PAUSES}{_CLOSING}\s+|{_WIDE_PAUSES}{_CLOSING}\s*")
_SPACES = re.compile(r"\s+")

LEAST_SHARE = 8  # a sentence or clause end must leave at least an eighth on either side
ZERO_WIDTH_JOINER = "\u200d"


@dataclass(frozen=True)
class Part:
    """A piece of a line: where it starts, in characters, and its number of tokens."""

    start: int
    text: str
    tokens: int


def parts(line: str, count: Callable[[str], int], most: int, start: int = 0) -> list[Part]:
    """Cuts a line into parts of even length and at most ``most`` tokens, which ``count`` counts.

    It cuts at the ends of sentences, else at the ends of clauses, else between words, else anywhere
    (in languages without spaces). A part has more tokens only where a single character has. Nothing
    but white space is left out. start: of the line, added to that of each part.
    """
    start += len(line) - len(line.lstrip())
    text = line.strip()
    tokens = count(text)
    if not text:
        return []
    number = -(-tokens // most)
    places = next(filter(None, _choices(text)), []) if number > 1 else []
    if not places:
        return [Part(start, text, tokens)]
    middle = number // 2 / number * len(text)
    place = min(places, key=lambda place: abs(place - middle))
    head = parts(text[:place], count, most, start)
    return head + parts(text[place:], count, most, start + place)


def _choices(text: str) -> Iterator[Sequence[int]]:
    """Places to cut at, the better kinds first."""
    margin = len(text) // LEAST_SHARE
    yield [place for place in _ends(_SENTENCE_END, text, margin) if not text[place].islower()]
    yield _ends(_CLAUSE_END, text, margin)
    yield _ends(_SPACES, text, 0)
    yield [place for place in range(1, len(text)) if not _joined(text, place)]
    yield range(1, len(text))


def _ends(pattern: re.Pattern[str], text: str, margin: int) -> list[int]:
    ends = [found.end() for found in pattern.finditer(text)]
    return [end for end in ends if max(margin, 1) <= end <= len(text) - max(margin, 1)]


def _joined(text: str, place: int) -> bool:
    """Whether the code points before and after the place belong to one visible character."""
    before, after = text[place - 1], text[place]
    return ZERO_WIDTH_JOINER in (before, after) or category(after).startswith("M")


def join(
    line: str, cut: Sequence[Part], translations: Sequence[Translation], separator: str
) -> Translation:
    """Joins the translations of a line's parts.

    The score is the mean of the parts' scores, weighted by their source tokens. As these weights
    do not depend on the translations, the best parts make the best whole, and the n best of each
    part make the n best wholes.
    """
    total = sum(part.tokens for part in cut)
    shares = [part.tokens / total for part in cut]
    best = _joined_best([[one] for one in translations], shares, separator, 1)[0]
    nbest = [list(one.nbest) for one in translations]
    most = max(len(alternatives) for alternatives in nbest)
    return Translation(
        **vars(best),
        alignment=_joined_links(line, cut, translations, separator),
        nbest=tuple(_joined_best(nbest, shares, separator, most)),
    )


def _joined_best(
    lists: Sequence[Sequence[Alternative]], shares: Sequence[float], separator: str, most: int
) -> list[Alternative]:
    """The ``most`` best of all ways to join one alternative from each list."""
    joined = [Alternative("", 0.0, 0, (SPLIT,))]
    for alternatives, share in zip(lists, shares, strict=True):
        joined = [
            Alternative(
                text=separator.join(filter(None, [head.text, tail.text])),
                score=head.score + share * tail.score,
                tokens=head.tokens + tail.tokens,
                flags=tuple(flag for flag in FLAGS if flag in head.flags + tail.flags),
            )
            for head in joined
            for tail in alternatives
        ]
        joined = sorted(joined, key=lambda one: -one.score)[:most]
    return joined


def _joined_links(
    line: str, cut: Sequence[Part], translations: Sequence[Translation], separator: str
) -> Alignment | None:
    """The parts' alignments as one of the line; None where a part has none."""
    links: set[tuple[int, int]] = set()
    text = ""
    for part, one in zip(cut, translations, strict=True):
        if one.alignment is None:
            return None
        text += separator if text and one.text else ""
        src_word = _words_before(line, part.start, part.text)
        tgt_word = _words_before(text + one.text, len(text), one.text)
        links |= {(src_word + src, tgt_word + tgt) for src, tgt in one.alignment}
        text += one.text
    return tuple(sorted(links))


def _words_before(text: str, start: int, rest: str) -> int:
    """The index of the first word in ``rest``, which stands in the text at ``start``."""
    head = text[:start]
    goes_on = bool(head and rest) and not head[-1].isspace() and not rest[0].isspace()
    return len(head.split()) - goes_on
