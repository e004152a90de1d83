from collections.abc import Sequence

import pytest

from nmt.search.beam import BeamSearch
from nmt.search.constraints import Constraint
from nmt.search.greedy import GreedySearch
from nmt.tokenizer import BYTES, Tokenizer
from nmt.translator.glossary import Glossary, Requirement
from nmt.translator.terms import (
    MOST_TRIED,
    TermEncoder,
    check_search,
    check_terms,
    placed,
    terms_of_parts,
)
from nmt.translator.translation import Alternative, Terms, Translation


@pytest.fixture
def french(tokenizer: Tokenizer) -> TermEncoder:
    return TermEncoder(tokenizer, "fr")


@pytest.fixture
def chinese(tokenizer: Tokenizer) -> TermEncoder:
    return TermEncoder(tokenizer, "zh-TW")


def test_no_terms_are_no_constraint(french: TermEncoder) -> None:
    assert french.constraint(Terms()) == Constraint()
    assert french.constraint(Terms(prefix=" \t")) == Constraint()


def test_terms_are_constrained_as_the_tokens_that_spell_them(
    french: TermEncoder, tokenizer: Tokenizer
) -> None:
    terms = Terms(prefix=" le chat ", require=("tapis", " sur le "), forbid=("chien",))
    constraint = french.constraint(terms)
    assert tokenizer.decode_tgt([constraint.prefix]) == ["le chat"]
    assert tokenizer.decode_tgt(constraint.forbid) == ["chien"]
    missing = constraint.missing(tuple(tokenizer.encode_tgt(["un tapis sur les chats"])[0]))
    assert missing == constraint.require[1:]
    assert french.constraint(terms).require == constraint.require


def test_without_spaces_forbidden_terms_are_banned_within_a_word(
    chinese: TermEncoder, tokenizer: Tokenizer
) -> None:
    constraint = chinese.constraint(Terms(forbid=("chien",)))
    before = tokenizer.encode_tgt(["tapis"])[0]
    anywhere = tokenizer.decode_tgt([[*before, *phrase] for phrase in constraint.forbid])
    assert anywhere == ["tapis chien", "tapischien"]


@pytest.mark.parametrize("terms", [Terms(require=("a", " ")), Terms(forbid=("",))])
def test_refuses_a_term_without_text(french: TermEncoder, terms: Terms) -> None:
    with pytest.raises(ValueError, match="has no text"):
        french.constraint(terms)


@pytest.mark.parametrize(
    ("text", "term", "missing", "forbidden"),
    [
        ("le chat dort", "chat", False, True),
        ("les chats dorment", "chat", True, False),
        ("un achat", "chat", True, False),
        ("l'homme", "homme", False, True),
        ("gentilhomme", "homme", True, False),
        ("le Chat dort", "chat", True, False),
        ("a (b) c", " (b) ", False, True),
        ("a xbx c", ".b.", True, False),
        ("", "chat", True, False),
    ],
)
def test_says_which_terms_were_not_kept(
    french: TermEncoder, text: str, term: str, missing: bool, forbidden: bool
) -> None:
    plain = Translation(text, 0.0, 1, ("split",), nbest=(Alternative(text, 0.0, 1),))
    required = french.checked(plain, Terms(require=(term,)))
    assert required.flags == ("split", *["missing_term"] * missing)
    assert required.nbest[0].flags == ("missing_term",) * missing
    assert french.checked(plain, Terms(forbid=(term,))).flags == (
        "split",
        *["forbidden_term"] * forbidden,
    )


def test_without_spaces_a_term_is_found_anywhere(chinese: TermEncoder) -> None:
    plain = Translation("\u6211\u559c\u6b22\u732b\u4e86", 0.0, 1)
    assert chinese.checked(plain, Terms(require=("\u732b",))).flags == ()
    assert chinese.checked(plain, Terms(forbid=("\u732b",))).flags == ("forbidden_term",)


