import gzip
from pathlib import Path

import pytest

from nmt.translator.glossary import Glossary, Requirement

SMALL = Glossary.of({"cat": "chat", "dog": ["chien", "chienne"], "May": "mai", "cat food": "pâtée"})


def asked(text: str, glossary: Glossary = SMALL, **options: bool) -> list[str]:
    return [one.term for one in glossary.requirements(text, "en", **options)]


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", []),
        ("the cat saw a dog", ["cat", "dog"]),
        ("a dog, a cat, a dog", ["dog", "cat"]),
        ("the cats and the category", []),
        ("the cat's bed", ["cat"]),
        ("no cat food for the cat", ["cat food", "cat"]),
        ("no cat food", ["cat food"]),
        ("Cat and dog", ["cat", "dog"]),
        ("It rains. Cat and dog.", ["cat", "dog"]),
        ('"Cat!" he said', ["cat"]),
        ("the Cat", []),
        ("CAT", []),
        ("in May", ["May"]),
        ("it may be", []),
        ("May it be", ["May"]),
        ("Cat food", ["cat food"]),
    ],
)
def test_an_entry_counts_where_its_term_stands(text: str, terms: list[str]) -> None:
    assert asked(text) == terms


def test_the_forms_may_begin_in_upper_case() -> None:
    requirements = SMALL.requirements("in May a dog", "en")
    assert requirements == (
        Requirement(("mai",), "May"),
        Requirement(("chien", "chienne", "Chien", "Chienne"), "dog"),
    )
    assert requirements[1].met("Chienne et chat", "fr")
    assert not requirements[1].met("des chiens", "fr")


def test_case_may_be_ignored() -> None:
    assert asked("A CAT IN MAY", ignore_case=True) == ["cat", "May"]
    assert Requirement(("chat",), "", ignore_case=True).met("UN CHAT", "fr")


def test_scripts_without_spaces() -> None:
    glossary = Glossary.of({"\u732b": "cat", "\u5c0f\u732b": "kitten"})
    assert [one.term for one in glossary.requirements("\u6211\u7684\u5c0f\u732b", "zh")] == [
        "\u5c0f\u732b"
    ]


def test_composed_and_decomposed_are_one() -> None:
    glossary = Glossary.of({"cafe\u0301": "coffee"})
    assert [one.forms for one in glossary.requirements("un caf\u00e9", "fr")] == [
        ("coffee", "Coffee")
    ]


def test_a_large_one_is_fast_enough_and_right() -> None:
    glossary = Glossary.of({f"word{number}": f"mot{number}" for number in range(5000)})
    text = " ".join(f"word{number}" for number in range(0, 5000, 100))
    assert len(glossary.requirements(text, "en")) == 50


FILE = "cat\tchat\n\n dog \t chien | chienne \r\ncat\tchat\n"


def test_a_file_has_a_term_and_its_translations_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "terms.tsv").write_bytes(b"\xef\xbb\xbf" + FILE.encode())
    (tmp_path / "terms.tsv.gz").write_bytes(gzip.compress(FILE.encode()))
    wanted = Glossary.of({"cat": "chat", "dog": ["chien", "chienne"]})
    assert Glossary.read(tmp_path / "terms.tsv") == wanted
    assert Glossary.read(str(tmp_path / "terms.tsv.gz")) == wanted


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("dog chien", "with 0 tabs"),
        ("dog\tchien\tchienne", "with 2 tabs"),
        ("\tchien", "a source term has no text, with the translation chien"),
        ("dog\t", "a translation of 'dog' has no text"),
        ("dog\tchien||chienne", "a translation of 'dog' has no text"),
        ("cat\tmatou", "'cat' has another translation in line 1; .* with | between"),
    ],
)
def test_a_mistake_names_file_and_line(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "terms.tsv"
    path.write_text(f"cat\tchat\n{line}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=f"terms.tsv:2: .*{message}"):
        Glossary.read(path)
    path.write_bytes(b"cat\tch\xff")
    with pytest.raises(ValueError, match=r"terms.tsv:1: not valid UTF-8"):
        Glossary.read(path)
    with pytest.raises(FileNotFoundError, match=r"nowhere.tsv"):
        Glossary.read(tmp_path / "nowhere.tsv")


def test_a_term_has_one_entry() -> None:
    with pytest.raises(ValueError, match="has two entries"):
        Glossary.of({"caf\u00e9": "coffee", "cafe\u0301": "bar"})
    with pytest.raises(ValueError, match="no text"):
        Glossary.of({"cat": []})
