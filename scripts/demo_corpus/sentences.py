"""Random sentences: clauses linked, subordinated and reported until the budget of words is used."""

from dataclasses import replace
from random import Random

from .clauses import antecedent_of, clause, subject
from .phrases import Setting, group, nominal, place
from .tenses import Context, tense, verbs_of
from .tree import (
    Clause,
    Existential,
    Linked,
    NounPhrase,
    Predicate,
    Pronoun,
    Sentence,
    Statement,
    Tense,
)

_AND, _BUT, _SO = ("and", "et"), ("but", "mais"), ("so", "alors")
_COORDINATORS = (_AND, _AND, _AND, _BUT, _BUT, _SO)
_QUESTION_WORDS = (("", ""), ("", ""), ("why", "pourquoi"), ("when", "quand"))
_NEVER_ASKED = (Tense.HABIT, Tense.PERFECT)  # when has he ...?
_BECAUSE = ("because", "parce que")


def sentence(rng: Random, budget: int) -> Sentence:
    """A sentence of about `budget` English words."""
    frame = rng.choice(("present", "present", "past", "past", "past", "future"))
    if budget <= 14 and rng.random() < 0.09:
        return _question(rng, budget, frame)
    return Sentence(statement(rng, budget, Context(frame)))


def _question(rng: Random, budget: int, frame: str) -> Sentence:
    drawn = clause(rng, budget - 1, Context(frame, depth=1), simple=True)
    while drawn.predicates[0].negation or drawn.predicates[0].tense in _NEVER_ASKED:
        drawn = clause(rng, budget - 1, Context(frame, depth=1), simple=True)
    return Sentence(drawn, True, rng.choice(_QUESTION_WORDS))


def statement(rng: Random, budget: int, context: Context) -> Statement:
    """A statement; long ones recurse."""
    if budget >= 13 and (budget > 22 or rng.random() < 0.6):
        chance = rng.random()
        if chance < 0.4:
            return _coordinated(rng, budget, context)
        if chance < 0.8:
            return _subordinated(rng, budget, context)
        return (_subordinated if context.reported else _reported)(rng, budget, context)
    if budget >= 9 and not context.reported and rng.random() < 0.12:
        return _reported(rng, budget, context)
    if 5 <= budget <= 22 and rng.random() < 0.05 and context.frame in ("present", "past", "future"):
        return _existential(rng, budget, context)
    return clause(rng, budget, context)


def _split(rng: Random, budget: int) -> tuple[int, int]:
    low = max(4, budget // 4)
    first = rng.randint(low, max(low, budget - low))
    return first, budget - first


def _last_clause(node: Statement) -> Clause | None:
    while isinstance(node, Linked):
        node = node.first if node.fronted else node.second
    if isinstance(node, Clause) and node.predicates[-1].content:
        return None
    return node if isinstance(node, Clause) else None


def _antecedent(node: Clause | None) -> NounPhrase | None:
    """The subject of a clause, as what he, she, it or they of the next clause refers to."""
    if not node or node.subject.agreement.person != 3:
        return None
    return None if _unnamed(node.subject) else node.subject


def _unnamed(node: NounPhrase) -> bool:
    return isinstance(node, Pronoun) and node.agreement.plural


def _coordinated(rng: Random, budget: int, context: Context) -> Linked:
    left, right = _split(rng, budget - 1)
    first = statement(rng, left, context)
    last = _last_clause(first)
    known = antecedent_of(last.predicates[-1]) if last else None
    follow = replace(context, subject=_antecedent(last), object=known)
    second = statement(rng, right, follow)
    conjunction = rng.choice(_COORDINATORS)
    if any(
        isinstance(part, Linked) and part.conjunction == conjunction for part in (first, second)
    ):
        conjunction = _AND
    return Linked(first, second, conjunction, comma=True)


def _subordinated(rng: Random, budget: int, context: Context) -> Linked:
    """A main and a subordinate statement; what follows in the sentence may refer to the other."""
    left, right = _split(rng, budget - 1)
    conjunction, main_frame, sub_frame, may_front = _conjunction(rng, context.frame)
    fronted = may_front and context.depth == 0 and rng.random() < 0.5
    if fronted:
        opening = clause(rng, min(left, 14), replace(context, frame=sub_frame, depth=1))
        known = _antecedent(opening)
        follow = Context(main_frame, subject=known, depth=1, reported=context.reported)
        main = statement(rng, budget - 1 - min(left, 14), follow)
        return Linked(main, opening, conjunction, comma=True, fronted=True)
    open_ended = sub_frame == context.frame
    right = right if open_ended else min(right, 15)
    main = statement(rng, budget - 1 - right, replace(context, frame=main_frame))
    last = _last_clause(main)
    follow = Context(sub_frame, subject=_antecedent(last), depth=1, reported=context.reported)
    sub = statement(rng, right, follow) if open_ended else clause(rng, right, follow)
    comma = conjunction[0] == "whereas"
    return Linked(main, sub, conjunction, comma=comma)


def _conjunction(rng: Random, frame: str) -> tuple[tuple[str, str], str, str, bool]:
    """(conjunction, frame of the main clause, frame of the other, whether it may open)."""
    when, soon = ("when", "quand"), ("as soon as", "dès que")
    during, condition = ("while", "pendant que"), ("if", "si")
    contrast = (("whereas", "alors que"), frame, frame, False)
    reason = (_BECAUSE, frame, frame, False)
    options = {
        "present": (
            reason,
            reason,
            contrast,
            (when, "when present", "when present", True),
            (during, "present", "during present", True),
        ),
        "past": (
            reason,
            reason,
            contrast,
            (when, "past", "event", True),
            (soon, "event", "event", True),
            (during, "past", "during past", True),
        ),
        "future": (
            reason,
            (when, "future", "when future", True),
            (soon, "future", "when future", True),
            (condition, "future", "when present", True),
            (condition, "conditional", "if past", True),
        ),
    }
    return rng.choice(options.get(frame, (reason, contrast)))


def _reported(rng: Random, budget: int, context: Context) -> Clause:
    share = rng.randint(1, 6) if budget > 16 else 1
    actor = subject(rng, share, context)
    while actor.semantic_class != "person":
        actor = subject(rng, share, context)
    verb = rng.choice(verbs_of("person", "that"))
    frame = context.frame
    drawn = tense(rng, verb, frame)
    past = drawn in (
        Tense.PAST,
        Tense.IF_PAST,
        Tense.PAST_PROGRESSIVE,
        Tense.HABIT,
        Tense.PLUPERFECT,
        Tense.CONDITIONAL,
    )
    inner = "reported" if past else rng.choice(("present", "past", "future"))
    named = None if _unnamed(actor) or actor.agreement.person != 3 else actor
    cost = 2 + (1 if isinstance(actor, Pronoun) else max(2, share))
    content = statement(rng, budget - cost, Context(inner, named, depth=1, reported=True))
    return Clause(actor, (Predicate(verb, drawn, content=content),))


def _existential(rng: Random, budget: int, context: Context) -> Existential:
    kind = rng.choice(("animal", "thing", "person", "food"))
    present = {"present": Tense.PRESENT, "past": Tense.PAST, "future": Tense.FUTURE}
    if budget >= 9:
        some = group(rng, kind, budget - 4, Setting(indefinite=True))
        return Existential(some, present[context.frame], place(rng, 3))
    some_one = nominal(rng, kind, min(budget - 3, 4), Setting(indefinite=True))
    return Existential(some_one, present[context.frame], place(rng, 3))
