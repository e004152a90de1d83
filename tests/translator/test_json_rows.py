import json
import math
from pathlib import Path
from typing import Any

import pytest

from nmt.translator import Alternative, Glossary, Terms, Translation
from nmt.translator.json_rows import (
    TranslationRequest,
    finite,
    one_row,
    request_of_json,
    row_of_translation,
    terms_of_options,
)

NONE = Terms()
COMMON = Terms(prefix="Il", require=("chat",), forbid=("chien",))


def test_a_row_needs_a_source_only() -> None:
    assert request_of_json(7, '{"src": "a\\nb", "domain": [1]}', NONE) == TranslationRequest(
        7, "a\nb", NONE
    )
    assert request_of_json(7, '{"src": "", "id": "x-1"}', COMMON) == TranslationRequest(
        "x-1", "", COMMON
    )
    assert request_of_json(7, '{"src": "a", "id": 0}', NONE).id == 0
    assert request_of_json(7, '{"src": "a", "id": null}', NONE).id == 7


def test_a_rows_own_terms_stand_for_those_of_all() -> None:
    row = {"src": "a", "require": ["un", "deux"], "forbid": []}
    terms = request_of_json(1, json.dumps(row), COMMON).terms
    assert terms == Terms(prefix="Il", require=("un", "deux"), forbid=())
    row = {"src": "a", "prefix": "", "require": "un mot", "forbid": None}
    terms = request_of_json(1, json.dumps(row), COMMON).terms
    assert terms == Terms(prefix="", require=("un mot",), forbid=("chien",))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "no JSON object: a blank line"),
        (" \t", "no JSON object: a blank line"),
        ("A sentence.", "no JSON object: 'A sentence.'"),
        ('{"src": "a"', "no JSON object"),
        ('{"src": "a"} {"src": "b"}', "Extra data"),
        ('["a"]', "a row must be a JSON object"),
        ("1" * 10_000, "no JSON object"),
        ("[" * 100_000, "no JSON object"),
        ("{}", 'needs "src", the text to translate; it has nothing'),
        ('{"source": "a", "id": 1}', "it has 'source', 'id'"),
        ('{"src": null}', "src must be text, got null"),
        ('{"src": 5}', "src must be text, got 5"),
        ('{"src": "\\ud800"}', "src holds half a surrogate pair"),
        ('{"src": "a", "id": "\\ud800"}', "id holds half a surrogate pair"),
        ('{"src": "a", "id": [1]}', r"id must be text or a whole number, got \[1\]"),
        ('{"src": "a", "id": NaN}', "id must be text or a whole number"),
        ('{"src": "a", "prefix": 5}', "prefix must be text, got 5"),
        ('{"src": "a", "require": [5]}', "each of require must be text, got 5"),
        ('{"src": "a", "forbid": {"a": 1}}', "each of forbid must be text"),
        ('{"src": "a", "glossary": ["cat"]}', "glossary must be an object"),
        ('{"src": "a", "glossary": {"cat": 5}}', 'each translation of "cat" in glossary must be'),
        (json.dumps({"src": "a", "require": ["b" * 20_000]}), "20,000 bytes, and .* can have 512"),
        (
            json.dumps({"src": "a", "require": ["\u00e9" * 9] * 30}),
            "540 bytes, and .* can have 512",
        ),
        ('{"src": "a", "glossary": {"cat": []}}', "a translation of 'cat' has no text"),
        ('{"src": "a", "require": ["un chat"], "forbid": ["chat"]}', "is forbidden: give up one"),
    ],
)
def test_what_is_no_row_is_said(line: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        request_of_json(1, line, NONE)


def test_options_are_terms_of_every_line() -> None:
    options: dict[str, Any] = {"prefix": "", "require": [], "forbid": []}
    assert terms_of_options(options) == NONE
    options |= {"prefix": "Il", "require": ["chat"], "forbid": "chien"}
    assert terms_of_options(options) == COMMON
    with pytest.raises(ValueError, match="each of require must be text, got 5; quotes within"):
        terms_of_options(options | {"require": [5]})


def test_a_translation_is_one_line_of_json() -> None:
    nasty = '\u2028\u0085\r\n\x00"\\ \u00e9\U0001f600'
    translation = Translation(
        text=nasty,
        score=-1.23456789,
        tokens=3,
        flags=("split",),
        alignment=((0, 0), (1, 0)),
        nbest=(
            Alternative(nasty, -1.23456789, 3, ("split",), ((0, 0),), (0.5,)),
            Alternative("b", -math.inf, 1),
        ),
    )
    row = row_of_translation(TranslationRequest("x", nasty, NONE), translation)
    assert row.splitlines() == [row]
    assert "\u00e9\U0001f600" in row
    first = {"text": nasty, "score": -1.234568, "tokens": 3, "flags": ["split"]}
    assert json.loads(row) == {
        "id": "x",
        "src": nasty,
        **first,
        "alignment": "0-0 1-0",
        "nbest": [
            first | {"alignment": "0-0", "confidence": [0.5]},
            {"text": "b", "score": None, "tokens": 1, "flags": []},
        ],
    }


def test_confidence_is_there_when_asked_for() -> None:
    translation = Translation("a b", -0.5, 2, confidence=(0.12345678, 1.0))
    row = row_of_translation(TranslationRequest(1, "x", NONE), translation)
    assert json.loads(row)["confidence"] == [0.123457, 1.0]


def test_no_alignment_is_null_and_an_empty_one_is_not() -> None:
    for alignment, wanted in ((None, None), ((), "")):
        translation = Translation("", 0.0, 0, alignment=alignment)
        row = json.loads(row_of_translation(TranslationRequest(1, "", NONE), translation))
        assert (row["alignment"], row["nbest"], row["flags"]) == (wanted, [], [])


def test_json_has_no_infinity() -> None:
    assert [finite(value) for value in (math.nan, math.inf, -math.inf, 0.5)] == [None] * 3 + [0.5]
    assert one_row(a=None) == '{"a": null}'


def test_a_row_may_have_its_own_glossary() -> None:
    row = json.dumps({"src": "a", "glossary": {"cat": "chat", "dog": ["chien", "chienne"]}})
    own = Glossary.of({"cat": "chat", "dog": ["chien", "chienne"]})
    everywhere = Glossary.of({"owl": "hibou"})
    assert request_of_json(1, row, Terms(glossary=everywhere)).terms == Terms(glossary=own)
    plain = request_of_json(1, '{"src": "a", "glossary": null}', Terms(glossary=everywhere))
    assert plain.terms.glossary == everywhere


def test_a_glossary_is_a_file_in_options(tmp_path: Path) -> None:
    path = tmp_path / "terms.tsv"
    path.write_text("cat\tchat\n")
    options: dict[str, Any] = {"prefix": "", "require": [], "forbid": [], "glossary": str(path)}
    assert terms_of_options(options) == Terms(glossary=Glossary.of({"cat": "chat"}))
    assert terms_of_options(options | {"glossary": None}) == NONE
    with pytest.raises(ValueError, match="glossary asks for 'cat', and 'chat' is forbidden"):
        terms_of_options(options | {"forbid": ["chat"]})


def test_what_became_of_the_glossary_stands_in_the_row() -> None:
    translation = Translation("le chat", 0.0, 2, glossary=(("cat", True), ("dog", False)))
    row = json.loads(row_of_translation(TranslationRequest(1, "a", NONE), translation))
    assert row["glossary"] == [{"term": "cat", "met": True}, {"term": "dog", "met": False}]
