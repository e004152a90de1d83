"""Cuts a line into the parts that a model translates well, and joins the parts' translations.

A model that has learnt from lines of one sentence translates the first sentence of a longer line,
and leaves out the others. So a line with more sentences than training lines had is cut where
sentences end.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from unicodedata import category

from nmt.languages import is_written_without_spaces
from nmt.text.sentences import Span, split_sentences
from nmt.translator.translation import FLAGS, SPLIT, Alternative, Translation

SENTENCES = ("auto", "line", "split")

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

_BLOCKS = "p|br|div|li|ul|ol|dl|dt|dd|h[1-6]|hr|table|tr|td|th|section|article|blockquote|title"
# Markup of paragraphs and the like, and line breaks as programs write them behind a sentence.
_BLOCK_MARKS = re.compile(
    rf"(?:(?:</?(?i:{_BLOCKS})(?:\s[^<>]*+)?/?>|(?<![\w:\\])(?:\\r)?\\n)\s*+)++"
)
_MARKS = re.compile(r"[^\w\s]*(?:\d+(?:\.\d+)*)?[^\w\s]*\s+(?=\S)")  # 1. or a dash in front
# A stop without a space behind it: sleeps.The
_GLUED = re.compile(r"(?<=[^\W\d_]{3})[.!?\u2026]++[^\w\s<{]*(?:</[^<>]*>|\{[^{}]*\})*")
_MARKUP_ENDS, _MARKUP_STARTS = (">", "}", "\\n"), ("<", "{", "\\")

LEAST_TOKENS = 16  # of a part that is cut once more
LEAST_SHARE = 8  # a sentence or clause end must leave at least an eighth on either side
ZERO_WIDTH_JOINER = "\u200d"


@dataclass(frozen=True)
class Part:
    """A piece of a line: where it starts, in characters, and its number of tokens."""

    start: int
    text: str
    tokens: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


Count = Callable[[str], int]
"""The number of a text's tokens."""

Spans = Callable[[str], Sequence[Span]]
"""The places of a text that must be copied, from left to right."""


def _no_spans(text: str) -> Sequence[Span]:
    return ()


