"""What goes into a translator beside the lines, and what comes out of it.

Flags say in plain words what a reader of a translation should know:

- hit_limit: the model had not ended the sentence where the search had to stop: the text is cut.
- repeats: the text says the same tokens over and over, and its source does not.
- split: the source is longer than any in training, and was translated in parts.
- copied: source text stands where the model spelt bytes that form no characters.
- missing_term: a term that was required is not in the text.
- forbidden_term: a term that was forbidden is in the text.
"""

from dataclasses import dataclass

HIT_LIMIT = "hit_limit"
REPEATS = "repeats"
SPLIT = "split"
COPIED = "copied"
MISSING_TERM = "missing_term"
FORBIDDEN_TERM = "forbidden_term"

FLAGS = (HIT_LIMIT, REPEATS, SPLIT, COPIED, MISSING_TERM, FORBIDDEN_TERM)


@dataclass(frozen=True)
class Terms:
    """What one line's translation must begin with, must say and must not say.

    prefix: the beginning, as text; white space at its end does not count.
    require: words or phrases that must appear.
    forbid: words or phrases that must not appear.
    """

    prefix: str = ""
    require: tuple[str, ...] = ()
    forbid: tuple[str, ...] = ()


@dataclass(frozen=True)
class Alternative:
    """One of a line's n best translations.

    text: one line, whatever the model produced.
    score: the search's length-normalised log-probability (natural logarithm); 0 for a blank line.
        Of a line translated in parts: the parts' mean, weighted by their source tokens.
    tokens: target tokens produced, EOS not counted.
    flags: see the module; in the order of ``FLAGS``.
    """

    text: str
    score: float
    tokens: int
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Translation(Alternative):
    """One line's translation.

    alignment: (source word, target word), counted from 0, both separated by white space. None
        where it was not asked for or the model attends to nothing.
    nbest: the best translations, best first and no two the same, beginning with the one above;
        empty unless asked for.
    """

    alignment: tuple[tuple[int, int], ...] | None = None
    nbest: tuple[Alternative, ...] = ()

    @property
    def hit_limit(self) -> bool:
        """Whether the search had to cut the text."""
        return HIT_LIMIT in self.flags


@dataclass(frozen=True)
class PairScore:
    """How likely a model finds a given translation.

    log_prob: log p(target, EOS | source), natural logarithm.
    tokens: target tokens, EOS counted; perplexity = exp(-log_prob / tokens), and of several pairs
        exp(-sum of log_prob / sum of tokens).
    """

    log_prob: float
    tokens: int


BLANK = Translation(text="", score=0.0, tokens=0)


def without_line_breaks(text: str) -> str:
    """A byte fallback can spell a line break, which would put all later lines out of step."""
    return text.replace("\r\n", " ").replace("\n", " ").replace("\r", " ")
