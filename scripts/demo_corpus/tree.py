"""The abstract tree that both languages realise. Nodes compare by identity: links need that."""

from dataclasses import dataclass
from enum import Enum, auto

from .lexicon import Adjective, Adverbial, Noun, ProperName, Verb


class Tense(Enum):
    """Named after the English form; `french.FRENCH_TENSE` maps each to one French tense."""

    PRESENT = auto()
    PROGRESSIVE = auto()
    PAST = auto()
    PERFECT = auto()
    PAST_PROGRESSIVE = auto()
    HABIT = auto()
    PLUPERFECT = auto()
    FUTURE = auto()
    GOING_TO = auto()
    CONDITIONAL = auto()
    WHEN_FUTURE = auto()  # when he comes, ... will: English present, French future
    IF_PAST = auto()  # if he came, ... would: English past, French imparfait


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """What verbs, adjectives and participles agree with."""

    person: int
    plural: bool
    gender: str


@dataclass(frozen=True, slots=True, eq=False)
class Pronoun:
    """A personal pronoun; `semantic_class` other than person makes it `it` in the singular."""

    agreement: Agreement
    semantic_class: str = "person"


@dataclass(frozen=True, slots=True, eq=False)
class There:
    """A place already known: there, y."""

    agreement: Agreement = Agreement(3, False, "m")
    semantic_class: str = "place"


@dataclass(frozen=True, slots=True, eq=False)
class Name:
    """A proper name as a noun phrase."""

    name: ProperName

    @property
    def agreement(self) -> Agreement:
        """Singular, except for countries with a plural article."""
        return Agreement(3, self.name.article == "les", self.name.gender)

    @property
    def semantic_class(self) -> str:
        """`person` or `place`."""
        return "person" if self.name.kind == "person" else "place"


@dataclass(frozen=True, slots=True, eq=False)
class Nominal:
    """Determiner, noun and what modifies it.

    `determiner` is an English one (the, a, some, any, this, that, every, two, ...), `poss` with a
    Pronoun as `owner` (my), or `of` with a Name or Nominal (Anne's). `any` is what a negated verb
    makes of a, some (ne ... pas de).
    """

    noun: Noun
    plural: bool
    determiner: str
    owner: "Pronoun | Name | Nominal | None" = None
    before: Adjective | None = None
    after: Adjective | None = None
    location: "Name | Nominal | None" = None
    relative: "Relative | None" = None

    @property
    def agreement(self) -> Agreement:
        """Third person of the noun's number and gender."""
        return Agreement(3, self.plural, self.noun.gender)

    @property
    def semantic_class(self) -> str:
        """The noun's."""
        return self.noun.semantic_class


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Noun phrases joined by `and` or `or`."""

    parts: "tuple[Name | Nominal, ...]"
    conjunction: str

    @property
    def agreement(self) -> Agreement:
        """Plural; masculine unless every part is feminine."""
        feminine = all(part.agreement.gender == "f" for part in self.parts)
        return Agreement(3, True, "f" if feminine else "m")

    @property
    def semantic_class(self) -> str:
        """That of the first part."""
        return self.parts[0].semantic_class


@dataclass(frozen=True, slots=True, eq=False)
class Gap:
    """The place in a relative clause where its antecedent belongs: realised as nothing."""

    agreement: Agreement
    semantic_class: str


NounPhrase = Pronoun | There | Name | Nominal | Group | Gap


@dataclass(frozen=True, slots=True, eq=False)
class Predicate:
    """A verb with its complements and adjuncts.

    With `modal` the verb is its infinitive. `adjective` goes with be; `standard` makes it a
    comparative. `negation` is not, never or no longer.
    """

    verb: Verb
    tense: Tense
    modal: Verb | None = None
    negation: str = ""
    adverb: Adverbial | None = None
    object: NounPhrase | None = None
    recipient: NounPhrase | None = None
    adjective: Adjective | None = None
    very: bool = False
    standard: NounPhrase | None = None
    companion: NounPhrase | None = None
    location: Name | Nominal | None = None
    time: Adverbial | None = None
    content: "Statement | None" = None


@dataclass(frozen=True, slots=True, eq=False)
class Clause:
    """A subject with one predicate or several in a row; `fronted` opens the clause."""

    subject: NounPhrase
    predicates: tuple[Predicate, ...]
    fronted: Adverbial | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Existential:
    """There is (was, will be) something somewhere."""

    subject: Nominal | Group
    tense: Tense
    location: Name | Nominal


@dataclass(frozen=True, slots=True, eq=False)
class Linked:
    """Two statements and the (English, French) conjunction of the second; `fronted`: it opens."""

    first: "Statement"
    second: "Statement"
    conjunction: tuple[str, str]
    comma: bool
    fronted: bool = False


Statement = Clause | Existential | Linked


@dataclass(frozen=True, slots=True, eq=False)
class Relative:
    """`role` of the antecedent: subject, object, place, whose, companion."""

    role: str
    clause: Clause


@dataclass(frozen=True, slots=True, eq=False)
class Sentence:
    """A statement, or a question with an optional (English, French) question word."""

    statement: Statement
    question: bool = False
    question_word: tuple[str, str] = ("", "")
