"""Looks at a translation's text and tells what is doubtful about it."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from nmt.data.statistics import TextStatistics
from nmt.languages import base_code
from nmt.text.spans import Protection, without_spans
from nmt.translator import translation

_WORD = re.compile(r"[^\W\d_]+")
_LONG = 5  # words from which a translation is compared word by word
_MOST_PAIRS = 10**6  # of words to compare; beyond that their order is not looked at
_SAME = 0.8  # share of the source's words in a row of its own


def flags_of(
    source: str,
    text: str,
    *,
    protection: Protection | None,
    src_lang: str,
    tgt_lang: str,
) -> Iterator[str]:
    """The flags that a text raises as the translation of a source: repeats, untranslated, copy.

    protection: the spans that must be copied; None: copies are not checked.
    """
    if says_twice(source, text):
        yield translation.REPEATS
    if base_code(src_lang) != base_code(tgt_lang) and is_untranslated(source, text, protection):
        yield translation.UNTRANSLATED
    if protection and protection.altered(source, text, tgt_lang):
        yield translation.COPY


def implausible_length(
    statistics: TextStatistics | None, src_tokens: int, tgt_tokens: int
) -> Iterator[str]:
    """The flag length, where training's pairs speak against these lengths."""
    if statistics and not statistics.plausible(src_tokens, tgt_tokens):
        yield translation.LENGTH


def lacks_words(source: str, text: str, protection: Protection | None = None) -> bool:
    """Whether nothing is left of the source's words, two or more: the text is signs and spans."""
    said, read = (_words(_without_spans(one, protection)) for one in (source, text))
    return len(said) > 1 and not read


def says_twice(source: str, text: str) -> bool:
    """Whether the text is one thing said twice, and the source is not. Case and punctuation do not
    count."""
    words = _words(text)
    half, odd = divmod(len(words), 2)
    if odd or not half or words[:half] != words[half:]:
        return False
    said = _words(source)
    once = len(said) // 2
    doubled = len(said) > 1 and said[:once] == said[-once:]
    return not doubled and (half > 1 or len(said) == 1)


def is_untranslated(source: str, text: str, protection: Protection | None = None) -> bool:
    """Whether the text is the source: all of its words if it has two to four, nearly all in the
    same order if it has more. A single word may be a name. Spans to be copied do not count."""
    said, read = (_words(_without_spans(one, protection)) for one in (source, text))
    if len(said) < 2 or max(map(len, said)) < 3:
        return False
    if len(said) < _LONG:
        return said == read
    least = _SAME * max(len(said), len(read))
    if (Counter(said) & Counter(read)).total() < least:
        return False
    return len(said) * len(read) > _MOST_PAIRS or _common(said, read) >= least


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _without_spans(text: str, protection: Protection | None) -> str:
    return without_spans(text, protection.find(text)) if protection else text


def _common(said: Sequence[str], read: Sequence[str]) -> int:
    """The length of the longest common subsequence."""
    row = [0] * (len(read) + 1)
    for word in said:
        before = 0
        for place, other in enumerate(read, 1):
            before, row[place] = (
                row[place],
                before + 1 if word == other else max(row[place], row[place - 1]),
            )
    return row[-1]
