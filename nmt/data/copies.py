"""Puts into both sides of a training pair what a translation must copy: placeholders in the place
of spans and words that both sides have, and placeholders, numbers and the like that were not there.
"""

import random
import re
from collections import Counter
from collections.abc import Sequence

from nmt.languages import is_written_without_spaces
from nmt.text.sentences import Span
from nmt.text.spans import Protection
from nmt.text.variants import final_stop

_PROTECTION = Protection()

_COUNTS = (1, 1, 1, 1, 1, 1, 2, 2, 2, 3, 4)
_SMALL_NUMBER = 0.25  # share of what is put in that the model reads itself, as no span
_SHARED_WORD = 0.5  # share of placeholders that replace a word, where both sides have one
_PAIR = 0.2  # share that come as a pair around some text, as tags do
_WHOLE = 0.3  # share of those pairs that stand around all of the text
_SMALL_FIRST = 0.5  # share of sentences that go on in small letters behind what comes first

_AT_START = ("{} ", "{} ", "{}, ", "{}, ", "{}: ", "({}) ", "[{}] ", "{} - ", "{}")
_AT_END = (" {}", " {}", ": {}", " ({})", " - {}", "{}")
_WITHIN = (" {}", " {}", " {}", " ({})", ', "{}"', ", {},", " {},", "{}")
_COMMA = re.compile(r"(?<=\w)[,\uff0c、،](?=\s|[^\W\d])")
_BOUNDARY = re.compile(r"(?<=[\w,;:.]) (?=\w)")
_BETWEEN_CHARACTERS = re.compile(r"(?<=[^\W\da-zA-Z])(?=[^\W\da-zA-Z])")
_LETTERS = re.compile(r"\w+")
_WORD = re.compile(r"(?<![\w{<&%$@/\\#.-])[^\W\d_]{3,}(?![\w}>@/\\-])")


def masked(src: str, tgt: str, free: list[str]) -> tuple[str, str]:
    """The pair with a placeholder for every span that both sides have equally often, as far as
    there are placeholders. Those that are used leave ``free``."""
    src_spans = _PROTECTION.find(src)
    tgt_spans = _PROTECTION.find(tgt) if src_spans else []
    on_src, on_tgt = (
        Counter(text[span.start : span.end] for span in spans)
        for text, spans in ((src, src_spans), (tgt, tgt_spans))
    )
    signs: dict[str, list[str]] = {}
    for text, count in on_src.items():
        if on_tgt[text] == count <= len(free):
            signs[text] = [free.pop() for _ in range(count)]
    return _replaced(src, src_spans, signs), _replaced(tgt, tgt_spans, signs)


def _replaced(text: str, spans: Sequence[Span], signs: dict[str, list[str]]) -> str:
    """The text with the signs of each span in turn."""
    left = {span: iter(ones) for span, ones in signs.items()}
    pieces, end = [], 0
    for span in spans:
        kept = text[span.start : span.end]
        pieces += [text[end : span.start], next(left[kept]) if kept in left else kept]
        end = span.end
    return "".join(pieces) + text[end:]


def with_copies(
    src: str,
    tgt: str,
    languages: tuple[str, str],
    has_placeholders: bool,
    free: list[str],
    choose: random.Random,
) -> tuple[str, str]:
    """The pair with one or more placeholders, or numbers and the like, at like places of both
    sides.

    languages: of source and target. has_placeholders: whether the tokenizer has some. free: those
    that the pair does not hold yet; those that are used leave it.
    """
    pair = (src, tgt)
    for _ in range(choose.choice(_COUNTS)):
        if not has_placeholders:
            pair = _with_inserted(pair, languages, noise(choose), choose)
        elif choose.random() < _SMALL_NUMBER or not free:
            pair = _with_inserted(pair, languages, _small_number(choose), choose)
        elif choose.random() < _PAIR and len(free) > 1:
            pair = wrapped(pair, languages, (free.pop(), free.pop()), _WHOLE, choose)
        elif choose.random() < _SHARED_WORD and (spots := _shared_word(*pair, choose)):
            sign = free.pop()
            (src, tgt), (one, other) = pair, spots
            pair = (
                src[: one.start] + sign + src[one.end :],
                tgt[: other.start] + sign + tgt[other.end :],
            )
        else:
            pair = _with_inserted(pair, languages, free.pop(), choose)
    return pair


def _shared_word(src: str, tgt: str, choose: random.Random) -> tuple[Span, Span] | None:
    """A word that both sides have, once each, preferably a name: where it stands."""
    src_words, tgt_words = _single_words(src), _single_words(tgt)
    shared = [word for word in src_words if word in tgt_words]
    names = [word for word in shared if word[0].isupper()]
    if not shared:
        return None
    word = choose.choice(names or shared)
    return src_words[word], tgt_words[word]


