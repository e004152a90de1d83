"""The lexicon: tables beside this file read into frozen entries, in the order of the tables."""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True, eq=False)
class Noun:
    """`owned`: a person or animal that may be somebody's (my aunt, but hardly my thief).

    `locative` is the (English, French) preposition of a place: at school, à l'école."""

    semantic_class: str
    english: str
    english_plural: str
    french: str
    french_plural: str
    gender: str
    mass: bool
    owned: bool
    locative: tuple[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class ProperName:
    """`kind` is person, city or country; `article` is the French one of a country."""

    kind: str
    english: str
    french: str
    gender: str
    article: str


@dataclass(frozen=True, slots=True, eq=False)
class Adjective:
    """`comparative` is the English form, "" for `more ...`, "-" where there are no degrees."""

    english: str
    comparative: str
    french: str
    feminine: str
    prenominal: bool
    classes: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class VerbForm:
    """One side of a verb: head that inflects, invariable tail, preposition of the complement.

    Written `avoir besoin +de`. The preposition `@` is the place's own; `dative` (written `+à~`)
    marks one whose personal pronoun is a clitic (lui, leur); `reflexive` is French only.
    """

    head: str
    tail: str
    preposition: str
    dative: bool
    reflexive: bool


@dataclass(frozen=True, slots=True, eq=False)
class Verb:
    """A verb; `subjects` and `objects` are the semantic classes it selects.

    `kinds`: state (imparfait for the past, no progressive), give (takes a recipient), to (never:
    explains us a thing), that (takes a clause), inf (takes an infinitive), be, group (plural
    subject), accident (nobody wants to), simple (no progressive), local (not done to a country).
    """

    english: VerbForm
    french: VerbForm
    kinds: tuple[str, ...]
    subjects: tuple[str, ...]
    objects: tuple[str, ...]

    @property
    def state(self) -> bool:
        """True for verbs that take no progressive and whose past is the imparfait."""
        return "state" in self.kinds


@dataclass(frozen=True, slots=True, eq=False)
class Adverbial:
    """An adverb or a time phrase, and the time frames it goes with."""

    english: str
    french: str
    frames: tuple[str, ...]


def rows(name: str) -> list[dict[str, str]]:
    """The rows of the table `name`.csv as dictionaries."""
    with open(_HERE / f"{name}.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def english_plural(singular: str) -> str:
    """Regular English plural of a noun."""
    if singular.endswith(("s", "x", "ch", "sh", "z")):
        return singular + "es"
    if singular.endswith("y") and singular[-2] not in "aeiou":
        return singular[:-1] + "ies"
    return singular + "s"


def french_plural(singular: str) -> str:
    """Regular French plural of a noun or a masculine adjective."""
    if singular.endswith(("s", "x", "z")):
        return singular
    if singular.endswith(("eau", "eu")) and singular != "bleu":
        return singular + "x"
    if singular.endswith("al"):
        return singular[:-2] + "aux"
    return singular + "s"


def french_feminine(masculine: str) -> str:
    """Regular feminine of a French adjective or participle."""
    if masculine.endswith("e"):
        return masculine
    for ending, feminine in (("eux", "euse"), ("er", "ère"), ("el", "elle"), ("en", "enne")):
        if masculine.endswith(ending):
            return masculine.removesuffix(ending) + feminine
    return masculine + "e"


def _verb_form(text: str) -> VerbForm:
    words, _, preposition = text.partition(" +")
    reflexive = words.startswith(("se ", "s'"))
    head, _, tail = words.removeprefix("se ").removeprefix("s'").partition(" ")
    return VerbForm(head, tail, preposition.rstrip("~"), preposition.endswith("~"), reflexive)


@cache
def nouns() -> tuple[Noun, ...]:
    """All common nouns."""
    entries = []
    for row in rows("nouns"):
        extra = row["extra"]
        english_place, _, french_place = extra.partition(" ") if " " in extra else ("", "", "")
        entries.append(
            Noun(
                row["class"],
                row["english"],
                row["plural"] or english_plural(row["english"]),
                row["french"],
                row["french_plural"] or french_plural(row["french"]),
                row["gender"],
                extra == "mass",
                extra == "owned",
                (english_place, french_place),
            )
        )
    return tuple(entries)


@cache
def names() -> tuple[ProperName, ...]:
    """All proper names."""
    columns = ("kind", "english", "french", "gender", "article")
    return tuple(ProperName(*(row[column] for column in columns)) for row in rows("names"))


@cache
def adjectives() -> tuple[Adjective, ...]:
    """All adjectives; `=` in the table marks an invariable one."""
    return tuple(
        Adjective(
            row["english"],
            row["comparative"],
            row["french"],
            row["feminine"] or french_feminine(row["french"]),
            row["position"] == "pre",
            tuple(row["classes"].split()),
        )
        for row in rows("adjectives")
    )


@cache
def verbs() -> tuple[Verb, ...]:
    """All verbs."""
    return tuple(
        Verb(
            _verb_form(row["english"]),
            _verb_form(row["french"]),
            tuple(row["kind"].split()),
            tuple(row["subject"].split()),
            tuple(row["object"].split()),
        )
        for row in rows("verbs")
    )


@cache
def adverbials(table: str) -> tuple[Adverbial, ...]:
    """The entries of `adverbs` or `times`."""
    return tuple(
        Adverbial(row["english"], row["french"], tuple(row["frame"].split())) for row in rows(table)
    )
