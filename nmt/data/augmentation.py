"""Changes some training pairs in every epoch, so that a model learns what its users write:
capitals, missing full stops, other quotes, and spans that it must copy."""

# ruff: noqa: RUF001 (quotes and dashes)

import random
import re
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, fields

import numpy as np
from numpy.typing import NDArray

from nmt import checks
from nmt.data.copies import masked, with_copies, wrapped
from nmt.text.spans import Protection
from nmt.text.variants import lower, quotes, restyled, title, upper, without_final_stop

_SALT = 0x617567  # keeps these random numbers apart from those that shuffle an epoch
_MOST_IN_CAPITALS = 200  # characters: in capitals, a text has several times as many tokens
_MARKS = ("- ",) * 6 + ("– ", "– ", "— ", "-", "• ", "* ")
_MARKUP = re.compile(r"[<{\\]")  # quotes in markup and code are no matter of style
_QUOTE = re.compile("[\"“”„«»‘]|''")
_WHOLE = 0.85  # share of quotes that stand around all of the text
_AFTER_ANY_SIGN = 0.25  # share of titles in which programs made capitals: Don'T
_PROTECTION = Protection()


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Shares of the training pairs that change in an epoch, each drawn for itself. A change that
    a pair does not allow leaves it as it is.

    upper, title, lower: both sides in capitals, with capitals at the beginning of all words, in
        small letters; at most one of the three. Capitals only where the source is not long.
    drop_punctuation: both sides without the full stop, question or exclamation mark at the end.
    quotes: the source with apostrophes, quotes, dashes and hyphens of another style. The target
        keeps its style: a model is to write as its training text does, whatever it reads. Pairs
        without quotes get some, the same on both sides.
    leading_dash: both sides behind "- " or another such mark.
    copies: both sides with one or more placeholders that were not there, or with a word that both
        have replaced by one; and with small numbers.
    masked: of the pairs that have spans on both sides that a translation is to copy (see
        ``Protection``), those that have placeholders instead.

    For a tokenizer without placeholders, copies are numbers, addresses and the like, and nothing
    is masked.

    Raises ValueError for a share below 0 or above 1.
    """

    upper: float = 0.003
    title: float = 0.003
    lower: float = 0.012
    drop_punctuation: float = 0.005
    quotes: float = 0.012
    leading_dash: float = 0.005
    copies: float = 0.01
    masked: float = 0.5

    def __post_init__(self) -> None:
        for one in fields(self):
            checks.part_of_one(one.name, getattr(self, one.name))
        if self.upper + self.title + self.lower > 1:
            raise checks.OptionError(
                f"{checks.field('upper')}, {checks.field('title')} and {checks.field('lower')} must"
                f" be at most 1 together, got {self.upper + self.title + self.lower:g}"
            )

    def __bool__(self) -> bool:
        """Whether any pair changes."""
        return any(getattr(self, one.name) for one in fields(self))


@dataclass(frozen=True)
class Augmenter:
    """Changes the training pairs of a run; (seed, epoch, number of the pair) decide how.

    placeholders: of the tokenizer. source_prefixes: what sources begin with that is no text, such
    as <2fr>; it stays before everything.
    """

    shares: Augmentation
    _: KW_ONLY
    placeholders: Sequence[str]
    src_lang: str
    tgt_lang: str
    seed: int
    source_prefixes: Sequence[str] = ()

    def __call__(
        self, epoch: int, first: int, src: Sequence[str], tgt: Sequence[str]
    ) -> dict[int, tuple[str, str]]:
        """Row -> the changed pair, for some consecutive pairs; the others stay as they are.

        first: the number of the first of these pairs. The same pairs are always given together.
        """
        shares = self.shares
        random_numbers = np.random.default_rng([self.seed, epoch, first, _SALT])
        draws = random_numbers.random((len(src), 6))
        seeds = random_numbers.integers(2**63, size=len(src))
        case = shares.upper + shares.title + shares.lower
        others = (shares.drop_punctuation, shares.quotes, shares.leading_dash, shares.copies)
        drawn: NDArray[np.bool_] = np.any(draws[:, :5] < (case, *others), axis=1)
        maskable: NDArray[np.bool_] = draws[:, 5] < (shares.masked if self.placeholders else 0)
        changed = {}
        for row in np.flatnonzero(drawn | maskable).tolist():
            pair = (src[row], tgt[row])
            if not drawn[row] and not _PROTECTION.find(pair[0]):
                continue  # most pairs
            new = self._changed(*pair, draws[row].tolist(), random.Random(int(seeds[row])))
            if new != pair:
                changed[row] = new
        return changed

    def _changed(
        self, src: str, tgt: str, draws: Sequence[float], choose: random.Random
    ) -> tuple[str, str]:
        if any(sign in src or sign in tgt for sign in self.placeholders):
            return src, tgt  # in the changed text it would be taken for a placeholder
        case, stop, style, mark, copies, masks = draws
        shares, (tag, src) = self.shares, self._divided(src)
        free = choose.sample(self.placeholders, len(self.placeholders))
        if masks < shares.masked and free:
            src, tgt = masked(src, tgt, free)
        if copies < shares.copies:
            languages = (self.src_lang, self.tgt_lang)
            src, tgt = with_copies(src, tgt, languages, bool(self.placeholders), free, choose)
        src, tgt = self._in_case(src, tgt, case, choose)
        if stop < shares.drop_punctuation:
            bare = without_final_stop(src), without_final_stop(tgt)
            if bare[0] != src and bare[1] != tgt:
                src, tgt = bare
        if style < shares.quotes and not _MARKUP.search(src):
            styled = restyled(src, choose)
            if (styled == src or choose.random() < 0.5) and not _QUOTE.search(src + tgt):
                languages = (self.src_lang, self.tgt_lang)
                styled, tgt = wrapped((styled, tgt), languages, quotes(choose), _WHOLE, choose)
            src = styled
        if mark < shares.leading_dash and not src.startswith(_MARKS):
            sign = choose.choice(_MARKS)
            src, tgt = sign + src, sign + tgt
        return tag + src, tgt

    def _divided(self, src: str) -> tuple[str, str]:
        """The source's prefix and its text."""
        first, space, text = src.partition(" ")
        return (first + space, text) if first in self.source_prefixes else ("", src)

    def _in_case(self, src: str, tgt: str, draw: float, choose: random.Random) -> tuple[str, str]:
        shares, src_lang, tgt_lang = self.shares, self.src_lang, self.tgt_lang
        if draw < shares.upper:
            if len(src) > _MOST_IN_CAPITALS:
                return src, tgt
            return upper(src, src_lang), upper(tgt, tgt_lang)
        if (draw := draw - shares.upper) < shares.title:
            after_any_sign = choose.random() < _AFTER_ANY_SIGN
            return title(src, src_lang, after_any_sign=after_any_sign), title(tgt, tgt_lang)
        if draw - shares.title < shares.lower:
            return lower(src, src_lang), lower(tgt, tgt_lang)
        return src, tgt
