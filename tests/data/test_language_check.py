"""A pair is dropped where a side is clearly in another language, and nowhere else."""

import sys
from pathlib import Path
from typing import Any

import pytest

from nmt.data import language_check
from nmt.data.corpus import load_corpus
from nmt.data.language_check import LanguageCheck, language_of
from nmt.disk_cache import DiskCache

EN = "The old man crosses the street slowly with his dog."
FR = "Le vieil homme traverse lentement la rue avec son chien."
DE = "Der alte Mann geht langsam mit seinem Hund über die Straße."
RU = "Старик медленно переходит улицу, а рядом идёт его собака."  # noqa: RUF001 (Russian)
ZH = "老人带着他的狗慢慢地过马路。"

RIGHT = [
    *((EN, FR), (EN.upper(), FR.upper()), ("Hello.", "Bonjour."), ("Paris", "Paris"), ("", "")),
    *(("12 345,67", "12 345,67"), ("https://abcd.org/1a2b", "https://abcd.org/1a2b")),
    ("Press Ctrl+C to stop.", "Appuyez sur Ctrl+C pour arrêter."),
    ("Weekend", "Week-end"),
]
WRONG = [*((FR, FR), (EN, EN), (FR, EN), (EN, DE), (DE, FR), (EN, RU), (ZH, FR), (EN, ZH))]


@pytest.mark.parametrize("pair", RIGHT)
def test_right_and_doubtful_pairs_stay(pair: tuple[str, str]) -> None:
    assert not LanguageCheck("en", "fr").rejects(*pair)
    assert not LanguageCheck("en-US", "fr_CA").rejects(*pair)


@pytest.mark.parametrize("pair", WRONG)
def test_pairs_of_other_languages_are_rejected(pair: tuple[str, str]) -> None:
    assert LanguageCheck("en", "fr").rejects(*pair)


def test_languages_that_are_alike_are_not_told_apart() -> None:
    assert not LanguageCheck("en", "nb").rejects(EN, "Den gamle mand går langsomt over gaden.")
    assert language_of(ZH) == "zh"
    assert not LanguageCheck("zho_Hans", "fr").rejects(ZH, FR)


def test_only_the_language_that_is_known_is_judged() -> None:
    check = LanguageCheck("source", "fr")
    assert not check.rejects(RU, FR)
    assert check.rejects(RU, EN)
    with pytest.raises(ValueError, match=r"needs codes of languages .* got source and target"):
        LanguageCheck("source", "target")


def section(directory: Path, **cleaning: Any) -> dict[str, Any]:
    pairs = [*[(f"{EN} {number}", f"{FR} {number}") for number in range(5)], *WRONG]
    (directory / "x.tsv").write_text("en\tfr\n" + "".join(f"{s}\t{t}\n" for s, t in pairs))
    columns = {"src_column": "en", "tgt_column": "fr", "src_lang": "en", "tgt_lang": "fr"}
    train = str(directory / "x.tsv")
    more = {"train": train, "valid": 1, "tests": {}, "max_pairs": None, "cleaning": cleaning}
    return {"format": "tsv", "columns": None, **columns, **more}


def test_the_rule_is_counted_and_off_by_default(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path / "cache")
    plain = load_corpus(section(tmp_path, drop_held_out=False), cache).cleaning
    assert (plain.dropped["language"], plain.kept) == (0, 12)
    options = {"drop_held_out": False, "languages": True}
    strict = load_corpus(section(tmp_path, **options), cache).cleaning
    assert (strict.dropped["language"], strict.kept) == (len(WRONG), 4)
    assert "8 dropped: language (a side in another language)" in "\n".join(strict.lines())
    with pytest.raises(ValueError, match=r"cleaning\.languages must be true or false, got 'yes'"):
        load_corpus(section(tmp_path, languages="yes"), cache)


def test_without_the_detector_the_command_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "py3langid.langid", None)
    language_check._detector.cache_clear()
    with pytest.raises(
        ValueError, match=r"cleaning\.languages=true .*pip install '\.\[languages\]'"
    ):
        load_corpus(section(tmp_path, languages=True), DiskCache(tmp_path / "cache"))
