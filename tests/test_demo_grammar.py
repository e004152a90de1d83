"""The grammar of the embedded corpus: hand-checked pairs realised from hand-built trees."""

from collections.abc import Iterator

import pytest

from scripts.demo_corpus import lexicon, realise_english, realise_french
from scripts.demo_corpus.tree import (
    Agreement,
    Clause,
    Gap,
    Group,
    Linked,
    Name,
    Nominal,
    NounPhrase,
    Predicate,
    Pronoun,
    Relative,
    Sentence,
    Statement,
    Tense,
    There,
)
from scripts.demo_corpus.words import align

I = Agreement(1, False, "m")  # noqa: E741 (the pronoun)
YOU, HE, SHE = Agreement(2, False, "m"), Agreement(3, False, "m"), Agreement(3, False, "f")
WE, THEY = Agreement(1, True, "m"), Agreement(3, True, "m")
BECAUSE = ("because", "parce que")


def verb(english: str, kind: str = "") -> lexicon.Verb:
    """The first verb whose English head and tail read thus, of a kind if one is named."""
    for entry in lexicon.verbs():
        form = f"{entry.english.head} {entry.english.tail}".strip()
        if form == english and (kind in entry.kinds or not kind):
            return entry
    raise LookupError(english)


def adjective(english: str) -> lexicon.Adjective:
    (entry,) = (entry for entry in lexicon.adjectives() if entry.english == english)
    return entry


def name(english: str) -> Name:
    (entry,) = (entry for entry in lexicon.names() if entry.english == english)
    return Name(entry)


def the(english: str, *, plural: bool = False, determiner: str = "the", **rest: object) -> Nominal:
    (entry,) = (entry for entry in lexicon.nouns() if entry.english == english)
    return Nominal(entry, plural, determiner, **rest)  # type: ignore[arg-type]  # of many types


def says(subject: NounPhrase | Agreement, *predicates: Predicate) -> Clause:
    actor = Pronoun(subject) if isinstance(subject, Agreement) else subject
    return Clause(actor, predicates)


def does(english: str, tense: Tense = Tense.PRESENT, kind: str = "", **rest: object) -> Predicate:
    return Predicate(verb(english, kind), tense, **rest)  # type: ignore[arg-type]  # of many types


def be(english: str, tense: Tense = Tense.PRESENT, **rest: object) -> Predicate:
    return does("be", tense, adjective=adjective(english), **rest)


def object_relative(head: Nominal, subject: Agreement, english: str, tense: Tense) -> Relative:
    gap = Gap(head.agreement, head.semantic_class)
    return Relative("object", says(subject, does(english, tense, object=gap)))


def relative(head: Nominal, subject: Agreement, english: str, tense: Tense) -> Nominal:
    """`head` with an object relative clause."""
    clause = object_relative(head, subject, english, tense)
    return Nominal(head.noun, head.plural, head.determiner, relative=clause)


