"""The terms that a translator takes beside the lines, and the translations that it gives.

Flags warn the reader of a translation:

- hit_limit: search reached its length limit before the end of the sentence, so the text is cut.
- repeats: the text repeats the same tokens over and over, or is said twice; its source is not.
- length: the text is far shorter or longer than translations in training were for such a source.
- untranslated: the text is the source.
- copy: a number, a placeholder, an address or the like is lost or altered.
- split: the source was translated in parts.
- copied: source text replaces bytes of the model that form no characters.
- missing_term: a required term is not in the text.
- forbidden_term: a forbidden term is in the text.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from nmt.translator.glossary import Glossary, Requirement

HIT_LIMIT = "hit_limit"
REPEATS = "repeats"
LENGTH = "length"
UNTRANSLATED = "untranslated"
COPY = "copy"
SPLIT = "split"
COPIED = "copied"
MISSING_TERM = "missing_term"
FORBIDDEN_TERM = "forbidden_term"
FLAGS = (
    *(HIT_LIMIT, REPEATS, LENGTH, UNTRANSLATED, COPY, SPLIT, COPIED),
    *(MISSING_TERM, FORBIDDEN_TERM),
)
FAULTS = {HIT_LIMIT, REPEATS, LENGTH, UNTRANSLATED, COPY}
"""Flags for which a part is translated once more, cut smaller."""

Alignment = tuple[tuple[int, int], ...]
"""(source word, target word) pairs, counted from 0. White space separates words; in languages
written without spaces, each character but white space counts as a word."""


@dataclass(frozen=True)
class Terms:
    """Terms of one line's translation.

    prefix: how it must begin; white space at the prefix's end does not count.
    require, forbid: words or phrases that it must or must not hold, as whole words. A
        ``Requirement`` has several forms, of which it must hold one.
    glossary: what it must hold where certain terms stand in the source.
    """

    prefix: str = ""
    require: tuple[str | Requirement, ...] = ()
    forbid: tuple[str, ...] = ()
    glossary: Glossary | None = None


@dataclass(frozen=True)
class Alternative:
    """One of a line's n best translations.

    text: one line, without line breaks.
    score: length-normalised log-probability (natural logarithm) from search; 0 for a blank line.
        Of a line translated in parts: the parts' mean, weighted by their source tokens. Text that
        was copied without the model, such as a line without letters, scores 0 with 0 tokens.
    tokens: number of target tokens without EOS.
    flags: explained at the top of this file; in the order of ``FLAGS``.
    alignment: None unless asked for, or where the model has no attention.
    confidence: of each word, counted as in alignments: the geometric mean of the probabilities that
        the model gives to the word's tokens. Copied text has 1. None unless asked for.
    """

    text: str
    score: float
    tokens: int
    flags: tuple[str, ...] = ()
    alignment: Alignment | None = None
    confidence: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Translation(Alternative):
    """One line's translation.

    nbest: different translations, best first, this one included; empty unless asked for.
    glossary: each source term that the glossary found, and whether its translation is in the text.
    """

    nbest: tuple[Alternative, ...] = ()
    glossary: tuple[tuple[str, bool], ...] = ()

    def rewritten(self, change: Callable[[str], str]) -> "Translation":
        """This translation with its text, and those of the n best, changed."""
        nbest = tuple(replace(one, text=change(one.text)) for one in self.nbest)
        return replace(self, text=change(self.text), nbest=nbest)

    @property
    def hit_limit(self) -> bool:
        """Whether search cut the text at its length limit."""
        return HIT_LIMIT in self.flags


@dataclass(frozen=True)
class PairScore:
    """How likely a model finds a given translation.

    log_prob: log p(target, EOS | source), natural logarithm.
    tokens: number of target tokens with EOS; perplexity = exp(-log_prob / tokens).
    """

    log_prob: float
    tokens: int


BLANK = Translation(text="", score=0.0, tokens=0)


def without_line_breaks(text: str) -> str:
    """Puts spaces for line breaks, which byte tokens can spell, so that lines stay in step."""
    return text.replace("\r\n", " ").replace("\n", " ").replace("\r", " ")