def _single_words(text: str) -> dict[str, Span]:
    words = [(found[0], Span(*found.span())) for found in _WORD.finditer(text)]
    counts = Counter(word for word, _ in words)
    return {word: span for word, span in words if counts[word] == 1}


def _with_inserted(
    pair: tuple[str, str], languages: tuple[str, str], item: str, choose: random.Random
) -> tuple[str, str]:
    """Both sides with an item at the start, at the end, before the final stop, or within."""
    place = choose.random()
    if place < 0.3:
        form = _form(_AT_START, item, choose)
        if choose.random() < _SMALL_FIRST and _begins_small(pair[0]):
            pair = (pair[0][:1].lower() + pair[0][1:], pair[1][:1].lower() + pair[1][1:])
        return form + pair[0], form + pair[1]
    stops = [start for side in pair if (start := final_stop(side)) is not None]
    if place < 0.55 and len(stops) == 2:
        return _put(pair, stops, languages, _form(_AT_END, item, choose), choose)
    spots = _spots(pair, languages, choose) if place < 0.9 else None
    if spots:
        return _put(pair, spots, languages, _form(_WITHIN, item, choose), choose)
    form = _form(_AT_END, item, choose)
    return pair[0].rstrip() + form, pair[1].rstrip() + form


def wrapped(
    pair: tuple[str, str],
    languages: tuple[str, str],
    items: tuple[str, str],
    whole: float,
    choose: random.Random,
) -> tuple[str, str]:
    """Both sides with two items around all of their text or, at like places, a word of it.

    whole: the probability of the former.
    """
    first, last = items
    spots = _spots(pair, languages, choose) if choose.random() >= whole else None
    if spots is None:
        return first + pair[0] + last, first + pair[1] + last
    sides = []
    for side, spot in zip(pair, spots, strict=True):
        start = spot + (side[spot : spot + 1] == " ")
        word = _LETTERS.match(side, start)
        end = max(word.end() if word else 0, start + 1)
        sides.append(side[:start] + first + side[start:end] + last + side[end:])
    return sides[0], sides[1]


def _form(forms: Sequence[str], item: str, choose: random.Random) -> str:
    """The item with what stands around it. Only a placeholder may touch a word."""
    glued = "{}"
    form = choose.choice([form for form in forms if form != glued or len(item) == 1])
    return form.replace("{}", item)


def _begins_small(src: str) -> bool:
    """Whether a source begins with a word that might also begin in small letters: not with I."""
    return src[:1].isupper() and src[1:2].islower()


def _put(
    pair: tuple[str, str],
    spots: Sequence[int],
    languages: tuple[str, str],
    form: str,
    choose: random.Random,
) -> tuple[str, str]:
    """Both sides with the form at their spots; at times without spaces, where there are none."""
    without = choose.random() < 0.7
    sides = []
    for side, spot, language in zip(pair, spots, languages, strict=True):
        spaced = not (without and is_written_without_spaces(language))
        sides.append(side[:spot] + (form if spaced else form.replace(" ", "")) + side[spot:])
    return sides[0], sides[1]


def _spots(
    pair: tuple[str, str], languages: tuple[str, str], choose: random.Random
) -> tuple[int, int] | None:
    """Where to put something into both sides: behind commas that correspond, or at the boundaries
    of words at the same share of the length. None if a side has none."""
    commas = [[comma.end() for comma in _COMMA.finditer(side)] for side in pair]
    if commas[0] and len(commas[0]) == len(commas[1]) and choose.random() < 0.5:
        number = choose.randrange(len(commas[0]))
        return commas[0][number], commas[1][number]
    share, spots = choose.random(), []
    for side, language in zip(pair, languages, strict=True):
        boundary = _BETWEEN_CHARACTERS if is_written_without_spaces(language) else _BOUNDARY
        places = [found.start() for found in boundary.finditer(side)]
        if not places:
            return None
        spots.append(places[int(share * len(places))])
    return spots[0], spots[1]


def _small_number(choose: random.Random) -> str:
    return str(choose.randrange(10 ** choose.randint(1, 4)))


def noise(choose: random.Random) -> str:
    """A number, an address, a placeholder or the like, as people write them."""
    letters = "".join(choose.choices("abcdefghijklmnopqrstuvwxyz", k=choose.randint(3, 8)))
    number = choose.randrange(10 ** choose.randint(1, 7))
    return choose.choice(
        (
            str(number),
            str(number % 1000),
            f"{number / 100:.2f}",
            f"{number:,}",
            f"{number % 24}:{number % 60:02}",
            f"{letters[:2].upper()}-{number}",
            f"{{{letters}}}",
            f"${letters.upper()}",
            choose.choice(("%s", "%d", "%1$s", "{}", "{0}")),
            f"https://{letters}.org/{number}",
            f"{letters}@example.com",
            f"<{letters}>",
            chr(choose.choice(range(0x1F600, 0x1F645))),
            letters.capitalize(),
        )
    )