@dataclass(frozen=True)
class Cutting:
    """How lines are cut.

    sentences: "line": never. "split": at the end of every sentence. "auto": at ends of sentences
        where a line has more of them than ``most_sentences``, or more tokens than ``usual_tokens``.
    most_sentences: what nearly all training lines have at most.
    usual_tokens: the same, of source tokens.
    longest: source tokens of the longest line in training. A sentence that is longer is cut within,
        into parts of at most ``usual_tokens``.

    spans: what must not be cut. Where tags are such, those of paragraphs and the like divide
        sentences, and stand for themselves.

    None: unknown, so no reason to cut. A line break in the text is the end of a sentence.
    """

    language: str
    sentences: str
    most_sentences: int | None
    usual_tokens: int | None
    longest: int | None
    spans: Spans = _no_spans

    def __call__(self, line: str, tokens: int, count: Count) -> list[Part]:
        """The parts of a line, which has so many tokens, in order. Only white space is left out.
        [] for a blank line."""
        whole = _stripped(line, tokens)
        if self.sentences == "line" or not whole:
            return whole
        if self.sentences == "auto" and self.most_sentences is None:
            return self._within(whole[0], count)
        spans = self._sentences(line)
        breaks = "\n" in whole[0].text
        usual = self.usual_tokens is None or tokens <= self.usual_tokens
        if len(spans) == 1 or (usual and not breaks and len(spans) <= self._most()):
            return self._within(whole[0], count)
        groups: list[Part] = []
        held = 0  # sentences in the last group
        for start, end in spans:
            sentence = Part(start, line[start:end], count(line[start:end]))
            longer = Part(*_union(line, groups[-1], sentence)) if groups else sentence
            fits = self.usual_tokens is None or longer.tokens <= self.usual_tokens
            gap = longer.text[len(groups[-1].text) : -len(sentence.text)] if groups else "\n"
            if "\n" not in gap and held < self._most() and fits:
                groups[-1], held = longer, held + 1
            else:
                groups, held = [*groups, sentence], 1
        return [part for group in groups for part in self._within(group, count)]

    def smaller(self, text: str, tokens: int, count: Count) -> list[Part]:
        """A text that was translated badly, cut once more: into its sentences, with or without
        spaces between them; behind the signs that it begins with; or into halves."""
        spans = self._sentences(text)
        spans = spans if len(spans) > 1 else _uncut(text, _pieces(text), self.spans)
        if len(spans) > 1:
            return [Part(at, text[at:end], count(text[at:end])) for at, end in spans]
        if tokens < LEAST_TOKENS:
            return _stripped(text, tokens)
        return parts(text, count, -(-tokens // 2), keep=self.spans)

    def _sentences(self, text: str) -> list[Span]:
        marked = _BLOCK_MARKS.finditer(text) if self.spans("<p>") else ()
        marks = [Span(*one.span()) for one in marked]
        found, end = [], 0
        for mark in [*marks, Span(len(text), len(text))]:
            between = split_sentences(text[end : mark.start], self.language)
            found += [Span(end + one.start, end + one.end) for one in between]
            found += [Span(mark.start, mark.start + len(text[mark.start : mark.end].rstrip()))]
            end = mark.end
        return _uncut(text, found[:-1], self.spans)

    def _most(self) -> int:
        return 1 if self.sentences == "split" or not self.most_sentences else self.most_sentences

    def _within(self, part: Part, count: Count) -> list[Part]:
        """The part, or if it is longer than any line in training, smaller ones."""
        if self.longest is None or part.tokens <= self.longest:
            return [part]
        usual = self.usual_tokens or self.longest
        return parts(part.text, count, min(usual, self.longest), part.start, self.spans)


def _stripped(line: str, tokens: int) -> list[Part]:
    text = line.strip()
    return [Part(len(line) - len(line.lstrip()), text, tokens)] if text else []


def _uncut(text: str, found: Sequence[Span], keep: Spans) -> list[Span]:
    """What was found, as one where a span to be kept would be cut within a line."""
    kept = keep(text) if len(found) > 1 else ()
    whole: list[Span] = []
    for one in found:
        if whole and _is_within(one.start, kept) and "\n" not in text[whole[-1].end : one.start]:
            whole[-1] = Span(whole[-1].start, one.end)
        else:
            whole.append(one)
    return whole


def _is_within(place: int, spans: Sequence[Span]) -> bool:
    at = bisect_left(spans, place, key=lambda span: span.start) - 1
    return at >= 0 and spans[at].end > place


def _pieces(text: str) -> list[Span]:
    """A sentence without the signs that it begins with, behind these; else what stands between
    stops without spaces."""
    start = len(text) - len(text.lstrip())
    if (head := _MARKS.match(text, start)) and head.end() < len(text):
        return [Span(start, start + len(head[0].rstrip())), Span(head.end(), len(text.rstrip()))]
    ends = [one.end() for one in _GLUED.finditer(text) if text[one.end() :][:1].isupper()]
    bounds = [start, *ends, len(text.rstrip())]
    return [Span(*pair) for pair in pairwise(bounds)]


def _union(line: str, first: Part, second: Part) -> tuple[int, str, int]:
    return first.start, line[first.start : second.end], first.tokens + second.tokens


def parts(
    line: str, count: Count, most: int, start: int = 0, keep: Spans = _no_spans
) -> list[Part]:
    """Cuts a line into parts of even length and at most ``most`` tokens, which ``count`` counts.

    It cuts at the ends of sentences, else at the ends of clauses, else between words, else anywhere
    (in languages without spaces). A part has more tokens only where a single character has. Nothing
    but white space is left out. start: of the line, added to that of each part. keep: what is not
    to be cut, unless a part would be too long.
    """
    start += len(line) - len(line.lstrip())
    text = line.strip()
    tokens = count(text)
    if not text:
        return []
    number = -(-tokens // most)
    places = next(filter(None, _choices(text, keep(text))), []) if number > 1 else []
    if not places:
        return [Part(start, text, tokens)]
    middle = number // 2 / number * len(text)
    place = min(places, key=lambda place: abs(place - middle))
    head = parts(text[:place], count, most, start, keep)
    return head + parts(text[place:], count, most, start + place, keep)


def _choices(text: str, kept: Sequence[Span]) -> Iterator[Sequence[int]]:
    """Places to cut at, the better kinds first, and those that cut what is to be kept last."""
    margin = len(text) // LEAST_SHARE
    sentences = [place for place in _ends(_SENTENCE_END, text, margin) if not text[place].islower()]
    spaces = _ends(_SPACES, text, 0)
    for places in (sentences, _ends(_CLAUSE_END, text, margin), spaces):
        yield [place for place in places if not _is_within(place, kept)]
    yield spaces
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
    line: str,
    cut: Sequence[Part],
    translations: Sequence[Translation],
    *,
    src_lang: str,
    tgt_lang: str,
) -> Translation:
    """Joins the translations of a line's parts with what stands between the parts in the line, but
    for spaces where the target language is written without.

    The score is the mean of the parts' scores, weighted by their source tokens. As these weights
    do not depend on the translations, the best parts make the best whole, and the n best of each
    part make the n best wholes.
    """
    total = sum(part.tokens for part in cut)
    shares = [part.tokens / total if total else 1 / len(cut) for part in cut]
    gaps = ["", *_gaps(line, cut, tgt_lang)]
    by_character = is_written_without_spaces(src_lang)
    units = [units_before(line, part.start, by_character) for part in cut]
    seams = [_Seam(*seam, tgt_lang) for seam in zip(gaps, shares, units, strict=True)]
    best = _joined_best([[one] for one in translations], seams, 1)[0]
    nbest = [list(one.nbest) for one in translations]
    most = max(len(alternatives) for alternatives in nbest)
    return Translation(
        **vars(best),
        nbest=tuple(_joined_best(nbest, seams, most)),
        glossary=tuple(term for one in translations for term in one.glossary),
    )


def _gaps(line: str, cut: Sequence[Part], language: str) -> Iterator[str]:
    """What to put between the translations of two neighbours."""
    for one, other in pairwise(cut):
        gap = line[one.end : other.start]
        if "\n" in gap:
            yield gap
        elif is_written_without_spaces(language):
            yield ""
        else:
            by_markup = one.text.endswith(_MARKUP_ENDS) or other.text.startswith(_MARKUP_STARTS)
            yield gap or ("" if by_markup else " ")


@dataclass(frozen=True)
class _Seam:
    """How the translation of a part is joined to what stands before it.

    gap: what goes between. share: of the part in the line's score. src_unit: the number of the
    part's first word (or character).
    """

    gap: str
    share: float
    src_unit: int
    tgt_lang: str

    def joined(self, head: Alternative, tail: Alternative) -> Alternative:
        text = _glued(head.text, self.gap, tail.text)
        alignment, confidence = None, None
        if head.alignment is not None and tail.alignment is not None:
            by_character = is_written_without_spaces(self.tgt_lang)
            tgt_unit = units_before(text, len(text) - len(tail.text), by_character)
            links = ((self.src_unit + src, tgt_unit + tgt) for src, tgt in tail.alignment)
            alignment = tuple(sorted({*head.alignment, *links}))
        if head.confidence is not None and tail.confidence is not None:
            confidence = head.confidence + tail.confidence
            words = units_up_to(text, len(text), is_written_without_spaces(self.tgt_lang))
            if len(confidence) > words:  # the parts meet within a word
                both = min(head.confidence[-1], tail.confidence[0])
                confidence = (*head.confidence[:-1], both, *tail.confidence[1:])
        return Alternative(
            text=text,
            score=head.score + self.share * tail.score,
            tokens=head.tokens + tail.tokens,
            flags=tuple(flag for flag in FLAGS if flag in head.flags + tail.flags),
            alignment=alignment,
            confidence=confidence,
        )


def _joined_best(
    lists: Sequence[Sequence[Alternative]], seams: Sequence[_Seam], most: int
) -> list[Alternative]:
    """The ``most`` best of all ways to join one alternative from each list."""
    joined = [Alternative("", 0.0, 0, (SPLIT,), alignment=(), confidence=())]
    for alternatives, seam in zip(lists, seams, strict=True):
        joined = [seam.joined(head, tail) for head in joined for tail in alternatives]
        joined = sorted(joined, key=lambda one: -one.score)[:most]
    return joined


def _glued(head: str, gap: str, tail: str) -> str:
    """Two texts with a gap between them, unless there is nothing on one of its sides."""
    return head + gap + tail if (head and tail) or "\n" in gap else head + tail


def units_up_to(text: str, end: int, by_character: bool) -> int:
    """How many words begin before this place, or characters that are no white space."""
    words = text[:end].split()
    return sum(map(len, words)) if by_character else len(words)


def units_before(text: str, start: int, by_character: bool) -> int:
    """The number of the word, or character, that stands at this place or goes on there."""
    head = text[:start]
    goes_on = bool(head) and not head[-1].isspace() and not text[start : start + 1].isspace()
    inside = goes_on and start < len(text) and not by_character
    return units_up_to(text, start, by_character) - inside
