"""The sentences that systems translate most differently, with the words that differ."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Word:
    """A word of a text. differs: whether it has no partner in the text beside it."""

    text: str
    differs: bool


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """One sentence. number: its line, from 1. scores, translations: by the system's label; a word
    of a translation differs where the reference has none like it in its place."""

    number: int
    source: str
    reference: str
    scores: Mapping[str, float]
    translations: Mapping[str, tuple[Word, ...]]


def contrasts(
    sentences: Sequence[int],
    *,
    sources: Sequence[str],
    references: Sequence[str],
    hypotheses: Mapping[str, Sequence[str]],
    scores: Mapping[str, NDArray[np.float64]],
    most: int,
) -> list[Contrast]:
    """Of these sentences, by index, the ``most`` whose scores lie furthest apart, the furthest
    first. scores: (N,) of each system's sentences, higher is better."""
    table = np.stack([scores[label] for label in hypotheses])  # (systems, N)
    chosen = np.asarray(sentences, dtype=np.intp)
    spread = (table.max(axis=0) - table.min(axis=0))[chosen]
    order = chosen[np.argsort(-spread, kind="stable")][:most]
    return [
        Contrast(
            number=int(index) + 1,
            source=sources[index],
            reference=references[index],
            scores={label: float(scores[label][index]) for label in hypotheses},
            translations={
                label: tuple(marked(text[index], references[index]))
                for label, text in hypotheses.items()
            },
        )
        for index in order
    ]


def marked(text: str, beside: str) -> Iterator[Word]:
    """The words of ``text``, each with whether the other text lacks it in that order."""
    words, others = text.split(), beside.split()
    same: set[int] = set()
    for block in SequenceMatcher(a=words, b=others, autojunk=False).get_matching_blocks():
        same |= set(range(block.a, block.a + block.size))
    for place, word in enumerate(words):
        yield Word(word, place not in same)
