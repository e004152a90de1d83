"""Puts tags into a translation that was made without them, by the alignment of words.

A pair of tags goes around the words that come from those between the pair in the source. Its place
is the run of words in which most come from there, and fewest from elsewhere.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from itertools import accumulate, pairwise

from nmt.languages import is_written_without_spaces
from nmt.text.sentences import Span
from nmt.translator.translation import Alignment

_OPENING = re.compile(r"[^\w\s<&]*")
_CLOSING = re.compile(r"[^\w\s>;]*\Z")


def placed(
    texts: Sequence[str],
    tags: Sequence[str],
    translation: str,
    links: Alignment,
    src_lang: str,
    tgt_lang: str,
) -> list[str] | None:
    """The translation, cut where the tags go; None where words are in another order than the tags,
    or what is between two tags has no counterpart.

    texts: between the tags, in the source. translation, links: of these texts joined.
    """
    source, places = "".join(texts), list(accumulate(map(len, texts)))[:-1]
    words = _Words(source, translation, links, src_lang, tgt_lang)
    ends = {tag: place for tag, place in zip(tags, places, strict=True) if tag[1] == "/"}
    found: dict[str, int] = {}
    for tag, place in zip(tags, places, strict=True):
        if tag in found:  # a closing one
            continue
        if tag.endswith("/>"):
            spot = words.beside(place)
            if spot is None:
                return None
            found[tag] = spot
        else:
            closing = f"</{tag[1:]}"
            span = words.around(place, ends[closing])
            if span is None:
                return None
            found[tag], found[closing] = span
    ordered = [found[tag] for tag in tags]
    if ordered != sorted(ordered):
        return None
    made = [translation[start:end] for start, end in pairwise([0, *ordered, len(translation)])]
    for place, (before, after) in enumerate(pairwise(texts)):
        made[place : place + 2] = _spaced(before, after, *made[place : place + 2])
    return made


def _spaced(before: str, after: str, left: str, right: str) -> tuple[str, str]:
    """What is left and right of a tag, with spaces where ``before`` and ``after`` it they are."""
    behind, ahead = before.endswith(" "), after.startswith(" ")
    if not (behind or ahead) or not (left.endswith(" ") or right.startswith(" ")):
        return left, right
    left, right = left.rstrip(" "), right.lstrip(" ")
    if behind and (left or not ahead):
        left = f"{left} "
    if ahead and (right[:1].isalnum() or not behind):
        right = f" {right}"
    return left, right


class _Words:
    """The words of a source and of its translation, and which come from which."""

    def __init__(
        self, source: str, translation: str, links: Alignment, src_lang: str, tgt_lang: str
    ) -> None:
        self._source, self._translation = source, translation
        self._src, self._tgt = _units(source, src_lang), _units(translation, tgt_lang)
        self._targets: dict[int, set[int]] = defaultdict(set)
        for one, other in links:
            if one < len(self._src) and other < len(self._tgt):
                self._targets[one].add(other)

    def around(self, start: int, end: int) -> Span | None:
        """What of the translation comes from this part of the source."""
        said = self._source[start:end]
        if not said.strip():
            spot = self.beside(start)
            return None if spot is None else Span(spot, spot)
        inside = [
            number for number, unit in enumerate(self._src) if unit.end > start and unit.start < end
        ]
        run = self._run(inside)
        if run is None:
            return None
        whole = Span(self._tgt[run[0]].start, self._tgt[run[-1]].end)
        if not any(map(str.isalnum, said)):  # signs, perhaps beside a word: only these
            at = self._translation.find(said.strip(), *whole)
            return None if at < 0 else Span(at, at + len(said.strip()))
        first, last = self._src[inside[0]], self._src[inside[-1]]
        return _within_signs(
            self._translation, whole, self._source[first.start : min(last.end, end)]
        )

    def beside(self, place: int) -> int | None:
        """Where in the translation a tag goes that stands alone: behind the word that it touches or
        is in, else before what follows, else behind what it follows."""
        for number, unit in enumerate(self._src):
            if unit.start < place <= unit.end and self._targets[number]:
                one = self._tgt[max(self._targets[number])]
                rest = self._source[place : unit.end]
                if not rest or any(map(str.isalnum, rest)):
                    return one.end
                return _within_signs(self._translation, one, self._source[unit.start : place]).end
        behind = next((n for n, unit in enumerate(self._src) if unit.start >= place), None)
        if behind is not None and self._targets[behind]:
            return self._tgt[min(self._targets[behind])].start
        before = [n for n, unit in enumerate(self._src) if unit.end <= place]
        if before and self._targets[before[-1]]:
            return self._tgt[max(self._targets[before[-1]])].end
        return None

    def _run(self, inside: Sequence[int]) -> range | None:
        """The run of target words that fits these source words best."""
        wanted = {other for one in inside for other in self._targets[one]}
        outside = self._targets.keys() - set(inside)
        others = {other for one in outside for other in self._targets[one]}
        best, best_sum, start, total = None, 0, 0, 0
        for place in range(len(self._tgt)):
            if total <= 0:
                start, total = place, 0
            total += (place in wanted) - (place in others - wanted)
            if total > best_sum:
                best, best_sum = range(start, place + 1), total
        if best is None:
            return None
        first = next(place for place in best if place in wanted)
        return range(first, best.stop)


def _units(text: str, language: str) -> list[Span]:
    """The words, or characters, that alignments count."""
    pattern = r"\S" if is_written_without_spaces(language) else r"\S+"
    return [Span(*one.span()) for one in re.finditer(pattern, text)]


def _within_signs(text: str, span: Span, source: str) -> Span:
    """Begin and end of a span, without the signs at its ends that its source has not: the full stop
    behind the last word is not part of it."""
    start, end = span
    inner = text[start:end]
    opening, closing = _OPENING.match(inner), _CLOSING.search(inner)
    if opening and opening.end() < len(inner) and source[:1].isalnum():
        start += opening.end()
    if closing and closing.start() > start - span.start and source[-1:].isalnum():
        end = span.start + closing.start()
    return Span(start, end)
