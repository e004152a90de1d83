"""French verb groups: auxiliaries, participle agreement, negation, and clitics in their order."""

from . import french
from .lexicon import VerbForm
from .tree import Agreement, Gap, NounPhrase, Predicate, Pronoun, Tense, There
from .words import Link, Token, link, tokens

_NEGATIONS = {"not": "pas", "never": "jamais", "no longer": "plus"}
_FIRST_SECOND = {(1, False): "me", (2, False): "te", (1, True): "nous"}
_LAST = "y"


def is_clitic(node: Predicate, target: NounPhrase) -> bool:
    """Whether the object stands before the verb: a direct or dative pronoun, or y."""
    form = node.verb.french
    if isinstance(target, There):
        return True
    return isinstance(target, Pronoun) and (not form.preposition or form.dative)


def _clitic(agreement: Agreement, *, dative: bool) -> str:
    if agreement.person != 3:
        return _FIRST_SECOND[agreement.person, agreement.plural]
    if dative:
        return "leur" if agreement.plural else "lui"
    if agreement.plural:
        return "les"
    return "la" if agreement.gender == "f" else "le"


def _reflexive(agreement: Agreement) -> str:
    return _FIRST_SECOND.get((agreement.person, agreement.plural), "se")


def _clitics(node: Predicate, subject: Agreement, lexical: Link) -> list[Token]:
    """me te se nous < le la les < lui leur < y."""
    found: list[tuple[int, Token]] = []
    if node.verb.french.reflexive:
        found.append((0, Token(_reflexive(subject), (lexical,))))
    target, recipient = node.object, node.recipient
    if target and is_clitic(node, target):
        dative = node.verb.french.dative
        text = _LAST if isinstance(target, There) else _clitic(target.agreement, dative=dative)
        links = [link(target, "head")]
        if node.verb.french.preposition:
            links.append(link(node, "preposition"))
        found.append((_rank(text), Token(text, tuple(links))))
    if isinstance(recipient, Pronoun):
        text = _clitic(recipient.agreement, dative=True)
        found.append((_rank(text), Token(text, (link(recipient, "head"), link(node, "to")))))
    return [token for _, token in sorted(found, key=lambda pair: pair[0])]


def _rank(text: str) -> int:
    return {"le": 1, "la": 1, "les": 1, "lui": 2, "leur": 2, _LAST: 3}.get(text, 0)


def _participle_agreement(node: Predicate, subject: Agreement) -> Agreement | None:
    """With être the subject, with avoir a direct object that stands before."""
    form = node.verb.french
    if node.modal:
        return None
    if form.reflexive or form.head in french.ETRE_VERBS:
        return subject
    before = isinstance(node.object, Pronoun | Gap) and not form.preposition
    return node.object.agreement if before and node.object else None


def _tense(node: Predicate) -> str:
    head = node.modal or node.verb
    if node.tense is Tense.PAST and head.state:
        return "imparfait"
    return french.FRENCH_TENSE[node.tense]


def _auxiliary(form: VerbForm, *, modal: bool) -> str:
    if not modal and (form.reflexive or form.head in french.ETRE_VERBS):
        return "être"
    return "avoir"


def _unmatched(node: Predicate) -> list[Link]:
    form = node.verb.french
    links = [] if form.tail else [link(node, "tail")]
    return links if form.preposition else [*links, link(node, "preposition")]


def verb_group(node: Predicate, agreement: Agreement) -> list[Token]:
    """Everything from `ne` to the last invariable word of the verb, with the clitics."""
    head = (node.modal or node.verb).french
    aux, main = link(node, "aux"), link(node, "main")
    lexical = link(node, "infinitive") if node.modal else main
    own = [lexical, *_unmatched(node)]
    head_links = [main] if node.modal else own
    clitics = _clitics(node, agreement, lexical)
    outer = [] if node.modal else clitics
    inner: list[Token] = []
    tense = _tense(node)
    if tense == "futur proche":
        finite = tokens(french.conjugate("aller", "présent", agreement), aux)
        inner = [*outer, *tokens(head.head, *head_links)]
        outer = []
    elif tense in french.COMPOUND:
        auxiliary = _auxiliary(head, modal=node.modal is not None)
        text = french.conjugate(auxiliary, french.COMPOUND[tense], agreement)
        finite = tokens(text, aux)
        form = french.participle(head.head, _participle_agreement(node, agreement))
        inner = tokens(form, *head_links)
    else:
        finite = tokens(french.conjugate(head.head, tense, agreement), aux, *head_links)
    parts = _negated(node, outer + finite) + inner
    if node.modal:
        own_link = link(node, "modal preposition")
        parts += tokens(head.preposition, own_link) + clitics + tokens(node.verb.french.head, *own)
    if node.verb.french.tail:
        matched = link(node, "tail") if node.verb.english.tail else lexical
        parts += tokens(node.verb.french.tail, matched)
    return parts


def _negated(node: Predicate, finite: list[Token]) -> list[Token]:
    here = link(node, "not")
    parts = finite
    if node.negation:
        parts = [Token("ne", (here,)), *finite, Token(_NEGATIONS[node.negation], (here,))]
    if node.adverb:
        parts = parts + tokens(node.adverb.french, link(node, "adverb"))
    return parts
