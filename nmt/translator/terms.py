"""Turns terms, which are text, into constraints on target tokens, and flags terms not kept."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from nmt.languages import is_written_without_spaces
from nmt.search.constraints import Constraint, Phrase
from nmt.tokenizer import Tokenizer
from nmt.translator.translation import FORBIDDEN_TERM, MISSING_TERM, Alternative, Terms, Translation
from nmt.translator.word_alignment import characters

T = TypeVar("T", bound=Alternative)

# A private-use character. No vocabulary has it, so the tokenizer spells it in bytes.
_BEFORE = "\U0010fffd"


@dataclass(frozen=True)
class TermEncoder:
    """Encodes terms as target tokens.

    A term is one or more words. Where spaces separate words, a required term must begin a word and
    a forbidden term counts only as a whole word. In a language without spaces both stand anywhere.
    """

    tokenizer: Tokenizer
    tgt_lang: str

    def constraint(self, terms: Terms) -> Constraint:
        """The constraint that search keeps to. Raises ValueError for a term without text."""
        for term in (*terms.require, *terms.forbid):
            if not term.strip():
                raise ValueError(f"a required or forbidden term has no text: {term!r}")
        forbid = [self._at_word_start(term) for term in terms.forbid]
        require = [self._at_word_start(term) for term in terms.require]
        if is_written_without_spaces(self.tgt_lang):
            forbid += [self._within_word(term) for term in terms.forbid]
            require = [self._within_word(term) for term in terms.require]
        prefix = self._at_word_start(terms.prefix) if terms.prefix.strip() else ()
        return Constraint(prefix=prefix, require=tuple(require), forbid=tuple(forbid))

    def forbidding(self, constraint: Constraint, terms: Terms, ids: Sequence[int]) -> Constraint:
        """Adds the tokens that spell a forbidden term in these ids to the constraint. Several
        sequences of tokens can spell one term."""
        spelt = list(characters(ids, self.tokenizer.tgt_pieces(ids)))
        text = "".join(character.text for character in spelt)
        phrases = [
            tuple(ids[spelt[found.start()].start : spelt[found.end() - 1].end])
            for term in terms.forbid
            for found in self._whole(term).finditer(text)
        ]
        return replace(constraint, forbid=tuple(dict.fromkeys([*constraint.forbid, *phrases])))

    def checked(self, translation: Translation, terms: Terms) -> Translation:
        """Flags a translation, and each of its n best, that does not keep to the terms."""
        if not terms.require and not terms.forbid:
            return translation
        nbest = tuple(self._flagged(one, terms) for one in translation.nbest)
        return replace(self._flagged(translation, terms), nbest=nbest)

    def _flagged(self, one: T, terms: Terms) -> T:
        missing = not all(self._begun(term).search(one.text) for term in terms.require)
        forbidden = any(self._whole(term).search(one.text) for term in terms.forbid)
        flags = (MISSING_TERM,) * missing + (FORBIDDEN_TERM,) * forbidden
        return replace(one, flags=one.flags + flags)

    def _at_word_start(self, term: str) -> Phrase:
        return tuple(self.tokenizer.encode_tgt([term.strip()])[0])

    def _within_word(self, term: str) -> Phrase:
        before, both = self.tokenizer.encode_tgt([_BEFORE, _BEFORE + term.strip()])
        return tuple(both[len(before) :])

    def _begun(self, term: str) -> re.Pattern[str]:
        start = "" if is_written_without_spaces(self.tgt_lang) else r"(?<!\w)"
        return re.compile(start + re.escape(term.strip()))

    def _whole(self, term: str) -> re.Pattern[str]:
        end = "" if is_written_without_spaces(self.tgt_lang) else r"(?!\w)"
        return re.compile(self._begun(term).pattern + end)
