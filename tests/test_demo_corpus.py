"""The embedded corpus: regenerated exactly, its splits and lengths, its alignment, its French."""

import gzip
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from scripts.demo_corpus import corpus, french, lexicon
from scripts.demo_corpus.tree import Agreement
from scripts.demo_corpus.words import Token

DIRECTORY = Path(__file__).parents[1] / "data" / "demo"
MASCULINE, FEMININE = Agreement(3, False, "m"), Agreement(3, False, "f")
MASCULINES, FEMININES = Agreement(3, True, "m"), Agreement(3, True, "f")


def text(name: str) -> str:
    """The committed content of a file, decompressed."""
    data = (DIRECTORY / name).read_bytes()
    return (gzip.decompress(data) if name.endswith(".gz") else data).decode()


def lines(name: str) -> list[str]:
    return text(name).removesuffix("\n").split("\n")


SPLITS = {
    "train": (lines("train.en.gz"), lines("train.fr.gz")),
    "valid": (lines("valid.en"), lines("valid.fr")),
    "test": (lines("test.en"), lines("test.fr")),
}


def test_the_generator_writes_what_is_committed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Test and validation pairs, and the first training pairs that it draws, as drawing them all
    takes half a minute; they are shuffled at the end."""
    monkeypatch.setattr(corpus, "TRAIN", (2000, 0, 0, 0, 0, 0, 0))
    for path in corpus.write(tmp_path):
        data = path.read_bytes()
        if path.suffix == ".gz":
            assert data[4:8] == bytes(4), "the gzip header holds a time"
            lines = gzip.decompress(data).decode().splitlines()
            assert len(lines) == 2000
            assert set(lines) <= set(text(path.name).splitlines()), path.name
        else:
            assert data.decode() == text(path.name), path.name


def test_committed_gzip_files_hold_no_time() -> None:
    for name in ("train.en.gz", "train.fr.gz"):
        assert (DIRECTORY / name).read_bytes()[4:8] == bytes(4)


@pytest.mark.parametrize("side", [0, 1], ids=["English", "French"])
def test_no_sentence_occurs_twice(side: int) -> None:
    counts = Counter(line for split in SPLITS.values() for line in split[side])
    assert sum(counts.values()) == 32_050
    assert max(counts.values()) == 1


def test_lengths() -> None:
    buckets = Counter(min(len(line.split(" ")) // 10, 6) for line in SPLITS["test"][0])
    assert buckets == dict.fromkeys(range(7), 150)
    for english, _ in SPLITS.values():
        lengths = [len(line.split(" ")) for line in english]
        assert min(lengths) >= 3
        assert max(lengths) <= 75
    long = Counter(min(len(line.split(" ")) // 10, 6) for line in SPLITS["train"][0])
    assert min(long.values()) >= 0.04 * 30_000
    assert sum(len(line.split(" ")) for line in SPLITS["train"][0]) < 20 * 30_000


@pytest.mark.parametrize("name", SPLITS)
def test_plain_spaces_capitals_and_final_marks(name: str) -> None:
    for line in (line for side in SPLITS[name] for line in side):
        assert line == " ".join(line.split()), line
        assert line[0].isupper(), line
        assert line[-1] in ".?", line


def test_nothing_is_left_to_elide_or_contract() -> None:
    vowels = tuple("aàâeéèêiîoôuûœ")
    for line in SPLITS["test"][1] + SPLITS["valid"][1]:
        words = line.lower().rstrip(".").split()
        for word, after in pairwise(words):
            unelided = word in ("le", "la", "je", "me", "te", "se", "ne", "de", "que", "ce", "ma")
            assert not (unelided and after.startswith(vowels)), line
            assert (word, after) not in {("si", "il"), ("si", "ils"), ("de", "des"), ("de", "du")}


@pytest.mark.parametrize("name", ["valid", "test"])
def test_alignment_is_in_range_and_covers_every_word(name: str) -> None:
    english, french_side = SPLITS[name]
    for src, tgt, row in zip(english, french_side, lines(f"{name}.align"), strict=True):
        links = [tuple(map(int, link.split("-"))) for link in row.split(" ")]
        assert links == sorted(set(links))
        assert {i for i, _ in links} == set(range(len(src.split(" ")))), src
        assert {j for _, j in links} == set(range(len(tgt.split(" ")))), tgt


@pytest.mark.parametrize(
    ("infinitive", "tense", "agreement", "form"),
    [
        ("manger", "présent", Agreement(1, True, "m"), "mangeons"),
        ("manger", "imparfait", MASCULINE, "mangeait"),
        ("manger", "imparfait", Agreement(1, True, "m"), "mangions"),
        ("commencer", "présent", Agreement(1, True, "m"), "commençons"),
        ("commencer", "imparfait", MASCULINES, "commençaient"),
        ("acheter", "présent", Agreement(2, False, "m"), "achètes"),
        ("acheter", "futur", MASCULINE, "achètera"),
        ("appeler", "présent", MASCULINES, "appellent"),
        ("préférer", "futur", MASCULINE, "préférera"),
        ("nettoyer", "présent", MASCULINE, "nettoie"),
        ("choisir", "imparfait", Agreement(1, False, "m"), "choisissais"),
        ("vendre", "présent", MASCULINE, "vend"),
        ("être", "imparfait", MASCULINE, "était"),
        ("venir", "conditionnel", MASCULINE, "viendrait"),
        ("lire", "futur", Agreement(1, False, "m"), "lirai"),
        ("aller", "futur", Agreement(1, True, "m"), "irons"),
    ],
)
def test_conjugation(infinitive: str, tense: str, agreement: Agreement, form: str) -> None:
    assert french.conjugate(infinitive, tense, agreement) == form


@pytest.mark.parametrize(
    ("infinitive", "agreement", "form"),
    [
        ("manger", FEMININES, "mangées"),
        ("prendre", MASCULINES, "pris"),
        ("ouvrir", FEMININE, "ouverte"),
        ("devoir", None, "dû"),
    ],
)
def test_participles(infinitive: str, agreement: Agreement | None, form: str) -> None:
    assert french.participle(infinitive, agreement) == form


@pytest.mark.parametrize(
    ("english", "agreement", "after", "form"),
    [
        ("old", MASCULINE, "homme", "vieil"),
        ("old", MASCULINE, "chat", "vieux"),
        ("old", MASCULINE, "hibou", "vieux"),
        ("beautiful", MASCULINE, "oiseau", "bel"),
        ("beautiful", MASCULINES, "oiseaux", "beaux"),
        ("new", MASCULINE, "ami", "nouvel"),
        ("new", FEMININES, "idées", "nouvelles"),
        ("white", FEMININE, "", "blanche"),
        ("proud", FEMININES, "", "fières"),
        ("jealous", FEMININE, "", "jalouse"),
        ("happy", MASCULINES, "", "heureux"),
        ("loyal", MASCULINES, "", "loyaux"),
        ("brown", FEMININES, "", "marron"),
        ("blue", MASCULINES, "", "bleus"),
    ],
)
def test_adjectives(english: str, agreement: Agreement, after: str, form: str) -> None:
    (entry,) = (adjective for adjective in lexicon.adjectives() if adjective.english == english)
    assert french.adjective(entry, agreement, after) == form


@pytest.mark.parametrize(
    ("words", "joined"),
    [
        ("je te aime", "je t'aime"),
        ("il ne y a pas", "il n'y a pas"),
        ("parce que il dit que elle vient", "parce qu'il dit qu'elle vient"),
        ("si il vient si elle vient", "s'il vient si elle vient"),
        ("de LE homme à LE hôtel", "de l'homme à l'hôtel"),
        ("de LE roi à LE roi", "du roi au roi"),
        ("de LES amis à LES amis", "des amis aux amis"),
        ("de LA ville à LE hibou", "de la ville au hibou"),
        ("elle essaie de le voir", "elle essaie de le voir"),
        ("je y vais", "j'y vais"),
    ],
)
def test_elision_and_contraction(words: str, joined: str) -> None:
    """Articles are in capitals, for clitics of the same form do not contract."""
    tokens = [Token(word.lower(), article=word.isupper()) for word in words.split()]
    assert " ".join(token.text for token in french.join_french(tokens)) == joined
