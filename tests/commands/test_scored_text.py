"""What nmt-evaluate takes for references, documents and languages, and what it warns of."""

import json
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sacrebleu
from omegaconf import DictConfig

from nmt.commands.evaluate import main as evaluate

Compose = Callable[..., DictConfig]
HYPOTHESES = ["the cat sat on a mat", "two dogs", "a bird sings in the tree", "it rains"]
FIRST = ["the cat sat on the mat", "two dogs ran", "a bird is singing in a tree", "it is raining"]
SECOND = ["a cat was sitting on a mat", "a pair of dogs", "a bird sings in the tree", "rain falls"]
SOURCES = ["die Katze", "zwei Hunde", "ein Vogel", "es regnet"]
FILES = {"hyp": HYPOTHESES, "a": FIRST, "b": SECOND, "src": SOURCES}


def write(**files: list[str]) -> None:
    for name, lines in files.items():
        Path(name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


@pytest.fixture
def scored(composed: Compose) -> Callable[..., dict[str, Any]]:
    """Evaluates hyp against the references, of which no lengths of sources are needed."""
    write(**FILES)

    def run(*options: str) -> dict[str, Any]:
        base = ["hypotheses=hyp", "output=out", "bootstrap.samples=10", "overwrite=true"]
        evaluate(composed("evaluate", *base, *options))
        found: dict[str, Any] = json.loads(Path("out/evaluation.json").read_text())
        return found

    return run


Scored = Callable[..., dict[str, Any]]
NO_SOURCES = "side=reference"


def test_a_list_of_files_are_several_references(scored: Scored) -> None:
    found = scored("references=[a,b]", NO_SOURCES)
    overall = found["overall"]
    assert overall["bleu"] == sacrebleu.corpus_bleu(HYPOTHESES, [FIRST, SECOND]).score
    assert overall["chrf"] == sacrebleu.corpus_chrf(HYPOTHESES, [FIRST, SECOND]).score
    assert overall["ter"] == sacrebleu.corpus_ter(HYPOTHESES, [FIRST, SECOND]).score
    assert all(signature.startswith("nrefs:2|") for signature in found["signatures"].values())
    assert (found["test_set"]["nrefs"], found["test_set"]["sha256_src"]) == (2, None)
    assert found["test_set"]["name"] == "a"


def test_columns_are_references_only_when_that_is_said(scored: Scored) -> None:
    write(both=["\t".join(row) for row in zip(FIRST, SECOND, strict=True)])
    with pytest.raises(ValueError, match=r"both has tabs on 4 of 4 lines: .*references_format=tsv"):
        scored("references=both", NO_SOURCES)
    of_columns = scored("references=both", NO_SOURCES, "references_format=tsv")
    of_files = scored("references=[a,b]", NO_SOURCES)
    assert of_columns["overall"] == of_files["overall"]
    assert of_columns["test_set"]["sha256_ref"] == of_files["test_set"]["sha256_ref"]
    as_text = scored("references=both", NO_SOURCES, "references_format=text")
    assert as_text["test_set"]["nrefs"] == 1
    write(both=["a\tb", "", "c"])
    with pytest.raises(ValueError, match=r"both:3 has 1 columns .*before it have 2"):
        scored("references=both", NO_SOURCES, "references_format=tsv")


def test_blank_references_are_missing_ones(scored: Scored) -> None:
    write(b=["", SECOND[1], "", ""])
    found = scored("references=[a,b]", NO_SOURCES)
    theirs = [FIRST, [None, SECOND[1], None, None]]
    assert found["overall"]["ter"] == sacrebleu.corpus_ter(HYPOTHESES, theirs).score
    assert found["signatures"]["bleu"].startswith("nrefs:var|")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["references=[a,short]", NO_SOURCES], "short has 1 lines, but a has 4"),
        (["references=a", "sources=short"], "short has 1 lines, but a has 4"),
        (["references=a", NO_SOURCES, "documents=short"], "short has 1 lines for 4 sentences"),
        (["references=a", NO_SOURCES, "documents=blank"], "blank:2 is blank: each line needs"),
        (["references=[a,b]", "sources=b"], "references=b and sources=b are the same file"),
    ],
)
def test_files_that_do_not_belong_together_are_named(
    scored: Scored, options: list[str], message: str
) -> None:
    write(short=["x"], blank=["x", " ", "x", "x"])
    with pytest.raises(ValueError, match=message):
        scored(*options)


