"""French morphology, elision and contraction."""

from collections.abc import Sequence
from functools import cache

from .lexicon import Adjective, french_plural, rows
from .tree import Agreement, Tense
from .words import Token

PERSONS = ("je", "tu", "il", "nous", "vous", "ils")
COMPOUND = {"passé composé": "présent", "plus-que-parfait": "imparfait"}
FRENCH_TENSE = {
    Tense.PRESENT: "présent",
    Tense.PROGRESSIVE: "présent",
    Tense.PAST: "passé composé",
    Tense.PERFECT: "passé composé",
    Tense.PAST_PROGRESSIVE: "imparfait",
    Tense.HABIT: "imparfait",
    Tense.PLUPERFECT: "plus-que-parfait",
    Tense.FUTURE: "futur",
    Tense.GOING_TO: "futur proche",
    Tense.CONDITIONAL: "conditionnel",
    Tense.WHEN_FUTURE: "futur",
    Tense.IF_PAST: "imparfait",
}
# Verbs of motion and change whose perfect is formed with être.
ETRE_VERBS = frozenset(
    ("aller", "venir", "revenir", "arriver", "partir", "entrer", "rester", "tomber")
)
# Stem before a mute e, and whether the future keeps it (espérer does not).
_STEM_CHANGES = {
    "acheter": ("achèt", True),
    "mener": ("mèn", True),
    "lever": ("lèv", True),
    "appeler": ("appell", True),
    "jeter": ("jett", True),
    "nettoyer": ("nettoi", True),
    "essayer": ("essai", True),
    "espérer": ("espèr", False),
    "préférer": ("préfèr", False),
    "protéger": ("protèg", False),
}
_IMPERFECT = ("ais", "ais", "ait", "ions", "iez", "aient")
_FUTURE = ("ai", "as", "a", "ons", "ez", "ont")
_ASPIRATED = ("haricot", "hibou", "hamster", "hache", "héros", "huit", "hall")
_LIAISON_FORMS = {"beau": "bel", "vieux": "vieil", "nouveau": "nouvel"}
_ELIDED = frozenset(("le", "la", "je", "me", "te", "se", "ne", "de", "que"))


@cache
def _irregular() -> dict[str, dict[str, str]]:
    return {row["infinitive"]: row for row in rows("french_irregular")}


@cache
def present(infinitive: str) -> tuple[str, ...]:
    """The six forms of the présent."""
    if row := _irregular().get(infinitive):
        return tuple(row[person] for person in PERSONS)
    stem, ending = infinitive[:-2], infinitive[-2:]
    if ending == "ir":
        return tuple(stem + e for e in ("is", "is", "it", "issons", "issez", "issent"))
    if ending == "re":
        return tuple(stem + e for e in ("s", "s", "", "ons", "ez", "ent"))
    mute = _STEM_CHANGES.get(infinitive, (stem, True))[0]
    soft = stem + "e" if stem.endswith("g") else stem
    soft = stem[:-1] + "ç" if stem.endswith("c") else soft
    return mute + "e", mute + "es", mute + "e", soft + "ons", stem + "ez", mute + "ent"


@cache
def _imperfect(infinitive: str) -> tuple[str, ...]:
    stem = "ét" if infinitive == "être" else present(infinitive)[3].removesuffix("ons")
    hard = stem
    if stem.endswith("ge") and infinitive.endswith("ger"):
        hard = stem[:-1]
    elif stem.endswith("ç"):
        hard = stem[:-1] + "c"
    return tuple((hard if e.startswith("i") else stem) + e for e in _IMPERFECT)


@cache
def _future_stem(infinitive: str) -> str:
    if row := _irregular().get(infinitive):
        return row["future"]
    if infinitive.endswith("re"):
        return infinitive[:-1]
    stem, keeps = _STEM_CHANGES.get(infinitive, ("", False))
    return stem + "er" if keeps else infinitive


def conjugate(infinitive: str, tense: str, agreement: Agreement) -> str:
    """One form of a simple tense: présent, imparfait, futur or conditionnel."""
    index = agreement.person - 1 + (3 if agreement.plural else 0)
    if tense == "présent":
        return present(infinitive)[index]
    if tense == "imparfait":
        return _imperfect(infinitive)[index]
    endings = _FUTURE if tense == "futur" else _IMPERFECT
    return _future_stem(infinitive) + endings[index]


def participle(infinitive: str, agreement: Agreement | None) -> str:
    """The past participle, agreeing with what is given (None: invariable)."""
    if row := _irregular().get(infinitive):
        masculine = row["participle"]
    else:
        masculine = infinitive[:-2] + {"er": "é", "ir": "i", "re": "u"}[infinitive[-2:]]
    if agreement is None:
        return masculine
    # Only the masculine of devoir carries the circumflex.
    form = masculine.replace("dû", "du") + "e" if agreement.gender == "f" else masculine
    return form + "s" if agreement.plural and not form.endswith("s") else form


def starts_with_vowel(word: str) -> bool:
    """Whether elision and liaison happen before `word`: a vowel, a mute h, or the clitic y."""
    lower = word.lower()
    if lower.startswith("h"):
        return not lower.startswith(_ASPIRATED)
    return lower[0] in "aàâeéèêiîoôuûœ" or lower == "y"


def adjective(entry: Adjective, agreement: Agreement, next_word: str = "") -> str:
    """The agreeing form; before a vowel beau, vieux, nouveau become bel, vieil, nouvel."""
    if entry.feminine == "=":
        return entry.french
    if agreement.gender == "f":
        return entry.feminine + ("s" if agreement.plural else "")
    if agreement.plural:
        return french_plural(entry.french)
    if next_word and starts_with_vowel(next_word):
        return _LIAISON_FORMS.get(entry.french, entry.french)
    return entry.french


def join_french(sequence: Sequence[Token]) -> list[Token]:
    """Elision (l'homme, qu'il, s'il) and contraction (du, des, au, aux) over a whole sentence."""
    joined: list[Token] = []
    for token in reversed(sequence):
        after = joined[-1] if joined else None
        merged = None
        if after and not after.glue:
            merged = _elided(token, after) or _contracted(token, after)
        if merged and joined:
            joined.pop()
        joined.append(merged or token)
    return joined[::-1]


def _elided(token: Token, after: Token) -> Token | None:
    before_il = token.text == "si" and after.text in ("il", "ils")
    if before_il or (token.text in _ELIDED and starts_with_vowel(after.text)):
        return Token(f"{token.text[:-1]}'{after.text}", token.links + after.links)
    return None


def _contracted(token: Token, after: Token) -> Token | None:
    if not after.article:
        return None
    forms = {("de", "le"): "du", ("de", "les"): "des", ("à", "le"): "au", ("à", "les"): "aux"}
    form = forms.get((token.text, after.text))
    return Token(form, token.links + after.links) if form else None
