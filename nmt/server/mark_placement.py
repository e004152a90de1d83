"""Puts the marks of tags into a translation that was made without them, by the alignment of words.

A pair of marks goes around the words that come from those between the pair in the source. Its place
is the run of words in which most come from there, and fewest from elsewhere.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

from nmt.languages import is_written_without_spaces
from nmt.server.layout import MARK
from nmt.text.sentences import Span
from nmt.translator.translation import Alignment

_OPENING = re.compile(r"[^\w\s<&]*")
_CLOSING = re.compile(r"[^\w\s>;]*\Z")


def without_marks(line: str) -> str:
    """The line as it is translated when its marks are put in later."""
    return MARK.sub("", line)


def with_marks(
    line: str, translation: str, links: Alignment, src_lang: str, tgt_lang: str
) -> str | None:
    """The translation with the marks of the line, in their order; None where words are in another
    order than the marks, or the words between two marks have no counterpart.

    translation, links: of ``without_marks(line)``.
    """
    pieces, plain = MARK.split(line), without_marks(line)
    marks, places = pieces[1::2], _places(pieces[::2])
    src = _units(plain, src_lang)
    tgt = _units(translation, tgt_lang)
    targets: dict[int, set[int]] = defaultdict(set)
    for one, other in links:
        if one < len(src) and other < len(tgt):
            targets[one].add(other)
    ends = {mark: place for mark, place in zip(marks, places, strict=True) if mark[1] == "/"}
    found: dict[str, int] = {}
    for mark, place in zip(marks, places, strict=True):
        if mark in found:  # a closing one
            continue
        if mark.startswith("<x"):
            at = _beside(place, src, tgt, targets)
        else:
            end = f"</{mark[1:]}"
            inside = [
                n for n, unit in enumerate(src) if unit.end > place and unit.start < ends[end]
            ]
            run = _run(inside, targets, len(tgt))
            if run is None:
                return None
            whole = Span(tgt[run[0]].start, tgt[run[-1]].end)
            last = plain[src[inside[0]].start : min(src[inside[-1]].end, ends[end])]
            at, found[end] = _within_signs(translation, whole, last)
        if at is None:
            return None
        found[mark] = at
    ordered = [found[mark] for mark in marks]
    if ordered != sorted(ordered):
        return None
    bounds = [0, *ordered, len(translation)]
    texts = [translation[start:end] for start, end in pairwise(bounds)]
    return "".join(one for pair in zip(texts, [*marks, ""], strict=True) for one in pair)


def _places(texts: Sequence[str]) -> list[int]:
    """Where the marks between these texts stand in the texts joined."""
    found, at = [], 0
    for text in texts[:-1]:
        at += len(text)
        found.append(at)
    return found


def _units(text: str, language: str) -> list[Span]:
    """The words, or characters, that alignments count."""
    pattern = r"\S" if is_written_without_spaces(language) else r"\S+"
    return [Span(*one.span()) for one in re.finditer(pattern, text)]


def _run(inside: Sequence[int], targets: dict[int, set[int]], size: int) -> range | None:
    """The run of target words that fits the source words ``inside`` best."""
    wanted = {other for one in inside for other in targets[one]}
    others = {other for one in targets.keys() - set(inside) for other in targets[one]}
    best, best_sum, start, total = None, 0, 0, 0
    for place in range(size):
        if total <= 0:
            start, total = place, 0
        total += (place in wanted) - (place in others - wanted)
        if total > best_sum:
            best, best_sum = range(start, place + 1), total
    if best is None:
        return None
    first = next(place for place in best if place in wanted)
    return range(first, best.stop)


def _beside(
    place: int, src: Sequence[Span], tgt: Sequence[Span], targets: dict[int, set[int]]
) -> int | None:
    """Where a mark goes that stands alone: before what follows it, else behind what it follows."""
    behind = next((n for n, unit in enumerate(src) if unit.start >= place), None)
    if behind is not None and targets[behind]:
        return tgt[min(targets[behind])].start
    before = [n for n, unit in enumerate(src) if unit.end <= place]
    if before and targets[before[-1]]:
        return tgt[max(targets[before[-1]])].end
    return None


def _within_signs(text: str, span: Span, source: str) -> tuple[int, int]:
    """Begin and end of a span, without the signs at its ends that its source has not: the full stop
    behind the last word is not part of it."""
    start, end = span
    inner = text[start:end]
    opening, closing = _OPENING.match(inner), _CLOSING.search(inner)
    if opening and opening.end() < len(inner) and source[:1].isalnum():
        start += opening.end()
    if closing and closing.start() > start - span.start and source[-1:].isalnum():
        end = span.start + closing.start()
    return start, end
