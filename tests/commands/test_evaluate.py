import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from omegaconf import DictConfig

from nmt.commands.compare import main as compare
from nmt.commands.evaluate import main as evaluate
from nmt.run_directory import RunDirectory
from nmt.tokenizer import load_tokenizer
from tests.bf16 import needs_bf16
from tests.runs import untrained_run

Compose = Callable[..., DictConfig]
SOURCES = ["a b c d e", "a b", "a b c", "a"]
REFERENCES = ["v w x y z", "v w", "v w x", "v"]


FILES = {"src": SOURCES, "ref": REFERENCES, "hyp": REFERENCES[::-1], "good": REFERENCES}


def write(**files: list[str]) -> None:
    for name, lines in files.items():
        Path(name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(**FILES)


def result(directory: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(directory, "evaluation.json").read_text())
    return found


def scored(hypotheses: str, output: str) -> list[str]:
    return [
        f"hypotheses={hypotheses}",
        "references=ref",
        "sources=src",
        f"output={output}",
        "edges=[3,5]",
        "bootstrap.samples=10",
    ]


def test_any_systems_translations_are_scored(
    composed: Compose, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluate(composed("evaluate", *scored("good", "out/perfect"), "name=set"))
    assert "BLEU by source length in words on set (4 sentences)" in capsys.readouterr().out
    found = result("out/perfect")
    assert (found["overall"]["bleu"], found["overall"]["ter"]) == (pytest.approx(100), 0)
    assert [row["n"] for row in found["buckets"]] == [2, 1, 1]
    assert found["system"] == "good"
    assert found["test_set"]["name"] == "set"
    assert (found["search"], found["text"]) == ({}, {})
    assert found["seconds"] is None
    written = (tmp_path / "out/perfect/hypotheses.txt").read_text()
    assert written == (tmp_path / "ref").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "here is none of them"),
        (["run=x"], "here is run="),
        (["test=y"], "here is test="),
        (["run=x", "test=y", "source=src"], "here is run=, source=, test="),
        (["run=x", "source=src"], "here is run=, source="),
        (["hypotheses=hyp", "references=ref", "sources=src"], "output=, and .* is hypotheses="),
        (["hypotheses=hyp", "references=ref", "output=o"], "sources=FILE, or side=reference"),
        (["run=x", "hypotheses=hyp", "references=ref", "sources=src", "output=o"], "here is"),
        ([*scored("hyp", "out"), "side=left"], "side must be one of source, reference"),
        ([*scored("hyp", "out"), "edges=[5,3]"], "edges must rise"),
        ([*scored("hyp", "out"), "tokenize=nothing"], "nothing"),
        ([*scored("hyp", "out"), "metrics=[bleu,meteor]"], "metrics must be one of bleu, chrf"),
        ([*scored("hyp", "out"), "metrics=ter"], "metrics must name bleu"),
        ([*scored("ref", "out")], "hypotheses=ref and references=ref are the same file"),
        (
            ["hypotheses=hyp", "references=[ref,ref]", "sources=src", "output=out"],
            "references=ref and references=ref are the same file",
        ),
        (["hypotheses=[hyp,good]", *scored("hyp", "out")[1:]], "hypotheses=FILE"),
        ([*scored("hyp", "out"), "references=[]"], "references=[] names no file"),
        ([*scored("hyp", "out"), "references_format=csv"], "must be one of text, tsv"),
        ([*scored("hyp", "out"), "bootstrap.level=2"], "bootstrap.level"),
        ([*scored("hyp", "out"), "unit=subwords"], "subwords"),
    ],
)
def test_what_cannot_be_scored_is_said_and_nothing_is_written(
    composed: Compose, tmp_path: Path, arguments: list[str], message: str
) -> None:
    with pytest.raises(ValueError, match=message.replace("[", r"\[")):
        evaluate(composed("evaluate", *arguments))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES)


def test_a_missing_line_is_said(composed: Compose, tmp_path: Path) -> None:
    (tmp_path / "hyp").write_text("v\n")
    with pytest.raises(ValueError, match=r"hyp has 1 lines, but \S+ has 4"):
        evaluate(composed("evaluate", *scored("hyp", "out")))