def cases() -> Iterator[tuple[Statement, str, str]]:
    me, her, him = Pronoun(I), Pronoun(SHE), Pronoun(HE)
    pears = the("pear", plural=True)
    yield says(I, does("love", object=Pronoun(YOU))), "I love you.", "Je t'aime."
    yield (
        says(SHE, does("give", Tense.PAST, object=Pronoun(SHE, "thing"), recipient=him)),
        "She gave it to him.",
        "Elle la lui a donnée.",
    )
    yield (
        says(HE, does("give", Tense.FUTURE, negation="never", object=the("key"), recipient=me)),
        "He will never give me the key.",
        "Il ne me donnera jamais la clé.",
    )
    yield (
        says(I, does("see", Tense.PAST, negation="not", object=her)),
        "I did not see her.",
        "Je ne l'ai pas vue.",
    )
    yield (
        says(WE, does("phone", Tense.PERFECT, object=Pronoun(THEY))),
        "We have phoned them.",
        "Nous leur avons téléphoné.",
    )
    yield (
        says(SHE, does("get up", Tense.PAST)),
        "She got up.",
        "Elle s'est levée.",
    )
    yield (
        says(the("sister", plural=True), does("go", Tense.PLUPERFECT, object=There())),
        "The sisters had gone there.",
        "Les sœurs y étaient allées.",
    )
    yield (
        says(THEY, does("go", Tense.PAST, object=name("the United States"))),
        "They went to the United States.",
        "Ils sont allés aux États-Unis.",
    )
    yield (
        says(HE, does("come", Tense.PROGRESSIVE, object=name("Italy"))),
        "He is coming from Italy.",
        "Il vient d'Italie.",
    )
    yield (
        says(HE, does("come", object=name("Japan"))),
        "He comes from Japan.",
        "Il vient du Japon.",
    )
    yield (
        says(I, does("eat", negation="not", object=the("bread", determiner="any"))),
        "I do not eat any bread.",
        "Je ne mange pas de pain.",
    )
    yield (
        says(HE, does("drink", object=the("water", determiner="some"))),
        "He drinks some water.",
        "Il boit de l'eau.",
    )
    beautiful = the("bird", plural=True, determiner="some", before=adjective("beautiful"))
    yield (
        says(WE, does("see", object=beautiful)),
        "We see some beautiful birds.",
        ("Nous voyons de beaux oiseaux."),
    )
    yield (
        says(the("idea", determiner="poss", owner=Pronoun(YOU)), be("absurd")),
        "Your idea is absurd.",
        "Ton idée est absurde.",
    )
    yield (
        says(the("owl", determiner="this"), does("sleep", Tense.PROGRESSIVE)),
        "This owl is sleeping.",
        "Ce hibou dort.",
    )
    old = the("friend", before=adjective("old"), after=adjective("honest"))
    yield (
        says(HE, does("talk", Tense.PAST, object=old)),
        "He talked to the old honest friend.",
        "Il a parlé au vieil ami honnête.",
    )
    yield (
        says(Group((the("queen"), the("king")), "and"), be("happy", Tense.PAST, very=True)),
        "The queen and the king were very happy.",
        "La reine et le roi étaient très heureux.",
    )
    yield (
        says(relative(pears, SHE, "buy", Tense.PAST), be("delicious")),
        "The pears that she bought are delicious.",
        "Les poires qu'elle a achetées sont délicieuses.",
    )
    yield (
        says(relative(the("book"), I, "need", Tense.PRESENT), be("easy")),
        "The book that I need is easy.",
        "Le livre dont j'ai besoin est facile.",
    )
    sleeper = the("boy")
    gap = Gap(sleeper.agreement, "person")
    sleeping = Relative("subject", Clause(gap, (does("sleep", Tense.PAST_PROGRESSIVE),)))
    yield (
        says(Nominal(sleeper.noun, False, "the", relative=sleeping), does("smile", Tense.PAST)),
        "The boy who was sleeping smiled.",
        "Le garçon qui dormait a souri.",
    )
    yield (
        says(HE, does("see", modal=verb("want", "inf"), negation="not", object=her)),
        "He does not want to see her.",
        "Il ne veut pas la voir.",
    )
    yield (
        says(I, does("repair", modal=verb("try"), object=Pronoun(HE, "thing"))),
        "I try to repair it.",
        "J'essaie de le réparer.",
    )
    yield (
        says(SHE, does("rest", Tense.GOING_TO)),
        "She is going to rest.",
        "Elle va se reposer.",
    )
    brothers = the("book", determiner="of", owner=the("brother", plural=True))
    yield (
        says(name("Alice"), does("read", object=brothers)),
        "Alice reads the brothers' book.",
        "Alice lit le livre des frères.",
    )
    when = says(HE, does("arrive", Tense.WHEN_FUTURE))
    yield (
        Linked(says(SHE, does("leave", Tense.FUTURE)), when, ("when", "quand"), True, True),
        "When he arrives, she will leave.",
        "Quand il arrivera, elle partira.",
    )
    condition = says(HE, does("hurry", Tense.IF_PAST))
    yield (
        Linked(says(I, does("laugh", Tense.CONDITIONAL)), condition, ("if", "si"), False),
        "I would laugh if he hurried.",
        "Je rirais s'il se dépêchait.",
    )
    yield (
        Linked(says(HE, does("cry")), says(SHE, does("be hungry")), BECAUSE, False),
        "He cries because she is hungry.",
        "Il pleure parce qu'elle a faim.",
    )
    yield (
        says(HE, does("say", Tense.PAST, content=says(WE, does("be right", Tense.PAST)))),
        "He said that we were right.",
        "Il a dit que nous avions raison.",
    )
    yield (
        says(the("cow"), be("big", standard=the("horse"))),
        "The cow is bigger than the horse.",
        "La vache est plus grande que le cheval.",
    )


@pytest.mark.parametrize(("tree", "english", "french"), list(cases()))
def test_pairs(tree: Statement, english: str, french: str) -> None:
    sides = [side.sentence(Sentence(tree)) for side in (realise_english, realise_french)]
    assert [" ".join(word.text for word in side) for side in sides] == [english, french]


def test_question() -> None:
    asked = Sentence(says(HE, does("eat", object=the("apple"))), True, ("why", "pourquoi"))
    texts = [
        " ".join(word.text for word in side.sentence(asked))
        for side in (realise_english, realise_french)
    ]
    assert texts == ["Why does he eat the apple?", "Pourquoi est-ce qu'il mange la pomme ?"]


def test_alignment_by_hand() -> None:
    """I did not see her. / Je ne l'ai pas vue."""
    tree = Sentence(says(I, does("see", Tense.PAST, negation="not", object=Pronoun(SHE))))
    links = align(realise_english.sentence(tree), realise_french.sentence(tree))
    # did and not: ne, pas; see: ai, vue; her: l', which stands in one word with ai
    expected = [(0, 0), (1, 1), (1, 3), (2, 1), (2, 3), (3, 2), (3, 4), (4, 2)]
    assert links == expected
