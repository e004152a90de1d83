"""French words that stand before nouns or for them: articles, determiners, pronouns."""

from . import french
from .tree import Agreement, Nominal
from .words import Token, link, tokens

_SUBJECTS = {(1, False): "je", (2, False): "tu", (1, True): "nous"}
_STRESSED = {(1, False): "moi", (2, False): "toi", (1, True): "nous"}
_POSSESSIVES = {
    (1, False): ("mon", "ma", "mes"),
    (2, False): ("ton", "ta", "tes"),
    (3, False): ("son", "sa", "ses"),
    (1, True): ("notre", "notre", "nos"),
    (3, True): ("leur", "leur", "leurs"),
}
_FIXED = {
    "several": "plusieurs",
    "a few": "quelques",
    "many": "beaucoup de",
    "every": "chaque",
    "any": "de",
    "two": "deux",
    "three": "trois",
    "four": "quatre",
    "five": "cinq",
    "six": "six",
    "seven": "sept",
    "ten": "dix",
}


def definite(agreement: Agreement) -> str:
    """le, la, les."""
    if agreement.plural:
        return "les"
    return "la" if agreement.gender == "f" else "le"


def _third(agreement: Agreement, feminine: str, masculine: str) -> str:
    return (feminine if agreement.gender == "f" else masculine) + "s" * agreement.plural


def pronoun(agreement: Agreement, *, subject: bool) -> str:
    """A personal pronoun in the subject's or the stressed form."""
    if agreement.person != 3:
        return (_SUBJECTS if subject else _STRESSED)[agreement.person, agreement.plural]
    if subject or agreement.gender == "f":
        return _third(agreement, "elle", "il")
    return "eux" if agreement.plural else "lui"


def determiner(node: Nominal, next_word: str) -> list[Token]:
    """The determiner of a noun phrase whose next word is given; it decides liaison forms."""
    agreement = node.agreement
    here = link(node, "head" if node.determiner == "of" else "determiner")
    liaison = french.starts_with_vowel(next_word)
    feminine = agreement.gender == "f"
    article = Token(definite(agreement), (here,), article=True)
    match node.determiner:
        case "the" | "of":
            return [article]
        case "a" | "another":
            text = "un" + "e" * feminine + " autre" * (node.determiner == "another")
        case "some" if not node.plural:
            return [Token("de", (here,)), article]
        case "some":
            text = "de" if node.before else "des"
        case "all the":
            return [Token("toutes" if feminine else "tous", (here,)), article]
        case "this" | "that":
            singular = "cette" if feminine else "cet" if liaison else "ce"
            text = "ces" if agreement.plural else singular
        case "poss":
            assert node.owner is not None
            owner = node.owner.agreement
            forms = _POSSESSIVES[owner.person, owner.plural]
            text = forms[2] if agreement.plural else forms[1 if feminine and not liaison else 0]
        case fixed:
            text = _FIXED[fixed]
    return tokens(text, here)