def test_documents_have_scores_and_a_table(
    scored: Scored, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    write(ids=["talk 1", "talk 1", "talk 2", "talk 2"], one=["x"] * 4)
    found = scored("references=a", "sources=src", "documents=ids")
    assert [(row["id"], row["n"]) for row in found["documents"]] == [("talk 1", 2), ("talk 2", 2)]
    first = sacrebleu.corpus_bleu(HYPOTHESES[:2], [FIRST[:2]])
    assert found["documents"][0]["bleu"] == first.score
    said = capsys.readouterr().out
    assert "10 bootstrap samples of the 2 documents" in said
    assert [line.split()[:2] for line in said.splitlines() if line[:4] == "talk"] == [
        ["talk", "1"],
        ["talk", "2"],
    ]
    scored("references=a", "sources=src", "documents=one")
    assert "all lines belong to one document" in caplog.text


@pytest.mark.parametrize(
    ("text", "tokenizer"),
    [("我喜欢红色的猫。", "zh"), ("猫が好きです。", "ja-mecab"), ("แมวดำวิ่งเร็วมาก", "char")],
)
def test_the_script_of_the_references_chooses_the_tokenizer(
    scored: Scored, capsys: pytest.CaptureFixture[str], text: str, tokenizer: str
) -> None:
    write(hyp=[text] * 3 + ["x"], a=[text] * 4)
    found = scored("references=a", NO_SOURCES, "edges=[5]")
    assert f"|tok:{tokenizer}" in found["signatures"]["bleu"]
    assert found["overall"]["bleu"] > 50
    assert found["unit"] == "characters"
    assert f"tokenizer of BLEU: {tokenizer}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["tokenize=13a"], "tokenize=13a takes what stands between spaces .*tokenize=zh counts"),
        (["tokenize=none"], "tokenize=none takes"),
        (["tokenize=ko-mecab"], ""),
        (["tokenize=char"], ""),
        ([], ""),
    ],
)
def test_a_tokenizer_that_finds_no_words_warns(
    scored: Scored, caplog: pytest.LogCaptureFixture, options: list[str], said: str
) -> None:
    write(a=["我喜欢红色的猫和黑色的狗。"] * 4, hyp=["我喜欢黑色的猫和红色的狗。"] * 4)
    with caplog.at_level(logging.WARNING):
        scored("references=a", NO_SOURCES, *options)
    assert re.search(said, caplog.text)
    assert bool(said) == bool(caplog.text)


def test_one_token_a_line_warns_in_any_script(
    scored: Scored, caplog: pytest.LogCaptureFixture
) -> None:
    write(a=["onelongwordwithoutanyspace"] * 4, hyp=["onelongwordwithoutspaces"] * 4)
    scored("references=a", NO_SOURCES)
    assert "finds one token in most references" in caplog.text


def test_text_that_is_only_copied_warns(scored: Scored, caplog: pytest.LogCaptureFixture) -> None:
    write(hyp=[*SOURCES[:3], "12"], src=[*SOURCES[:3], "12"], a=FIRST)
    scored("references=a", "sources=src")
    assert "3 of 3 hypotheses equal the source on their line: untranslated" in caplog.text
    caplog.clear()
    scored("references=a", "sources=hyp")  # what the sources themselves score
    assert "untranslated" in caplog.text
    write(**FILES, copy=HYPOTHESES)
    caplog.clear()
    scored("references=copy", NO_SOURCES)
    assert "4 of 4 hypotheses equal the reference on their line: is it the right" in caplog.text
    caplog.clear()
    write(same=[*FIRST[:3], "anders"])
    scored("references=a", "sources=same")
    assert "3 of 4 sources equal the reference on their line" in caplog.text


def test_blank_lines_are_told(scored: Scored, caplog: pytest.LogCaptureFixture) -> None:
    write(hyp=[HYPOTHESES[0], "", *HYPOTHESES[2:]], src=["", *SOURCES[1:]], a=[*FIRST[:3], " "])
    scored("references=a", "sources=src")
    assert "1 of 4 hypotheses are blank, the first on line 2: they count as" in caplog.text
    assert "1 of 4 sources are blank, the first on line 1" in caplog.text
    assert "1 of 4 references are blank, the first on line 4" in caplog.text
    caplog.clear()
    write(b=FIRST)
    scored("references=[a,b]", NO_SOURCES)
    assert "references are blank" not in caplog.text
    write(nothing=[""] * 4)
    with pytest.raises(ValueError, match="nothing: every line is blank"):
        scored("references=nothing", NO_SOURCES)


def test_one_edge_needs_no_brackets(scored: Scored) -> None:
    assert scored("references=a", NO_SOURCES, "edges=3")["edges"] == [3]
    with pytest.raises(ValueError, match="each of edges must be"):
        scored("references=a", NO_SOURCES, "edges=ten")
