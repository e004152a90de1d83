"""What the work on a document asks of a translator.

The work is a generator that gives questions and takes their answers. So it serves a command, which
waits for each answer, and a server, which does something else meanwhile.
"""

import re
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from nmt.translator.translation import Translation, without_line_breaks

T = TypeVar("T")

_AROUND = re.compile(r"(^\s++|(?<!\s)[^\S\r\n]*+[\r\n]\s*+|(?<!\s)\s++$)")
_TAG = re.compile("</?[A-Za-z][^<>]*>")


@dataclass(frozen=True)
class Question:
    """Lines to translate, each with words and without line breaks or outer white space.

    places: of each line, that of its text among those that are to be translated.
    align: whether words are to be aligned. parts: whether the lines are mere parts of texts.
    Neither: each text has its first question.
    """

    lines: Sequence[str]
    places: Sequence[int]
    align: bool = False
    parts: bool = False


Translate = Callable[[Question], Sequence[Translation]]
"""A question -> a translation of each line."""

Steps = Generator[Question, Sequence[Translation], T]
"""Work that asks questions and comes to a result."""


@dataclass(frozen=True)
class Done(Generic[T]):
    """Work that has come to its result."""

    result: T


def advanced(steps: Steps[T], answer: Sequence[Translation] | None = None) -> Question | Done[T]:
    """What comes after an answer; None: at the beginning."""
    try:
        return next(steps) if answer is None else steps.send(answer)
    except StopIteration as end:
        return Done(end.value)


def answered(steps: Steps[T], translate: Translate) -> T:
    """The result of the work."""
    reached = advanced(steps)
    while isinstance(reached, Question):
        reached = advanced(steps, translate(reached))
    return reached.result


def asked(
    texts: Sequence[str],
    places: Sequence[int] | None = None,
    *,
    align: bool = False,
    parts: bool = False,
) -> Steps[list[Translation]]:
    """A translation of each text. White space around it and its lines stays; lines without words
    are copied. Only a text of one line keeps its alignment and other translations."""
    cuts = [_AROUND.split(text) for text in texts]
    numbers = range(len(texts)) if places is None else places
    wanted = [
        (line, place)
        for cut, place in zip(cuts, numbers, strict=True)
        for line in cut[::2]
        if has_words(line)
    ]
    found: Iterator[Translation] = iter(())
    if wanted:
        lines, of = zip(*wanted, strict=True)
        found = iter((yield Question(lines, of, align, parts)))
    return [_joined(cut, found) for cut in cuts]


def lines_of(texts: Sequence[str]) -> list[str]:
    """The lines that ``asked`` asks for first."""
    return [line for text in texts for line in _AROUND.split(text)[::2] if has_words(line)]


def _joined(cut: Sequence[str], found: Iterator[Translation]) -> Translation:
    at = [place for place in range(0, len(cut), 2) if has_words(cut[place])]
    if len(at) == 1:
        before, after = "".join(cut[: at[0]]), "".join(cut[at[0] + 1 :])
        return next(found).rewritten(lambda text: before + without_line_breaks(text) + after)
    made = list(cut)
    for place in at:
        made[place] = without_line_breaks(next(found).text)
    return Translation(text="".join(made), score=0.0, tokens=0)


def has_words(text: str) -> bool:
    """Whether a text has a letter outside of tags."""
    return any(letter.isalpha() for letter in _TAG.sub("", text))
