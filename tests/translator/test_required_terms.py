"""Terms and glossaries with a model that has memorised its pairs."""

import random
from pathlib import Path

import pytest

from nmt import Translator
from nmt.search.beam import BeamSearch
from nmt.search.greedy import GreedySearch
from nmt.text.words import occurrences
from nmt.translator import Glossary, Requirement, Terms

FROZEN = Path(__file__).parents[1] / "frozen_run"
PAIRS = [line.split("\t") for line in (FROZEN / "pairs.tsv").read_text().splitlines()[1:]]


@pytest.fixture(scope="module")
def translator() -> Translator:
    return Translator.load(FROZEN / "format_1", search=BeamSearch(beam_size=3), device="cpu")


def test_what_a_translation_has_already_changes_nothing(translator: Translator) -> None:
    sources, targets = zip(*PAIRS, strict=True)
    draw = random.Random(0)
    terms = []
    for target in targets:
        words = target.replace("'", " ").strip(" .?").split()
        place = draw.randrange(len(words))
        first, *others = draw.sample(words, 2)
        forms = Requirement((first + "x", first))
        terms.append(Terms(require=(words[place], forms, *others)))
    for one, target in zip(translator.translate(sources, terms=terms), targets, strict=True):
        assert (one.text, one.flags) == (target, ())


def test_after_an_apostrophe_no_space_comes(translator: Translator) -> None:
    (source, target), term = PAIRS[5], "éléphant"
    assert target == "Un avocat chasse un autre éléphant."
    lines = [source, PAIRS[11][0], PAIRS[23][0]]
    for one in translator.translate(lines, terms=[Terms(require=(term,))] * len(lines)):
        assert occurrences(term, one.text, "fr") and one.flags == ()
        assert "' éléphant" not in one.text and "éléphant éléphant" not in one.text


def test_flags_and_search_agree(translator: Translator) -> None:
    """A word of another sentence, part of a word, and what the vocabulary spells in bytes."""
    asked = ["violons", "vol", "rev", "19.99", "C++", "{x}", "\u732b", "un singe", "chass"]
    lines = [PAIRS[11][0]] * len(asked)
    terms = [Terms(require=(term,)) for term in asked]
    met = 0
    for one, own in zip(translator.translate(lines, terms=terms), terms, strict=True):
        stands = bool(occurrences(own.require[0], one.text, "fr"))
        assert ("missing_term" not in one.flags) == stands
        met += stands
    assert met == len(lines)


def test_a_forbidden_word_and_a_required_one(translator: Translator) -> None:
    source, target = PAIRS[6]
    assert "violons" in target and "ballon" in target
    terms = Terms(require=("vélo",), forbid=("violons", "ballon"))
    (one,) = translator.translate([source], terms=[terms])
    assert one.flags == ()
    assert occurrences("vélo", one.text, "fr")
    assert not occurrences("violons", one.text, "fr")
    with pytest.raises(ValueError, match="'vélo' is required, and 'vélo' is forbidden"):
        translator.translate([source], terms=[Terms(require=("vélo",), forbid=("vélo",))])


def test_a_glossary_applies_where_its_terms_stand(translator: Translator) -> None:
    glossary = Glossary.of(
        {"bicycle": "vélo", "tourist": ["voyageur", "touriste"], "owl": "chouette"}
    )
    lines = [PAIRS[0][0], PAIRS[3][0], PAIRS[11][0]]
    terms = [Terms(glossary=glossary)] * 3
    first, second, third = translator.translate(lines, terms=terms)
    assert (first.text, third.text) == (PAIRS[0][1], PAIRS[11][1])
    assert first.glossary == (("bicycle", True), ("tourist", True))
    assert occurrences("chouette", second.text, "fr")
    assert (second.glossary, second.flags) == ((("owl", True),), ())
    assert third.glossary == ()


def test_the_parts_of_a_line_have_their_own_terms(translator: Translator) -> None:
    line = " ".join(source for source, _ in PAIRS[3:7])
    (free,) = translator.translate([line], sentences="split")
    glossary = Glossary.of({"owl": "hibou", "skirt": "jupe", "violins": "violons"})
    term = "cheval"
    assert not occurrences(term, free.text, "fr")
    own = Terms("Tu", (term, "jupe"), ("lune",), glossary)
    (one,) = translator.translate([line], terms=[own], sentences="split")
    assert one.glossary == (("owl", True), ("skirt", True), ("violins", True))
    assert occurrences(term, one.text, "fr")
    assert one.flags == ("split",)
    changed = [target for _, target in PAIRS[3:7] if target not in one.text]
    assert len(changed) <= 1  # none but the part that took the term


def test_a_search_that_cannot_is_refused_at_once(translator: Translator) -> None:
    greedy = Translator(translator.model, translator.tokenizer, GreedySearch(), tgt_lang="fr")
    glossary = Glossary.of({"owl": "hibou"})
    for terms in (Terms(require=("hibou",)), Terms(glossary=glossary)):
        with pytest.raises(ValueError, match="use search=beam"):
            greedy.translate([PAIRS[0][0]], terms=[terms])
