"""Terms, which are text, as constraints, which are target tokens; and which of them were kept."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from nmt.languages import is_written_without_spaces
from nmt.search.constraints import Constraint, Phrase
from nmt.tokenizer import Tokenizer
from nmt.translator.translation import FORBIDDEN_TERM, MISSING_TERM, Terms, Translation
from nmt.translator.word_alignment import characters

# A character of private use: no vocabulary has it, so that it is spelt in bytes of its own.
_BEFORE = "\U0010fffd"


@dataclass(frozen=True)
class TermEncoder:
    """Writes terms in target tokens.

    A term is one or more whole words as they stand. Where spaces part words, a required term is
    put at the beginning of a word, and a forbidden one is looked for as a whole word; in a
    language without spaces either may stand anywhere.
    """

    tokenizer: Tokenizer
    tgt_lang: str

    def constraint(self, terms: Terms) -> Constraint:
        """What search is told. Raises ValueError for a term without text."""
        for term in (*terms.require, *terms.forbid):
            if not term.strip():
                raise ValueError(f"a required or forbidden term has no text: {term!r}")
        forbid = [self._at_word_start(term) for term in terms.forbid]
        require = [self._at_word_start(term) for term in terms.require]
        if is_written_without_spaces(self.tgt_lang):
            forbid += [self._within_word(term) for term in terms.forbid]
            require = [self._within_word(term) for term in terms.require]
        return Constraint(
            prefix=self._at_word_start(terms.prefix) if terms.prefix.strip() else (),
            require=tuple(require),
            forbid=tuple(forbid),
        )

    def forbidding(self, constraint: Constraint, terms: Terms, ids: Sequence[int]) -> Constraint:
        """The constraint with what these ids spell of forbidden terms forbidden too.

        The tokens that a term is written in can be replaced by others that spell the same.
        """
        spelt = list(characters(ids, self.tokenizer.tgt_pieces(ids)))
        text = "".join(character.text for character in spelt)
        phrases = [
            tuple(ids[spelt[found.start()].start : spelt[found.end() - 1].end])
            for term in terms.forbid
            for found in self._whole(term).finditer(text)
        ]
        return replace(constraint, forbid=tuple(dict.fromkeys([*constraint.forbid, *phrases])))

    def checked(self, translation: Translation, terms: Terms) -> Translation:
        """The translation, and its n best, with the flags of terms that they do not keep to."""
        if not terms.require and not terms.forbid:
            return translation
        return replace(
            translation,
            flags=translation.flags + self._flags(terms, translation.text),
            nbest=tuple(
                replace(one, flags=one.flags + self._flags(terms, one.text))
                for one in translation.nbest
            ),
        )

    def _flags(self, terms: Terms, text: str) -> tuple[str, ...]:
        flags: tuple[str, ...] = ()
        if not all(self._begun(term).search(text) for term in terms.require):
            flags += (MISSING_TERM,)
        if any(self._whole(term).search(text) for term in terms.forbid):
            flags += (FORBIDDEN_TERM,)
        return flags

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
