"""English morphology."""

from functools import cache

from .lexicon import rows
from .tree import Agreement, Tense

BE_PRESENT = {(1, False): "am", (3, False): "is"}


@cache
def _irregular() -> dict[str, dict[str, str]]:
    return {row["base"]: row for row in rows("english_irregular")}


def _doubles(base: str) -> bool:
    """Whether a short vowel doubles the last consonant: chat, chatting."""
    vowels = "aeiou"
    return (
        len(base) == 3
        and base[-1] not in vowels + "wxy"
        and base[-2] in vowels
        and base[-3] not in vowels
    )


def gerund(base: str) -> str:
    """The -ing form."""
    irregular = _irregular().get(base, {}).get("gerund")
    if irregular:
        return irregular
    if base.endswith("e") and not base.endswith(("ee", "ye")):
        return base[:-1] + "ing"
    return base + (base[-1] if _doubles(base) else "") + "ing"


def _regular_past(base: str) -> str:
    if base.endswith("e"):
        return base + "d"
    if base.endswith("y") and base[-2] not in "aeiou":
        return base[:-1] + "ied"
    return base + (base[-1] if _doubles(base) else "") + "ed"


def past(base: str) -> str:
    """The simple past of every verb but be."""
    return _irregular().get(base, {}).get("past") or _regular_past(base)


def participle(base: str) -> str:
    """The past participle."""
    return _irregular().get(base, {}).get("participle") or _regular_past(base)


def present(base: str, agreement: Agreement) -> str:
    """The simple present."""
    if base == "be":
        return BE_PRESENT.get((agreement.person, agreement.plural), "are")
    if agreement.person != 3 or agreement.plural:
        return base
    if base == "have":
        return "has"
    if base.endswith(("s", "x", "ch", "sh", "o")):
        return base + "es"
    if base.endswith("y") and base[-2] not in "aeiou":
        return base[:-1] + "ies"
    return base + "s"


def was(agreement: Agreement) -> str:
    """The past of be."""
    return "were" if agreement.plural or agreement.person == 2 else "was"


def finite(base: str, tense: Tense, agreement: Agreement) -> tuple[str, str]:
    """(auxiliary, rest): the auxiliary stands before `not`; be and can are auxiliaries."""
    if tense in (Tense.PRESENT, Tense.WHEN_FUTURE):
        if base == "can":
            return "can", ""
        form = present(base, agreement)
        return (form, "") if base == "be" else ("", form)
    if tense in (Tense.PAST, Tense.IF_PAST):
        if base in ("be", "can"):
            return (was(agreement) if base == "be" else "could"), ""
        return "", past(base)
    be = present("be", agreement)
    return {
        Tense.PROGRESSIVE: (be, gerund(base)),
        Tense.PERFECT: (present("have", agreement), participle(base)),
        Tense.PAST_PROGRESSIVE: (was(agreement), gerund(base)),
        Tense.HABIT: ("", f"used to {base}"),
        Tense.PLUPERFECT: ("had", participle(base)),
        Tense.FUTURE: ("will", base),
        Tense.GOING_TO: (be, f"going to {base}"),
        Tense.CONDITIONAL: ("would", base),
    }[tense]


def do_support(tense: Tense, agreement: Agreement) -> str:
    """The form of do that negation and questions need."""
    past_tense = tense in (Tense.PAST, Tense.IF_PAST, Tense.HABIT)
    return "did" if past_tense else present("do", agreement)


def indefinite_article(next_word: str) -> str:
    """`a` or `an`, by sound."""
    if next_word.startswith("hon"):
        return "a" if next_word.startswith("honey") else "an"
    return "an" if next_word[0].lower() in "aeiou" and not next_word.startswith("us") else "a"


def genitive(word: str, *, plural: bool) -> str:
    """`Anne's`, `boys'`, `children's`."""
    return word + ("'" if plural and word.endswith("s") else "'s")
