"""Random predicates with their complements, and the relative clauses that these may take."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from random import Random

from .lexicon import Verb, adverbials
from .phrases import Setting, adjectives_of, nominal, noun_phrase, place, refer
from .tenses import NEVER_NEGATED, NO_CAN, TIME_FRAMES, Context, tense, verbs_of
from .tree import (
    Clause,
    Gap,
    Group,
    Name,
    Nominal,
    NounPhrase,
    Predicate,
    Pronoun,
    Relative,
    Tense,
    There,
)


def predicate(rng: Random, actor: NounPhrase, budget: int, context: Context) -> Predicate:
    """A predicate of about `budget` words for a subject."""
    drawn = _predicate(rng, actor, budget, context)
    if drawn.negation and drawn.tense is Tense.HABIT:  # used not to: avoided
        state = (drawn.modal or drawn.verb).state
        return replace(drawn, tense=Tense.PAST if state else Tense.PAST_PROGRESSIVE)
    if drawn.negation and drawn.tense in (Tense.PROGRESSIVE, Tense.PAST_PROGRESSIVE):
        return replace(drawn, negation="not")
    return drawn


def _predicate(rng: Random, actor: NounPhrase, budget: int, context: Context) -> Predicate:
    kind = actor.semantic_class
    chance = rng.random()
    negation = ""
    if rng.random() < 0.17 and context.frame not in NEVER_NEGATED:
        negation = rng.choice(("not", "not", "not", "never", "no longer"))
    momentary = context.frame in NEVER_NEGATED
    acts = kind in ("person", "animal")
    if not acts or (not momentary and chance < (0.15 if budget < 7 else 0.06)):
        if kind == "vehicle" and rng.random() < 0.4:
            return _plain(rng, actor, budget, context, "")
        return _copula(rng, actor, budget, context, negation)
    if kind == "person" and chance < 0.3 and budget >= 4:
        return _infinitive(rng, actor, budget, context, negation)
    return _plain(rng, actor, budget, context, negation)


def _copula(
    rng: Random, actor: NounPhrase, budget: int, context: Context, negation: str
) -> Predicate:
    (verb,) = verbs_of("person", "be")
    adjective = rng.choice(adjectives_of(actor.semantic_class))
    standard, very = None, False
    comparable = adjective.comparative != "-"
    if budget >= 4 and comparable and rng.random() < 0.5:
        if actor.semantic_class == "place":
            standard = place(rng, proper=False)
        else:
            standard = nominal(rng, actor.semantic_class, 3, Setting(after_de=True))
    elif comparable and not negation:
        very = rng.random() < 0.3
    return Predicate(
        verb,
        tense(rng, verb, context.frame),
        negation=negation,
        adjective=adjective,
        standard=standard,
        very=very,
    )


def _infinitive(
    rng: Random, actor: NounPhrase, budget: int, context: Context, negation: str
) -> Predicate:
    modal = rng.choice(verbs_of("person", "inf"))
    while modal.english.head == "can" and context.frame in NO_CAN:  # could: pouvait or pourrait
        modal = rng.choice(verbs_of("person", "inf"))
    if modal.french.head not in ("pouvoir", "vouloir", "devoir"):
        negation = ""
    drawn = _plain(rng, actor, budget - 2, context, negation, infinitive=True)
    return replace(drawn, modal=modal, tense=tense(rng, modal, context.frame), adverb=None)


def _plain(
    rng: Random,
    actor: NounPhrase,
    budget: int,
    context: Context,
    negation: str,
    *,
    infinitive: bool = False,
) -> Predicate:
    candidates = verbs_of(actor.semantic_class, "")
    if budget >= 3 and actor.semantic_class == "person":
        candidates = (
            tuple(v for v in candidates if v.objects) if rng.random() < 0.85 else candidates
        )
    if context.frame in ("event", "when future"):
        candidates = tuple(v for v in candidates if not v.state)
    verb = rng.choice(candidates)
    while ("group" in verb.kinds and not actor.agreement.plural) or (
        infinitive and (verb.state or "accident" in verb.kinds)
    ):
        verb = rng.choice(candidates)
    drawn_tense = tense(rng, verb, context.frame)
    adverb = None
    plain_tense = drawn_tense in (Tense.PRESENT, Tense.FUTURE, Tense.PAST)
    if not negation and plain_tense and rng.random() < 0.1:
        time = TIME_FRAMES.get(context.frame, "")
        fitting = [a for a in adverbials("adverbs") if time in a.frames]
        adverb = rng.choice(fitting) if fitting else None
    base = Predicate(verb, drawn_tense, negation=negation, adverb=adverb)
    return _completed(rng, base, actor, budget, context)


def _completed(
    rng: Random, base: Predicate, actor: NounPhrase, budget: int, context: Context
) -> Predicate:
    verb = base.verb
    if not verb.objects:
        location = companion = None
        alone = "accident" in verb.kinds
        if budget >= 4 and rng.random() < 0.5:
            location = place(rng, budget - 2, proper=False)
        if budget >= 4 and actor.semantic_class == "person" and not alone and rng.random() < 0.35:
            companion = noun_phrase(
                rng, ("person",), min(budget - 2, 5), Setting(pronouns=True, subject=actor)
            )
        if companion and budget >= 10:
            companion = with_relative(rng, companion, budget - 3, context)
        placed = isinstance(companion, Nominal) and companion.location is not None
        if verb.french.head in ("partir", "revenir") or placed or has_relative(companion):
            location = None
        return replace(base, location=location, companion=companion)
    given = "give" in verb.kinds
    share = min(budget - 1, 7) if given else budget - 1
    target = _object(rng, verb, actor, share, context, negated=bool(base.negation))
    recipient = None
    if given:
        setting = Setting(pronouns=True, lists=False, subject=actor)
        recipient = noun_phrase(rng, ("person",), 2 if isinstance(target, Pronoun) else 3, setting)
    location = None
    action = not verb.state and verb.objects != ("place",)
    heavy = has_relative(target) or (isinstance(target, Nominal) and target.location)
    if action and not heavy and budget >= 7 and rng.random() < 0.25:
        location = place(rng, 3, proper=False)
    return replace(base, object=target, recipient=recipient, location=location)


def _object(
    rng: Random, verb: Verb, actor: NounPhrase, budget: int, context: Context, *, negated: bool
) -> NounPhrase:
    preposition = verb.french.preposition
    known = context.object
    direct = not preposition and not verb.english.preposition
    if known and direct and known.semantic_class in verb.objects and rng.random() < 0.7:
        return refer(known)
    if preposition == "@" and verb.english.head != "meet" and rng.random() < 0.12:
        return There()
    persons = not preposition or verb.french.dative
    setting = Setting(
        negated=negated and not preposition,
        after_de=preposition == "de",
        pronouns=persons and not known,
        lists=not negated,
        proper="local" not in verb.kinds,
        subject=actor,
    )
    if preposition == "@" or verb.french.head == "entrer":
        target: NounPhrase = place(rng, budget, proper=preposition == "@")
    else:
        target = noun_phrase(rng, verb.objects, min(budget, 9), setting)
        while _reflexive(actor, target):
            target = noun_phrase(rng, verb.objects, min(budget, 9), setting)
    return with_relative(rng, target, budget - 3, context) if budget >= 8 else target


def _reflexive(actor: NounPhrase, target: NounPhrase) -> bool:
    """Whether the object would be the subject again."""
    same_name = isinstance(actor, Name) and isinstance(target, Name) and actor.name is target.name
    both = isinstance(actor, Pronoun) and isinstance(target, Pronoun)
    clash = (
        both and actor.agreement.person != 3 and (actor.agreement.person == target.agreement.person)
    )
    return same_name or clash


def with_relative(rng: Random, head: NounPhrase, budget: int, context: Context) -> NounPhrase:
    """The noun phrase with a relative clause where one fits; a group gets it on its last part."""
    if isinstance(head, Group) and isinstance(head.parts[-1], Nominal):
        last = with_relative(rng, head.parts[-1], budget, context)
        assert isinstance(last, Nominal)
        return Group((*head.parts[:-1], last), head.conjunction)
    if not isinstance(head, Nominal) or budget < 4 or context.depth >= 3:
        return head
    if head.determiner == "any" or head.location:
        return head
    return replace(head, relative=relative(rng, head, min(budget, 14), context))


def relative(rng: Random, head: Nominal, budget: int, context: Context) -> Relative:
    """A relative clause about `head`."""
    frame = rng.choice(("present", "past", "past", context.frame))
    inner = Context(frame if frame in TIME_FRAMES else "past", depth=context.depth + 1)
    semantic_class = head.semantic_class
    gap = Gap(head.agreement, semantic_class)
    chance = rng.random()
    if semantic_class == "place" and chance < 0.75:
        return Relative("place", _located_clause(rng, budget, inner))
    if semantic_class == "person" and chance < 0.1:
        return Relative("companion", _located_clause(rng, budget, inner))
    if semantic_class == "person" and chance < 0.25:
        owned = rng.choice(("person", "animal", "vehicle", "clothing"))
        subject_phrase = replace(nominal(rng, owned, 1, Setting()), determiner="the", owner=None)
        part = predicate(rng, subject_phrase, min(budget - 2, 6), inner)
        return Relative("whose", Clause(subject_phrase, (part,)))
    if semantic_class in ("person", "animal") and chance < 0.7:
        return Relative("subject", Clause(gap, (predicate(rng, gap, budget - 1, inner),)))
    takers = __object_verbs(semantic_class)
    if not takers:
        return Relative("subject", Clause(gap, (predicate(rng, gap, budget - 1, inner),)))
    verb = rng.choice(takers)
    actor = noun_phrase(rng, ("person",), min(budget - 2, 4), Setting(pronouns=True, they=False))
    drawn = Predicate(verb, tense(rng, verb, inner.frame), object=gap)
    if rng.random() < 0.12 and drawn.tense is not Tense.HABIT:
        drawn = replace(drawn, negation=rng.choice(("not", "never")))
    if "give" in verb.kinds:
        setting = Setting(pronouns=True, lists=False, subject=actor)
        drawn = replace(drawn, recipient=noun_phrase(rng, ("person",), 2, setting))
    if budget >= 7 and not verb.state and rng.random() < 0.5:
        drawn = replace(drawn, location=place(rng, 3, proper=False))
    return Relative("object", Clause(actor, (drawn,)))


@cache
def __object_verbs(semantic_class: str) -> tuple[Verb, ...]:
    """Verbs whose object may be the antecedent of que (direct) or dont (de)."""
    return tuple(
        verb
        for verb in verbs_of("person", "")
        if semantic_class in verb.objects
        and verb.french.preposition in ("", "de")
        and not (verb.french.preposition == "" and verb.english.preposition)
    )


def _located_clause(rng: Random, budget: int, context: Context) -> Clause:
    """A clause about an action that happens somewhere or with somebody."""
    actor = noun_phrase(rng, ("person",), 2, Setting(pronouns=True, they=False))
    candidates: Sequence[Verb] = [
        v
        for v in verbs_of("person", "")
        if not v.state
        and "give" not in v.kinds
        and v.french.preposition == ""
        and (v.objects or not v.english.tail)
        and v.french.head not in ("partir", "quitter", "arriver", "revenir", "visiter")
        and (budget >= 5 or not v.objects)
    ]
    verb = rng.choice(candidates)
    drawn = Predicate(verb, tense(rng, verb, context.frame))
    if verb.objects:
        setting = Setting(subject=actor)
        classes = [c for c in verb.objects if c != "place"]
        target = noun_phrase(rng, classes, min(budget - 3, 6), setting)
        if budget >= 10:
            target = with_relative(rng, target, budget - 6, context)
        drawn = replace(drawn, object=target)
    return Clause(actor, (drawn,))


def has_relative(node: NounPhrase | None) -> bool:
    """Whether what follows the noun phrase would be taken into its relative clause."""
    last = node.parts[-1] if isinstance(node, Group) else node
    return isinstance(last, Nominal) and last.relative is not None
