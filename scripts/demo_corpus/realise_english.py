"""The English side of a tree."""

from . import english
from .tree import (
    Agreement,
    Clause,
    Existential,
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
    There,
)
from .words import Token, join, link, listing, tokens

_PLURAL = {1: ("we", "us", "our"), 2: ("you", "you", "your"), 3: ("they", "them", "their")}
_SINGULAR = {
    (1, "m"): ("I", "me", "my"),
    (2, "m"): ("you", "you", "your"),
    (3, "m"): ("he", "him", "his"),
    (3, "f"): ("she", "her", "her"),
}
_DEMONSTRATIVES = {"this": "these", "that": "those"}


def pronoun(node: Pronoun) -> tuple[str, str, str]:
    """Subject form, object form, possessive."""
    agreement = node.agreement
    if agreement.plural:
        return _PLURAL[agreement.person]
    if node.semantic_class != "person":
        return "it", "it", "its"
    return _SINGULAR[agreement.person, agreement.gender]


def noun_phrase(node: NounPhrase, *, subject: bool = False) -> list[Token]:
    """Any noun phrase; a gap gives nothing."""
    if isinstance(node, Gap):
        return []
    if isinstance(node, There):
        return tokens("there", link(node, "head"))
    if isinstance(node, Pronoun):
        return tokens(pronoun(node)[0 if subject else 1], link(node, "head"))
    if isinstance(node, Name):
        return tokens(node.name.english, link(node, "head"))
    if isinstance(node, Group):
        conjunction = tokens(node.conjunction, link(node, "and"))
        return listing([noun_phrase(part) for part in node.parts], conjunction)
    return _nominal(node)


def _nominal(node: Nominal) -> list[Token]:
    noun = node.noun.english_plural if node.plural else node.noun.english
    core: list[Token] = []
    for adjective in (node.before, node.after):
        if adjective:
            core += tokens(adjective.english, link(node, adjective.english))
    core += tokens(noun, link(node, "head"))
    phrase = _determiner(node, core[0].text) + core
    if node.location:
        phrase += _located(node.location)
    if node.relative:
        phrase += _relative(node.relative, node.semantic_class)
    return phrase


def _determiner(node: Nominal, next_word: str) -> list[Token]:
    here = link(node, "determiner")
    if node.determiner == "of":
        assert node.owner is not None
        owner = noun_phrase(node.owner)
        text = english.genitive(owner[-1].text, plural=node.owner.agreement.plural)
        return [*owner[:-1], Token(text, (*owner[-1].links, link(node, "of")))]
    if node.determiner == "poss":
        assert isinstance(node.owner, Pronoun)
        return tokens(pronoun(node.owner)[2], here)
    text = node.determiner
    if text == "a" or (text == "any" and not node.plural and not node.noun.mass):
        text = english.indefinite_article(next_word)
    elif node.plural:
        text = _DEMONSTRATIVES.get(text, text)
    return tokens(text, here)


def _located(place: Name | Nominal, preposition: str = "") -> list[Token]:
    """A place with its preposition: in the garden, at school, in Paris."""
    own = place.noun.locative[0] if isinstance(place, Nominal) else "in"
    return tokens(preposition or own, link(place, "in")) + noun_phrase(place)


def _relative(node: Relative, semantic_class: str) -> list[Token]:
    here = link(node, "relative")
    clause = node.clause
    if node.role == "subject":
        word = "who" if semantic_class == "person" else "that"
        return tokens(word, here) + _predicates(clause)
    if node.role == "companion":
        return [*tokens("with", link(node, "with")), *tokens("whom", here), *_clause(clause)]
    if node.role == "whose":
        assert isinstance(clause.subject, Nominal)
        noun = clause.subject.noun
        text = noun.english_plural if clause.subject.plural else noun.english
        head = tokens(text, link(clause.subject, "head"), link(clause.subject, "determiner"))
        return tokens("whose", here) + head + _predicates(clause)
    return tokens("where" if node.role == "place" else "that", here) + _clause(clause)


def _verb_group(node: Predicate, agreement: Agreement, *, question: bool) -> list[list[Token]]:
    """[auxiliary], [negation, adverb, rest of the verb group]."""
    head = node.modal or node.verb
    auxiliary, rest = english.finite(head.english.head, node.tense, agreement)
    aux_link, main_link = link(node, "aux"), link(node, "main")
    main = [main_link]
    if head is node.verb:
        main += _unmatched(node)
    first: list[Token] = []
    if auxiliary:
        asks = [link(node, "question")] if question else []
        first = tokens(auxiliary, aux_link, *([] if rest else main), *asks)
    elif question or node.negation == "not":
        rest = head.english.head
        do = english.do_support(node.tense, agreement)
        first = tokens(do, link(node, "question" if question else "not"))
        main = [aux_link, *main]
    else:
        main = [aux_link, *main]
    middle: list[Token] = []
    if node.negation == "not" and auxiliary == "can" and not rest:
        first = [Token("cannot", (*first[0].links, link(node, "not")))]
    elif node.negation:
        middle += tokens(node.negation, link(node, "not"))
    if node.adverb:
        middle += tokens(node.adverb.english, link(node, "adverb"))
    *helpers, last = rest.split() or [""]
    middle += [Token(word, (aux_link,)) for word in helpers]
    return [first, middle + tokens(last, *main)]