def test_a_result_made_in_another_way_stays(composed: Compose, tmp_path: Path) -> None:
    evaluate(composed("evaluate", *scored("good", "out")))
    before = (tmp_path / "out/evaluation.json").read_text()
    with pytest.raises(ValueError, match=r"lower|lc.*overwrite=true"):
        evaluate(composed("evaluate", *scored("good", "out"), "lowercase=true"))
    assert (tmp_path / "out/evaluation.json").read_text() == before
    evaluate(composed("evaluate", *scored("good", "out"), "lowercase=true", "overwrite=true"))
    assert (tmp_path / "out/evaluation.json").read_text() != before


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    """A run that translates from English, badly, beside the test set news."""
    made = RunDirectory(untrained_run(tmp_path / "run"))
    made.write_test_set("news", SOURCES, REFERENCES)
    made.commit()
    return made


def speak(run: RunDirectory, src_lang: str, tgt_lang: str) -> None:
    run.write_config(run.config() | {"data": {"src_lang": src_lang, "tgt_lang": tgt_lang}})
    run.commit()


QUICK = ["bootstrap.samples=10", "search=greedy", "device=cpu"]


def test_a_run_knows_its_test_sets(
    composed: Compose, run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in FILES:
        (tmp_path / name).unlink()  # what the run keeps needs no file beside it
    evaluate(composed("evaluate", "run=run", "test=news", *QUICK))
    found = result("run/evaluation/news")
    assert (found["system"], found["test_set"]["n"]) == ("run", 4)
    assert (found["unit"], "tok:13a" in found["signatures"]["bleu"]) == ("words", True)
    assert (run.path / "evaluation/news/hypotheses.txt").read_text().count("\n") == 4
    with pytest.raises(ValueError, match=r"beside the test sets news, not old; .*source="):
        evaluate(composed("evaluate", "run=run", "test=old"))
    with pytest.raises(ValueError, match="name must be a plain name"):
        evaluate(composed("evaluate", "run=run", "test=news", "name=../news"))
    run.commit(serving=None)
    write(**FILES)
    for arguments in (["test=news", "name=other"], ["source=hyp", "reference=ref"]):
        with pytest.raises(ValueError, match="no trained model yet"):
            evaluate(composed("evaluate", "run=run", *arguments))
    assert [path.name for path in (run.path / "evaluation").iterdir()] == ["news"]


@pytest.mark.parametrize("rough", [pytest.param("bf16", marks=needs_bf16), "int8"])
def test_rounding_is_said(composed: Compose, run: RunDirectory, rough: str) -> None:
    def search(name: str) -> dict[str, object]:
        result = json.loads((run.path / f"evaluation/{name}/evaluation.json").read_text())
        found: dict[str, object] = result["search"]
        return found

    evaluate(composed("evaluate", "run=run", "test=news", *QUICK))
    options = ["run=run", "test=news", f"precision={rough}", *QUICK]
    with pytest.raises(ValueError, match=rf"search.precision is fp32 there and {rough} here"):
        evaluate(composed("evaluate", *options))
    evaluate(composed("evaluate", *options, "name=rough"))
    assert search("rough") == search("news") | {"precision": rough}
    assert search("news")["precision"] == "fp32"
    with pytest.raises(ValueError, match="precision=auto depends on the processor"):
        evaluate(composed("evaluate", "run=run", "test=news", "precision=auto", *QUICK))


@pytest.mark.parametrize(
    ("languages", "given", "tokenizer", "unit"),
    [
        (("en", "zh"), [], "zh", "words"),
        (("zh", "en"), [], "13a", "characters"),
        (("zh", "en"), ["side=reference"], "13a", "words"),
        (("en", "ja"), ["side=reference"], "ja-mecab", "characters"),
        (("en", "ko_KR"), [], "ko-mecab", "words"),
        (("en", "ja"), ["tokenize=char", "unit=subwords"], "char", "subwords"),
        (("source", "target"), [], "13a", "words"),
    ],
)
def test_the_languages_of_a_run_decide_how_it_is_scored(
    composed: Compose,
    run: RunDirectory,
    languages: tuple[str, str],
    given: list[str],
    tokenizer: str,
    unit: str,
) -> None:
    speak(run, *languages)
    evaluate(composed("evaluate", "run=run", "test=news", "output=out", *QUICK, *given))
    assert f"tok:{tokenizer}" in result("out")["signatures"]["bleu"]
    assert result("out")["unit"] == unit


def test_a_dictionary_that_is_not_installed_is_told_before_translating(
    composed: Compose, run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    speak(run, "en", "ja")
    monkeypatch.setattr("sacrebleu.tokenizers.tokenizer_ja_mecab.MeCab", None)
    monkeypatch.setattr("nmt.commands.translate.load_translator", None)
    message = r"tokenize=ja-mecab .* pip install sacrebleu\[ja\]; tokenize=char does without"
    with pytest.raises(ValueError, match=message):
        evaluate(composed("evaluate", "run=run", "test=news"))


def test_a_long_source_is_translated_whole(
    composed: Compose, run: RunDirectory, caplog: pytest.LogCaptureFixture
) -> None:
    run.commit(longest_source=3)
    evaluate(composed("evaluate", "run=run", "test=news", *QUICK))
    assert "parts" not in caplog.text


def test_what_is_done_with_the_text_is_recorded_and_compared(
    composed: Compose, run: RunDirectory
) -> None:
    for name, options in (("plain", []), ("cut", ["sentences=auto", "protect.enabled=true"])):
        evaluate(composed("evaluate", "run=run", "test=news", f"name={name}", *QUICK, *options))
    normalization = load_tokenizer(run).normalization.described
    assert result("run/evaluation/plain")["text"] == {
        "sentences": "line",
        "retry": False,
        "copy_letterless": False,
        "protect.enabled": False,
        "normalization": normalization,
    }
    cut = result("run/evaluation/cut")["text"]
    assert (cut["sentences"], cut["retry"], cut["protect.enabled"]) == ("auto", True, True)
    runs = "runs=[run/evaluation/plain,run/evaluation/cut]"
    message = "text.sentences is auto .* text.protect.enabled is True there and False here"
    with pytest.raises(ValueError, match=message):
        compare(composed("compare", runs, "evaluation=news", "output=out"))
    again = ["run=run", "test=news", "name=plain", "sentences=auto"]
    with pytest.raises(ValueError, match=r"text\.sentences is line there and auto here"):
        evaluate(composed("evaluate", *again, *QUICK))


def test_several_runs_translate_as_one(composed: Compose, run: RunDirectory) -> None:
    untrained_run(Path("other"), seed=2)
    both = ["run=[run,other]", "test=news", *QUICK]
    with pytest.raises(ValueError, match="needs output=DIR"):
        evaluate(composed("evaluate", *both))
    evaluate(composed("evaluate", *both, "output=out"))
    assert json.loads(Path("out/evaluation.json").read_text())["system"] == "run+other"
    with pytest.raises(ValueError, match="names no run"):
        evaluate(composed("evaluate", "run=[]", "test=news"))


def test_systems_are_compared(
    composed: Compose, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("good", "hyp"):
        evaluate(composed("evaluate", *scored(name, f"out/{name}"), "name=set"))
    capsys.readouterr()
    compare(composed("compare", "runs=[out/good,out/hyp]", "evaluation=set"))
    table = capsys.readouterr().out
    assert table.index("good") < table.index("hyp")
    assert sorted(path.name for path in (tmp_path / "out/comparison-set").iterdir()) == [
        "bleu_by_length.png",
        "bleu_by_length.svg",
        "comparison.md",
    ]
    evaluate(composed("evaluate", *scored("hyp", "out/other"), "name=set", "tokenize=none"))
    with pytest.raises(ValueError, match="cannot be compared"):
        compare(composed("compare", "runs=[out/good,out/other]", "evaluation=set", "output=o"))
    assert not (tmp_path / "o").exists()


def test_nothing_to_compare_is_said(composed: Compose) -> None:
    with pytest.raises(ValueError, match="names nothing to compare"):
        compare(composed("compare", "runs=[]", "evaluation=set"))
    with pytest.raises(FileNotFoundError, match="nowhere: there is no such run"):
        compare(composed("compare", "runs=[nowhere]", "evaluation=set"))
