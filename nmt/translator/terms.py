"""Turns terms, which are text, into constraints on target tokens, and flags terms not kept.

Whether a term stands in a text is decided in ``nmt/text/words.py``, for search and flags alike.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from nmt.languages import is_written_without_spaces
from nmt.search.base import Search
from nmt.search.constraints import Constraint
from nmt.search.token_patterns import Phrase
from nmt.text.words import occurrences
from nmt.tokenizer import Tokenizer
from nmt.translator.glossary import Requirement, capitalised
from nmt.translator.term_patterns import TermPatterns
from nmt.translator.translation import (
    FLAGS,
    FORBIDDEN_TERM,
    MISSING_TERM,
    Alternative,
    Terms,
    Translation,
)
from nmt.translator.word_alignment import characters

T = TypeVar("T", bound=Alternative)

MOST_REQUIRED_BYTES = 512  # each may become a token, and the beam has to go on with every one
MOST_TRIED = 8  # parts of a line that are tried for a required term

# A private-use character. No vocabulary has it, so the tokenizer spells it in bytes.
_BEFORE = "\U0010fffd"


def check_terms(terms: Terms) -> None:
    """ValueError for a term without text, for more required text than a sentence has, and for terms
    that cannot all be kept: a forbidden one that stands in a required one, or in all translations
    that the glossary allows."""
    for term in (*terms.forbid, *(form for one in required(terms) for form in one.forms)):
        if not term.strip():
            raise ValueError(f"a required or forbidden term has no text: {term!r}")
    longest = (max(one.forms, key=len) for one in required(terms))
    if (size := len("".join(longest).encode(errors="replace"))) > MOST_REQUIRED_BYTES:
        raise ValueError(
            f"what is required has {size:,} bytes, and one translation can have "
            f"{MOST_REQUIRED_BYTES} of them: a glossary requires only what the source asks for"
        )
    entries = terms.glossary.entries if terms.glossary else ()
    asked = [*required(terms), *(Requirement(entry.forms, entry.term) for entry in entries)]
    for one in asked if terms.forbid else ():
        _without(terms.forbid, one)


def required(terms: Terms) -> tuple[Requirement, ...]:
    """What the terms require of every line, whatever its source."""
    return tuple(
        one if isinstance(one, Requirement) else Requirement((one,)) for one in terms.require
    )


def ignoring_case(terms: Terms) -> Terms:
    """The terms of a line in capitals, where no case counts in what is required."""
    loud = tuple(replace(one, ignore_case=True) for one in required(terms))
    return replace(terms, require=loud)


def check_search(search: Search, terms: Iterable[Terms]) -> None:
    """ValueError for a search that cannot look for what some of the terms require."""
    if not search.finds_required and any(one.require or one.glossary for one in terms):
        raise ValueError(
            f"{type(search).__name__} cannot look for required terms, nor for those of a glossary:"
            f" use search=beam"
        )


def terms_of_parts(
    terms: Terms,
    texts: Sequence[str],
    src_lang: str,
    *,
    read: Sequence[bool],
    in_capitals: Sequence[bool],
) -> list[Terms]:
    """What the translation of each part of a line must keep to: the prefix, the first part that the
    model reads; what is forbidden, each; the glossary, each part where one of its terms stands.
    What is required of the line is required of its part where it has only one: see ``placed`` for
    the others.

    texts: of the parts. read: of each, whether the model reads it: others are copied.
    in_capitals: of each, whether all of it is; no case counts then.

    Raises ValueError for a glossary that allows only forbidden translations of a term.
    """
    found: list[Terms] = []
    prefix = terms.prefix
    for text, is_read, loud in zip(texts, read, in_capitals, strict=True):
        own = list(required(terms)) if len(texts) == 1 else []
        if terms.glossary is not None:
            asked = terms.glossary.requirements(text, src_lang, ignore_case=loud)
            own += [_without(terms.forbid, one) for one in asked]
        require = tuple(replace(one, ignore_case=loud) for one in own)
        found.append(
            Terms(prefix if is_read else "", require, terms.forbid, glossary=terms.glossary)
        )
        prefix = "" if is_read else prefix
    return found


def placed(
    lacking: Sequence[Requirement],
    terms: Sequence[Terms],
    translations: Sequence[Translation],
    sizes: Sequence[int],
    likeliest: Callable[[Requirement], Sequence[int]],
    translate: Callable[[Sequence[tuple[int, Terms]]], Sequence[Translation]],
) -> list[Translation]:
    """Requires of one part of a line what the line's translation lacks: of the part whose
    translation loses least of its score by it. Several are tried, ``MOST_TRIED`` at most.

    lacking: what the joined translations lack, from ``TermEncoder.lacking``.
    terms, translations, sizes: of each part, as ``terms_of_parts`` gives them, as translated so
        far, and the number of source tokens.
    likeliest: the places of the parts, the likeliest for a requirement first.
    translate: translates parts anew, each given as its place and its terms. Their flags count: a
        translation with missing_term is not taken.

    Returns the translations of all parts.
    """
    chosen, own = list(translations), list(terms)
    for one in lacking:
        tried = {
            place: replace(own[place], require=(*own[place].require, one))
            for place in likeliest(one)[:MOST_TRIED]
        }
        found = dict(zip(tried, translate(list(tried.items())), strict=True))
        kept = [place for place in found if MISSING_TERM not in found[place].flags]
        if kept:
            best = max(kept, key=lambda p: (found[p].score - chosen[p].score) * sizes[p])
            chosen[best], own[best] = found[best], tried[best]
    return chosen


def _without(forbid: Sequence[str], one: Requirement) -> Requirement:
    """The requirement without the forms that hold a forbidden term; ValueError if none is left."""
    holding = {form: term for form in one.forms for term in forbid if occurrences(term, form, "")}
    raised = {capitalised(form, "") for form in holding} if one.term else set()
    left = tuple(form for form in one.forms if form not in holding.keys() | raised)
    if left:
        return replace(one, forms=left)
    form, term = next(iter(holding.items()))
    asks = f"is what the glossary asks for {one.term!r}" if one.term else "is required"
    within = "" if form == term else ", which stands in it,"
    raise ValueError(f"{form!r} {asks}, and {term!r}{within} is forbidden: give up one of them")


@dataclass(frozen=True)
class TermEncoder:
    """Encodes terms as target tokens.

    A term is one or more words. It counts only where it stands as a whole word. In a language
    written without spaces a forbidden term is banned within other words too.
    """

    tokenizer: Tokenizer
    tgt_lang: str
    _patterns: TermPatterns = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_patterns", TermPatterns(self.tokenizer, self.tgt_lang))

    def constraint(self, terms: Terms) -> Constraint:
        """The constraint that search keeps to, but for the glossary (``terms_of_parts``) and terms
        that the vocabulary cannot spell. Raises what ``check_terms`` raises."""
        check_terms(replace(terms, glossary=None))
        forbid = [self._at_word_start(term) for term in terms.forbid]
        if is_written_without_spaces(self.tgt_lang):
            forbid += [self._within_word(term) for term in terms.forbid]
        prefix = self._at_word_start(terms.prefix) if terms.prefix.strip() else ()
        asked = [[self._patterns(form) for form in one.forms] for one in required(terms)]
        require = [tuple(one for one in forms if one is not None) for forms in asked]
        return Constraint(prefix, tuple(filter(None, require)), tuple(forbid))

    def forbidding(self, constraint: Constraint, terms: Terms, ids: Sequence[int]) -> Constraint:
        """Adds the tokens that spell a forbidden term in these ids to the constraint. Several
        sequences of tokens can spell one term."""
        spelt = list(characters(ids, self.tokenizer.tgt_pieces(ids)))
        text = "".join(character.text for character in spelt)
        ends = [end for place, each in enumerate(spelt) for end in [place] * len(each.text)]
        phrases = [
            tuple(ids[spelt[ends[found.start]].start : spelt[ends[found.end - 1]].end])
            for term in terms.forbid
            for found in occurrences(term, text, self.tgt_lang)
        ]
        return replace(constraint, forbid=tuple(dict.fromkeys([*constraint.forbid, *phrases])))

    def lacking(self, terms: Terms, text: str) -> list[Requirement]:
        """What the terms require and the text has not; the glossary aside."""
        return [one for one in required(terms) if not one.met(text, self.tgt_lang)]

    def faults(self, terms: Terms, text: str) -> int:
        """How many of the terms the text does not keep to; the glossary aside."""
        return len(self.lacking(terms, text)) + len(self._held(terms, text))

    def usual(self, term: str) -> Phrase:
        """The tokens that usually spell the term at the beginning of a text."""
        return self._at_word_start(term)

    def text(self, tokens: Sequence[int]) -> str:
        """The text that the tokens spell."""
        return self.tokenizer.decode_tgt([tokens])[0]

    def checked(self, translation: Translation, terms: Terms) -> Translation:
        """Flags a translation, and each of its n best, that does not keep to the terms, and records
        what became of those that a glossary asks for."""
        if not terms.require and not terms.forbid:
            return translation
        nbest = tuple(self._flagged(one, terms) for one in translation.nbest)
        asked = tuple(
            (one.term, one.met(translation.text, self.tgt_lang))
            for one in required(terms)
            if one.term
        )
        return replace(
            self._flagged(translation, terms),
            nbest=nbest,
            glossary=translation.glossary + asked,
        )

    def _flagged(self, one: T, terms: Terms) -> T:
        flags = set(one.flags)
        if self.lacking(terms, one.text):
            flags.add(MISSING_TERM)
        if self._held(terms, one.text):
            flags.add(FORBIDDEN_TERM)
        return replace(one, flags=tuple(flag for flag in FLAGS if flag in flags))

    def _held(self, terms: Terms, text: str) -> list[str]:
        return [term for term in terms.forbid if occurrences(term, text, self.tgt_lang)]

    def _at_word_start(self, term: str) -> Phrase:
        return tuple(self.tokenizer.encode_tgt([term.strip()])[0])

    def _within_word(self, term: str) -> Phrase:
        before, both = self.tokenizer.encode_tgt([_BEFORE, _BEFORE + term.strip()])
        return tuple(both[len(before) :])