def _unmatched(node: Predicate) -> list[tuple[int, str]]:
    """Links of the other side's tail and preposition, where this side has none."""
    links = [] if node.verb.english.tail else [link(node, "tail")]
    return links if node.verb.english.preposition else [*links, link(node, "preposition")]


def _complements(node: Predicate) -> list[Token]:
    form = node.verb.english
    lexical = link(node, "infinitive" if node.modal else "main")
    tail_links = (link(node, "tail"),) if node.verb.french.tail else (lexical,)
    parts = tokens(form.tail, *tail_links)
    recipient = node.recipient
    shifts = isinstance(recipient, Pronoun) and not isinstance(node.object, Pronoun)
    if recipient and shifts and "to" not in node.verb.kinds:
        parts += noun_phrase(recipient)
        recipient = None
    if node.object:
        parts += _object(node, node.object, lexical)
    if recipient:
        parts += tokens("to", link(node, "to")) + noun_phrase(recipient)
    return parts


def _object(node: Predicate, target: NounPhrase, lexical: tuple[int, str]) -> list[Token]:
    preposition = node.verb.english.preposition
    if isinstance(target, There):
        return noun_phrase(target)
    if preposition == "@" and isinstance(target, Name | Nominal):
        return _located(target)
    if node.verb.french.preposition == "@" and isinstance(target, Name | Nominal):
        return _located(target, preposition)
    matched = link(node, "preposition") if node.verb.french.preposition else lexical
    return tokens(preposition, matched) + noun_phrase(target)


def _predicate(
    node: Predicate, agreement: Agreement, *, inverted: list[Token] | None = None
) -> list[Token]:
    """The predicate; `inverted` is a question's subject, placed after the auxiliary."""
    first, rest = _verb_group(node, agreement, question=inverted is not None)
    parts = first + (inverted or []) + rest
    if node.modal:
        has_own = bool(node.modal.french.preposition)
        infinitive = link(node, "infinitive")
        if node.modal.english.preposition:
            parts += tokens("to", link(node, "modal preposition") if has_own else infinitive)
        parts += tokens(node.verb.english.head, infinitive, *_unmatched(node))
    if node.adjective:
        parts += _adjective(node)
    parts += _complements(node)
    if node.companion:
        parts += tokens("with", link(node, "with")) + noun_phrase(node.companion)
    if node.location:
        parts += _located(node.location)
    if node.time:
        parts += tokens(node.time.english, link(node, "time"))
    if node.content:
        parts += tokens("that", link(node, "that")) + statement(node.content)
    return parts


def _adjective(node: Predicate) -> list[Token]:
    assert node.adjective is not None
    here = link(node, "adjective")
    if node.standard:
        more = link(node, "more")
        if node.adjective.comparative:
            parts = tokens(node.adjective.comparative, here, more)
        else:
            parts = tokens("more", more) + tokens(node.adjective.english, here)
        return parts + tokens("than", link(node, "than")) + noun_phrase(node.standard)
    very = tokens("very", link(node, "very")) if node.very else []
    return very + tokens(node.adjective.english, here)


def _predicates(node: Clause) -> list[Token]:
    agreement = node.subject.agreement
    parts = [_predicate(predicate, agreement) for predicate in node.predicates]
    return listing(parts, tokens("and", link(node, "and")))


def _clause(node: Clause) -> list[Token]:
    fronted: list[Token] = []
    if node.fronted:
        fronted = [*tokens(node.fronted.english, link(node, "fronted")), Token(",", glue=True)]
    return fronted + noun_phrase(node.subject, subject=True) + _predicates(node)


def _existential(node: Existential) -> list[Token]:
    here = link(node, "there is")
    auxiliary, rest = english.finite("be", node.tense, node.subject.agreement)
    verb = tokens(f"there {auxiliary} {rest}", here)
    return verb + noun_phrase(node.subject) + _located(node.location)


def statement(node: Statement) -> list[Token]:
    """A clause or several linked ones, without the full stop."""
    if isinstance(node, Clause):
        return _clause(node)
    if isinstance(node, Existential):
        return _existential(node)
    return _linked(node)


def _linked(node: Linked) -> list[Token]:
    conjunction = tokens(node.conjunction[0], link(node, "conjunction"))
    comma = [Token(",", glue=True)] if node.comma else []
    if node.fronted:
        return conjunction + statement(node.second) + comma + statement(node.first)
    return statement(node.first) + comma + conjunction + statement(node.second)


def sentence(node: Sentence) -> list[Token]:
    """The words of a sentence."""
    if not node.question:
        return join([*statement(node.statement), Token(".", glue=True)])
    clause = node.statement
    assert isinstance(clause, Clause)
    subject = noun_phrase(clause.subject, subject=True)
    parts = tokens(node.question_word[0], link(node, "question word"))
    parts += _predicate(clause.predicates[0], clause.subject.agreement, inverted=subject)
    return join([*parts, Token("?", (link(node, "?"),), glue=True)])