def test_other_tokens_of_a_forbidden_term_are_forbidden_too(
    french: TermEncoder, tokenizer: Tokenizer
) -> None:
    terms = Terms(forbid=("chat", "tapis"))
    constraint = french.constraint(terms)
    usual = tokenizer.encode_tgt(["le chat dort"])[0]
    letters = [BYTES[byte] for byte in b"chat"]
    space = tokenizer.encode_tgt([" "])[0][0]  # "le ", then "chat" letter by letter
    spelt = [*tokenizer.encode_tgt(["le"])[0], space, *letters]
    assert tokenizer.decode_tgt([spelt]) == ["le chat"]
    changed = french.forbidding(constraint, terms, spelt)
    assert changed.forbid == (*constraint.forbid, tuple(letters))
    assert french.forbidding(constraint, terms, usual) == constraint
    harmless = tokenizer.encode_tgt(["le chaton"])[0]
    assert french.forbidding(constraint, terms, harmless) == constraint


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        (Terms(require=("chat",), forbid=("chat",)), "'chat' is required, and 'chat' is forbidden"),
        (Terms(require=("le chat",), forbid=("chat",)), "'chat', which stands in it, is forbidden"),
        (Terms(require=("a\u0301",), forbid=("\u00e1",)), "is forbidden"),
        (
            Terms(forbid=("chat",), glossary=Glossary.of({"dog": "chien", "cat": "chat"})),
            "'chat' is what the glossary asks for 'cat', and 'chat' is forbidden",
        ),
    ],
)
def test_terms_that_cannot_all_be_kept_are_refused(terms: Terms, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_terms(terms)


def test_a_forbidden_term_within_a_longer_word_is_no_contradiction() -> None:
    check_terms(Terms(require=("chaton", "Chat"), forbid=("chat",)))
    glossary = Glossary.of({"cat": ["chat", "matou"]})
    check_terms(Terms(forbid=("chat",), glossary=glossary))
    (part,) = parts_terms(Terms(forbid=("chat",), glossary=glossary), ["a cat"])
    assert part.require == (Requirement(("matou", "Matou"), "cat"),)


def test_only_some_searches_look_for_terms() -> None:
    asked = [Terms(), Terms(glossary=Glossary.of({"cat": "chat"}))]
    check_search(BeamSearch(), asked)
    check_search(GreedySearch(), [Terms(prefix="le", forbid=("chat",))])
    with pytest.raises(ValueError, match=r"GreedySearch cannot look for .* use search=beam"):
        check_search(GreedySearch(), asked)


def test_each_part_has_its_own_terms() -> None:
    glossary = Glossary.of({"cat": "chat", "mat": "tapis"})
    line = Terms("le", ("dort",), ("chien",), glossary)
    first, second = parts_terms(line, ["The cat sat.", "ON THE MAT"], in_capitals=[False, True])
    assert first == Terms("le", (Requirement(("chat", "Chat"), "cat"),), ("chien",), glossary)
    loud = Requirement(("tapis", "Tapis"), "mat", ignore_case=True)
    assert second == Terms("", (loud,), ("chien",), glossary)
    (whole,) = parts_terms(line, ["The cat"])
    assert whole.require == (Requirement(("dort",)), *first.require)
    assert parts_terms(Terms(require=("dort",)), []) == []


def test_the_first_part_that_the_model_reads_has_the_prefix() -> None:
    texts = ["12.", "The cat sat.", "It slept."]
    found = parts_terms(Terms(prefix="le"), texts, read=[False, True, True])
    assert [one.prefix for one in found] == ["", "le", ""]


def test_the_glossarys_terms_are_counted(french: TermEncoder) -> None:
    glossary = Glossary.of({"cat": "chat", "mat": "tapis"})
    (terms,) = parts_terms(Terms(glossary=glossary), ["The cat on the mat"])
    checked = french.checked(Translation("Chats sur le tapis", 0.0, 4), terms)
    assert checked.glossary == (("cat", False), ("mat", True))
    assert checked.flags == ("missing_term",)
    again = french.checked(checked, Terms(require=("tapis",)))
    assert (again.glossary, again.flags) == (checked.glossary, checked.flags)


def parts_terms(
    terms: Terms,
    texts: list[str],
    *,
    read: list[bool] | None = None,
    in_capitals: list[bool] | None = None,
) -> list[Terms]:
    return terms_of_parts(
        terms,
        texts,
        "en",
        read=read or [True] * len(texts),
        in_capitals=in_capitals or [False] * len(texts),
    )


def parts_of(*scores: float) -> list[Translation]:
    return [Translation(f"text {place}", score, 3) for place, score in enumerate(scores)]


def test_what_a_line_lacks_is_required_of_the_part_that_loses_least(french: TermEncoder) -> None:
    free = parts_of(-0.5, -0.5, -0.5, -0.5)
    asked: list[tuple[int, Terms]] = []
    found = {0: (-3.0, ()), 1: (-0.9, ()), 2: (-0.6, ()), 3: (-0.1, ("missing_term",))}

    def translate(wanted: Sequence[tuple[int, Terms]]) -> list[Translation]:
        asked.extend(wanted)
        return [Translation(f"with {p}", found[p][0], 4, found[p][1]) for p, _ in wanted]

    one = Requirement(("chat",))
    own = [Terms("le", forbid=("chien",))] + [Terms(forbid=("chien",))] * 3
    chosen = placed([one], own, free, [5, 5, 50, 5], lambda _: [3, 1, 0, 2], translate)
    # Part 2 loses 0.1 for each of 50 tokens, part 1 loses 0.4 for each of 5.
    assert [each.text for each in chosen] == ["text 0", "with 1", "text 2", "text 3"]
    assert [place for place, _ in asked] == [3, 1, 0, 2]
    assert asked[2][1] == Terms("le", (one,), ("chien",))


def test_few_parts_are_tried_and_what_no_part_takes_stays_missing(french: TermEncoder) -> None:
    tried: list[int] = []

    def translate(wanted: Sequence[tuple[int, Terms]]) -> list[Translation]:
        tried.extend(place for place, _ in wanted)
        return [Translation("", 0.0, 0, ("missing_term",)) for _ in wanted]

    free = parts_of(*[-1.0] * 30)
    again = placed(
        [Requirement(("chat",))],
        [Terms()] * 30,
        free,
        [1] * 30,
        lambda _: range(29, -1, -1),
        translate,
    )
    assert again == free
    assert tried == list(range(29, 29 - MOST_TRIED, -1))
