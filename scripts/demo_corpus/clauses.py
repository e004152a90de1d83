"""Random clauses: a subject, then predicates that suit its class, within a budget of words."""

from dataclasses import replace
from random import Random

from .lexicon import adverbials
from .phrases import Setting, noun_phrase, person, refer
from .predicates import has_relative, predicate, with_relative
from .tenses import TIME_FRAMES, TIMED, Context
from .tree import Clause, Nominal, NounPhrase, Predicate, Pronoun


def subject(rng: Random, budget: int, context: Context) -> NounPhrase:
    """A subject: often a pronoun that refers to the antecedent, else a person, an animal, ..."""
    antecedent = context.subject
    setting = Setting(pronouns=True, antecedent=antecedent)
    if antecedent and rng.random() < 0.45:
        return refer(antecedent)
    chance = rng.random()
    if chance < 0.38:
        return person(rng, setting)
    classes: tuple[str, ...] = ("person",) if chance < 0.8 else ("animal",)
    if chance >= 0.94:
        classes = ("thing", "vehicle", "clothing", "text", "place", "food", "drink", "idea")
        setting = Setting(after_de=True, lists=False)
    head = noun_phrase(rng, classes, min(budget, 5), setting)
    if budget >= 9:
        return with_relative(rng, head, min(budget - 3, 9), context)
    return head


def clause(rng: Random, budget: int, context: Context, *, simple: bool = False) -> Clause:
    """A clause of about `budget` words; `simple` keeps it to one predicate."""
    share = 1 if budget < 6 else rng.randint(1, max(1, min(budget // 3, 12)))
    actor = subject(rng, share, context)
    left = budget - (1 if isinstance(actor, Pronoun) else max(2, share))
    times = [t for t in adverbials("times") if TIME_FRAMES.get(context.frame) in t.frames]
    if actor.semantic_class not in ("person", "animal", "vehicle"):
        times = []
    fronted = None
    if times and not simple and left > 4 and context.depth == 0 and rng.random() < 0.12:
        fronted = rng.choice(times)
        left -= 2
    count = 1
    if not simple and left >= 9 and actor.semantic_class in ("person", "animal"):
        count = rng.choice((1, 2, 2, 3)) if left >= 12 else rng.choice((1, 2))
    timed = fronted is not None or (
        bool(times) and left > 3 and context.depth == 0 and rng.random() < 0.2
    )
    if timed:
        context = replace(context, frame=TIMED.get(context.frame, context.frame))
    predicates = [predicate(rng, actor, left // count, context)]
    for _ in range(0 if predicates[0].adjective else count - 1):
        previous = predicates[-1]
        known = Context(previous.tense.name, object=antecedent_of(previous), depth=context.depth)
        predicates.append(_same_time(rng, actor, left // count, known, predicates))
    last = predicates[-1]
    stative = (last.modal or last.verb).state
    heavy = has_relative(last.object) or has_relative(last.companion)
    if timed and not fronted and not stative and not heavy and last.negation in ("", "not"):
        predicates[-1] = replace(last, time=rng.choice(times))
    return Clause(actor, tuple(predicates), fronted)


def _same_time(
    rng: Random, actor: NounPhrase, budget: int, context: Context, before: list[Predicate]
) -> Predicate:
    """Another predicate for the same subject, of another verb."""
    used = {p.verb.english.head for p in before}
    drawn = predicate(rng, actor, budget, context)
    while drawn.verb.english.head in used or drawn.adjective:
        drawn = predicate(rng, actor, budget, context)
    return drawn


def antecedent_of(node: Predicate) -> NounPhrase | None:
    """The direct object that `it`, `them` may refer to in the next clause."""
    target = node.object
    fits = isinstance(target, Nominal) and target.semantic_class not in ("person", "place")
    return target if fits and not node.negation and not node.modal else None
