import pytest

from nmt.search.constraints import Constraint
from nmt.tokenizer import Tokenizer
from nmt.translator.terms import TermEncoder
from nmt.translator.translation import Alternative, Terms, Translation
from nmt.translator.word_alignment import FIRST_BYTE


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
    assert tokenizer.decode_tgt(constraint.require) == ["tapis", "sur le"]
    assert tokenizer.decode_tgt(constraint.forbid) == ["chien"]
    assert tokenizer.tgt_pieces(constraint.require[1])[0].startswith("\u2581")


def test_without_spaces_terms_stand_within_a_word(
    chinese: TermEncoder, tokenizer: Tokenizer
) -> None:
    terms = Terms(require=("chat", "\u732b"), forbid=("chien",))
    constraint = chinese.constraint(terms)
    before = tokenizer.encode_tgt(["tapis"])[0]
    for phrase, term in zip(constraint.require, terms.require, strict=True):
        assert tokenizer.decode_tgt([[*before, *phrase]]) == ["tapis" + term]
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
        ("les chats dorment", "chat", False, False),
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
    letters = [FIRST_BYTE + byte for byte in b"chat"]
    space = tokenizer.encode_tgt([" "])[0][0]  # "le ", then "chat" letter by letter
    spelt = [*tokenizer.encode_tgt(["le"])[0], space, *letters]
    assert tokenizer.decode_tgt([spelt]) == ["le chat"]
    changed = french.forbidding(constraint, terms, spelt)
    assert changed.forbid == (*constraint.forbid, tuple(letters))
    assert french.forbidding(constraint, terms, usual) == constraint
    harmless = tokenizer.encode_tgt(["le chaton"])[0]
    assert french.forbidding(constraint, terms, harmless) == constraint
