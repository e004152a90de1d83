"""The French side of a tree; verb groups with their clitics are in `french_verbs`."""

from . import french
from .french_determiners import determiner, pronoun
from .french_verbs import is_clitic, verb_group
from .lexicon import Adjective
from .tree import (
    Agreement,
    Clause,
    Existential,
    Gap,
    Group,
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
from .words import Token, join, link, listing, tokens


def noun_phrase(node: NounPhrase, *, subject: bool = False) -> list[Token]:
    """Any noun phrase; pronouns in the subject's or the stressed form, a gap gives nothing."""
    if isinstance(node, Gap | There):
        return []
    if isinstance(node, Pronoun):
        return tokens(pronoun(node.agreement, subject=subject), link(node, "head"))
    if isinstance(node, Name):
        article = [Token(node.name.article, (link(node, "head"),), article=True)]
        name = tokens(node.name.french, link(node, "head"))
        return article + name if node.name.article else name
    if isinstance(node, Group):
        return listing([noun_phrase(part) for part in node.parts], _conjunction(node))
    return _nominal(node)


def _conjunction(node: Group) -> list[Token]:
    return tokens({"and": "et", "or": "ou"}[node.conjunction], link(node, "and"))


def _nominal(node: Nominal) -> list[Token]:
    agreement = node.agreement
    noun = node.noun.french_plural if node.plural else node.noun.french
    core = tokens(noun, link(node, "head"))
    if node.before:
        form = french.adjective(node.before, agreement, core[0].text)
        core = tokens(form, link(node, node.before.english)) + core
    phrase = determiner(node, core[0].text) + core
    if node.after:
        form = french.adjective(node.after, agreement)
        phrase += tokens(form, link(node, node.after.english))
    if node.determiner == "of":
        assert node.owner is not None
        phrase += tokens("de", link(node, "of")) + noun_phrase(node.owner)
    if node.location:
        phrase += _located(node.location)
    if node.relative:
        phrase += _relative(node.relative)
    return phrase


def _located(place: Name | Nominal) -> list[Token]:
    """A place with its preposition: dans le jardin, à Paris, en Italie, au Japon."""
    here = link(place, "in")
    if isinstance(place, Nominal):
        return tokens(place.noun.locative[1], here) + noun_phrase(place)
    if place.name.article == "la":
        return tokens("en", here) + tokens(place.name.french, link(place, "head"))
    return tokens("à", here) + noun_phrase(place)


def _relative(node: Relative) -> list[Token]:
    here = link(node, "relative")
    clause = node.clause
    if node.role == "subject":
        return tokens("qui", here) + _predicates(clause)
    if node.role == "companion":
        return [*tokens("avec", link(node, "with")), *tokens("qui", here), *_clause(clause)]
    if node.role == "whose":
        return tokens("dont", here) + _clause(clause)
    if node.role == "place":
        return tokens("où", here) + _clause(clause)
    verb = clause.predicates[0]
    if verb.verb.french.preposition == "de":
        return tokens("dont", here, link(verb, "preposition")) + _clause(clause)
    return tokens("que", here) + _clause(clause)


def _governed(preposition: list[Token], target: NounPhrase) -> list[Token]:
    """A preposition and what it governs."""
    if isinstance(target, Name) and preposition[0].text == "de" and target.name.article == "la":
        return preposition + tokens(target.name.french, link(target, "head"))
    return preposition + noun_phrase(target)


def _predicate(node: Predicate, agreement: Agreement) -> list[Token]:
    parts = verb_group(node, agreement)
    if node.adjective:
        parts += _adjective(node, node.adjective, agreement)
    target = node.object
    if target and not is_clitic(node, target):
        parts += _object(node, target)
    if node.recipient and not isinstance(node.recipient, Pronoun):
        parts += _governed(tokens("à", link(node, "to")), node.recipient)
    if node.companion:
        parts += tokens("avec", link(node, "with")) + noun_phrase(node.companion)
    if node.location:
        parts += _located(node.location)
    if node.time:
        parts += tokens(node.time.french, link(node, "time"))
    if node.content:
        parts += tokens("que", link(node, "that")) + statement(node.content)
    return parts


def _object(node: Predicate, target: NounPhrase) -> list[Token]:
    preposition = node.verb.french.preposition
    if isinstance(target, Gap) or not preposition:
        return noun_phrase(target)
    if preposition == "@":
        assert isinstance(target, Name | Nominal)
        return _located(target)
    here = link(node, "preposition")
    if isinstance(target, Group) and preposition in ("à", "de"):
        parts = [_governed(tokens(preposition, here), part) for part in target.parts]
        return listing(parts, _conjunction(target))
    return _governed(tokens(preposition, here), target)


def _adjective(node: Predicate, adjective: Adjective, agreement: Agreement) -> list[Token]:
    form = tokens(french.adjective(adjective, agreement), link(node, "adjective"))
    if node.standard:
        than = tokens("que", link(node, "than"))
        return tokens("plus", link(node, "more")) + form + than + noun_phrase(node.standard)
    return (tokens("très", link(node, "very")) if node.very else []) + form


def _predicates(node: Clause) -> list[Token]:
    parts = [_predicate(part, node.subject.agreement) for part in node.predicates]
    return listing(parts, tokens("et", link(node, "and")))


def _clause(node: Clause) -> list[Token]:
    fronted: list[Token] = []
    if node.fronted:
        fronted = [*tokens(node.fronted.french, link(node, "fronted")), Token(",", glue=True)]
    return fronted + noun_phrase(node.subject, subject=True) + _predicates(node)


def _existential(node: Existential) -> list[Token]:
    tense = "imparfait" if node.tense is Tense.PAST else french.FRENCH_TENSE[node.tense]
    verb = french.conjugate("avoir", tense, Agreement(3, False, "m"))
    phrase = tokens(f"il y {verb}", link(node, "there is"))
    return phrase + noun_phrase(node.subject) + _located(node.location)


def statement(node: Statement) -> list[Token]:
    """A clause or several linked ones, without the full stop."""
    if isinstance(node, Clause):
        return _clause(node)
    if isinstance(node, Existential):
        return _existential(node)
    conjunction = tokens(node.conjunction[1], link(node, "conjunction"))
    comma = [Token(",", glue=True)] if node.comma else []
    if node.fronted:
        return conjunction + statement(node.second) + comma + statement(node.first)
    return statement(node.first) + comma + conjunction + statement(node.second)


def sentence(node: Sentence) -> list[Token]:
    """The words of a sentence; a question mark is a word of its own."""
    parts = statement(node.statement)
    if not node.question:
        return join([*french.join_french(parts), Token(".", glue=True)])
    opening = tokens(node.question_word[1], link(node, "question word"))
    clause = node.statement
    assert isinstance(clause, Clause)
    opening += tokens("est-ce que", link(clause.predicates[0], "question"))
    return join([*french.join_french(opening + parts), Token("?", (link(node, "?"),))])
