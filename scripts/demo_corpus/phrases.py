"""Random noun phrases, within the classes a verb selects and a budget of English words."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from random import Random

from .lexicon import Adjective, Noun, ProperName, adjectives, names, nouns
from .tree import (
    Agreement,
    Group,
    Name,
    Nominal,
    NounPhrase,
    Pronoun,
)

_NUMBERS = ("two", "three", "four", "five", "six", "seven", "ten")
_PERSONS = (
    Agreement(1, False, "m"),
    Agreement(2, False, "m"),
    Agreement(3, False, "m"),
    Agreement(3, False, "f"),
    Agreement(1, True, "m"),
    Agreement(3, True, "m"),
)
_OWNED_PLACES = ("garden", "kitchen", "house", "room", "flat", "farm", "office", "workshop")


@dataclass(frozen=True, slots=True)
class Setting:
    """What a phrase is drawn for.

    `negated`: a direct object under negation. `after_de`: no partitive, since de governs it.
    `pronouns`: persons may be pronouns, `they` also one without antecedent. `lists`, `proper`:
    groups and names of places are allowed. `indefinite`: no other determiner. A first or second
    person must not repeat `subject`; a third may take up `antecedent`.
    """

    negated: bool = False
    after_de: bool = False
    pronouns: bool = False
    lists: bool = True
    they: bool = True
    proper: bool = True
    indefinite: bool = False
    subject: NounPhrase | None = None
    antecedent: NounPhrase | None = None


@cache
def nouns_of(semantic_class: str) -> tuple[Noun, ...]:
    """The nouns of a class."""
    found: defaultdict[str, list[Noun]] = defaultdict(list)
    for noun in nouns():
        found[noun.semantic_class].append(noun)
    return tuple(found[semantic_class])


@cache
def names_of(*kinds: str) -> tuple[ProperName, ...]:
    """The proper names of some kinds."""
    return tuple(name for name in names() if name.kind in kinds)


@cache
def adjectives_of(semantic_class: str, prenominal: bool | None = None) -> tuple[Adjective, ...]:
    """The adjectives that go with a class."""
    return tuple(
        adjective
        for adjective in adjectives()
        if semantic_class in adjective.classes
        and (prenominal is None or adjective.prenominal == prenominal)
    )


def refer(target: NounPhrase) -> Pronoun:
    """A third-person pronoun that refers to `target` (itself where that is a pronoun)."""
    return Pronoun(target.agreement, target.semantic_class)


def person(rng: Random, setting: Setting) -> Pronoun:
    """A personal pronoun. `they` is masculine, unless bound to the antecedent of the setting."""
    subject = setting.subject
    allowed = [
        agreement
        for agreement in _PERSONS
        if not subject or agreement.person == 3 or subject.agreement.person == 3
    ]
    if not setting.they:
        allowed = [a for a in allowed if a.person != 3 or not a.plural]
    chosen = rng.choice(allowed)
    if chosen.person == 3 and chosen.plural and setting.antecedent:
        bound = setting.antecedent.agreement
        if bound.person == 3 and bound.plural:
            return refer(setting.antecedent)
    return Pronoun(chosen)


def noun_phrase(rng: Random, classes: Sequence[str], budget: int, setting: Setting) -> NounPhrase:
    """A noun phrase of one of `classes` of about `budget` words (at least one)."""
    semantic_class = rng.choice(classes)
    chance = rng.random()
    if semantic_class == "person":
        if setting.pronouns and chance < (0.5 if budget < 3 else 0.25):
            return person(rng, setting)
        if chance < 0.6 and budget < 4:
            return Name(rng.choice(names_of("person")))
    if semantic_class == "place":
        return place(rng, budget, proper=setting.proper)
    if setting.lists and budget >= 5 and chance < 0.35:
        return group(rng, semantic_class, budget, setting)
    return nominal(rng, semantic_class, budget, setting)


def group(rng: Random, semantic_class: str, budget: int, setting: Setting) -> Group:
    """A coordination or list of two to four members."""
    size = min(max(2, budget // 3), 4)
    parts: list[Name | Nominal] = []
    seen: set[str] = set()
    while len(parts) < size:
        if semantic_class == "person" and not setting.indefinite and rng.random() < 0.4:
            part: Name | Nominal = Name(rng.choice(names_of("person")))
        else:
            part = nominal(rng, semantic_class, budget // size, setting)
        word = part.name.english if isinstance(part, Name) else part.noun.english
        if word not in seen:
            seen.add(word)
            parts.append(part)
    disjunction = setting.negated or (size == 2 and setting.subject and rng.random() < 0.15)
    return Group(tuple(parts), "or" if disjunction else "and")


def place(rng: Random, budget: int = 2, *, proper: bool = True) -> Name | Nominal:
    """A place: a town, a country, or a common noun."""
    if proper and rng.random() < 0.2:
        return Name(rng.choice(names_of("city", "country")))
    noun = rng.choice(nouns_of("place"))
    chance = rng.random()
    determiner = "the"
    owner: Pronoun | Name | Nominal | None = None
    if chance < 0.12:
        determiner = rng.choice(("this", "that", "a"))
    elif chance < 0.3 and noun.english in _OWNED_PLACES:
        determiner, owner = "poss", Pronoun(rng.choice(_PERSONS))
    elif chance < 0.36 and noun.english in _OWNED_PLACES:
        determiner, owner = "of", _owner(rng)
    before, after = _adjectives(rng, noun, budget - 2)
    return Nominal(noun, False, determiner, owner, before, after)


def _owner(rng: Random) -> Name | Nominal:
    if rng.random() < 0.5:
        return Name(rng.choice(names_of("person")))
    plural = rng.random() < 0.25
    noun = rng.choice(nouns_of("person"))
    if noun.owned and rng.random() < 0.6:
        return Nominal(noun, plural, "poss", Pronoun(rng.choice(_PERSONS)))
    return Nominal(noun, plural, "the")


def _adjectives(rng: Random, noun: Noun, budget: int) -> tuple[Adjective | None, Adjective | None]:
    """(before, after) the French noun."""
    if budget < 1 or rng.random() < 0.4:
        return None, None
    before, after = (adjectives_of(noun.semantic_class, side) for side in (True, False))
    chance = rng.random()
    if before and after and budget >= 2 and chance < 0.3:
        return rng.choice(before), rng.choice(after)
    if before and (chance < 0.6 or not after):
        return rng.choice(before), None
    return (None, rng.choice(after)) if after else (None, None)


def nominal(rng: Random, semantic_class: str, budget: int, setting: Setting) -> Nominal:
    """A common noun with determiner, adjectives, owner or place."""
    noun = rng.choice(nouns_of(semantic_class))
    plural = not noun.mass and rng.random() < (0.5 if semantic_class == "food" else 0.3)
    determiner = _determiner(rng, noun, plural, setting)
    owner: Pronoun | Name | Nominal | None = None
    if determiner == "poss":
        owner = Pronoun(rng.choice(_PERSONS))
        if budget >= 3 and rng.random() < 0.45:
            determiner, owner = "of", _owner(rng)
    before, after = _adjectives(rng, noun, budget - 2)
    location = None
    if budget >= 5 and semantic_class in ("person", "animal", "thing") and rng.random() < 0.3:
        location = place(rng, proper=False)
    return Nominal(noun, plural, determiner, owner, before, after, location)


def _determiner(rng: Random, noun: Noun, plural: bool, setting: Setting) -> str:
    owned = noun.owned or noun.semantic_class in ("thing", "clothing", "vehicle", "text")
    chance = 1.0 if setting.indefinite else rng.random()
    if chance < 0.4:
        return "the"
    if chance < 0.6 and owned:
        return "poss"
    if chance < (0.68 if owned else 0.5):
        return rng.choice(("this", "that"))
    if setting.negated:
        return "any"
    if noun.mass:
        return "the" if setting.after_de else "some"
    if not plural:
        return "a" if setting.indefinite else rng.choice(("a", "a", "a", "every", "another"))
    if setting.indefinite:
        return rng.choice(("some", "several", "a few", *_NUMBERS))
    if setting.after_de:
        return rng.choice(("the", *_NUMBERS, "all the"))
    return rng.choice(("some", "some", "several", "a few", "many", "all the", *_NUMBERS[:4]))
