"""Time frames of clauses, the tenses they allow, and what a clause knows of the ones before it."""

from dataclasses import dataclass
from functools import cache
from random import Random

from .lexicon import Verb, verbs
from .tree import NounPhrase, Tense

# What a time frame's verbs stand in: (tense, weight) of events; states take the first only.
_TENSES = {
    "present": ((Tense.PRESENT, 5), (Tense.PROGRESSIVE, 3), (Tense.PERFECT, 2)),
    "past": (
        (Tense.PAST, 6),
        (Tense.PERFECT, 1),
        (Tense.PAST_PROGRESSIVE, 2),
        (Tense.HABIT, 1),
    ),
    "future": ((Tense.FUTURE, 3), (Tense.GOING_TO, 1)),
    "reported": ((Tense.PLUPERFECT, 2), (Tense.PAST_PROGRESSIVE, 1), (Tense.CONDITIONAL, 2)),
    "conditional": ((Tense.CONDITIONAL, 1),),
    "event": ((Tense.PAST, 1),),
    "during present": ((Tense.PROGRESSIVE, 1),),
    "during past": ((Tense.PAST_PROGRESSIVE, 1),),
    "when present": ((Tense.PRESENT, 1),),
    "when future": ((Tense.WHEN_FUTURE, 1),),
    "if past": ((Tense.IF_PAST, 1),),
    # The predicates of one clause stand in one tense.
    **{one.name: ((one, 1),) for one in Tense},
}
_STATE_TENSES = {
    "reported": Tense.PAST,
    "during present": Tense.PRESENT,
    "during past": Tense.PAST,
    "event": Tense.PAST,
    "PROGRESSIVE": Tense.PRESENT,
    "PAST_PROGRESSIVE": Tense.PAST,
}
_PAST_FRAMES = ("past", "event", "during past", "if past", "PAST", "PAST_PROGRESSIVE", "HABIT")
NO_CAN = ("conditional", "reported", "CONDITIONAL", "PLUPERFECT", "IF_PAST", "if past")
# A time phrase wants the plain tense: he came yesterday, not he has come yesterday.
TIMED = {"past": "PAST", "present": "PRESENT"}
NEVER_NEGATED = ("event", "when future", "during present", "during past")
# Adverbs and times of a clause follow the frame of its verbs, not the way it is linked.
TIME_FRAMES = {"present": "present", "past": "past", "event": "past", "future": "future"}


@dataclass(frozen=True, slots=True)
class Context:
    """What a clause is drawn in.

    `frame` is a key of the tenses. Pronouns of the clause may refer to `subject` and `object`.
    `depth` counts relative and subordinate clauses around it; `reported`: it is in a that-clause.
    """

    frame: str
    subject: NounPhrase | None = None
    object: NounPhrase | None = None
    depth: int = 0
    reported: bool = False


@cache
def verbs_of(semantic_class: str, sort: str) -> tuple[Verb, ...]:
    """The verbs of a class of subjects: plain, that, inf or be."""
    special = {"that", "inf", "be"}
    return tuple(
        verb
        for verb in verbs()
        if semantic_class in verb.subjects
        and (sort in verb.kinds if sort in special else not special & set(verb.kinds))
    )


def tense(rng: Random, verb: Verb, frame: str) -> Tense:
    """A tense of the frame that the verb allows and whose form is not ambiguous."""
    choices = _TENSES[frame]
    if verb.english.head == "can":
        if frame in ("when future", "WHEN_FUTURE"):
            return Tense.WHEN_FUTURE
        return Tense.PAST if frame in _PAST_FRAMES else Tense.PRESENT
    if verb.state:
        return _STATE_TENSES.get(frame, choices[0][0])
    drawn = rng.choices([t for t, _ in choices], [w for _, w in choices])[0]
    if verb.english.head == "read" and drawn in (Tense.PAST, Tense.IF_PAST):
        return Tense.PAST_PROGRESSIVE  # the past of read is spelt like its present
    if "simple" in verb.kinds:
        return {Tense.PROGRESSIVE: Tense.PRESENT, Tense.PAST_PROGRESSIVE: Tense.PAST}.get(
            drawn, drawn
        )
    return drawn
