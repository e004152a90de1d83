"""The terms that a translator takes beside the lines, and the translations that it gives.

Flags warn the reader of a translation:

- hit_limit: search reached its length limit before the end of the sentence, so the text is cut.
- repeats: the text repeats the same tokens over and over, and its source does not.
- split: the source is longer than any in training and was translated in parts.
- copied: source text replaces bytes of the model that form no characters.
- missing_term: a required term is not in the text.
- forbidden_term: a forbidden term is in the text.
"""

from dataclasses import dataclass

HIT_LIMIT = "hit_limit"
REPEATS = "repeats"
SPLIT = "split"
COPIED = "copied"
MISSING_TERM = "missing_term"
FORBIDDEN_TERM = "forbidden_term"
FLAGS = (HIT_LIMIT, REPEATS, SPLIT, COPIED, MISSING_TERM, FORBIDDEN_TERM)

Alignment = tuple[tuple[int, int], ...]
"""(source word, target word) pairs, counted from 0. White space separates words."""


@dataclass(frozen=True)
class Terms:
    """Terms of one line's translation.

    prefix: how it must begin; white space at the prefix's end does not count. require, forbid:
    words or phrases that it must or must not hold.
    """

    prefix: str = ""
    require: tuple[str, ...] = ()
    forbid: tuple[str, ...] = ()


@dataclass(frozen=True)
class Alternative:
    """One of a line's n best translations.

    text: one line, without line breaks.
    score: length-normalised log-probability (natural logarithm) from search; 0 for a blank line.
        Of a line translated in parts: the parts' mean, weighted by their source tokens.
    tokens: number of target tokens without EOS.
    flags: explained at the top of this file; in the order of ``FLAGS``.
    """

    text: str
    score: float
    tokens: int
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Translation(Alternative):
    """One line's translation.

    alignment: None unless asked for, or where the model has no attention.
    nbest: different translations, best first, this one included; empty unless asked for.
    """

    alignment: Alignment | None = None
    nbest: tuple[Alternative, ...] = ()

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
