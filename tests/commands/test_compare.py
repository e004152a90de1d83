"""What nmt-compare finds, scores and refuses."""

import json
import shutil
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import pytest
from omegaconf import DictConfig

from nmt.commands.compare import compare, expanded, main
from nmt.commands.evaluate import main as evaluate
from nmt.run_directory import RunDirectory
from tests.evaluation.corpora import corpus

Compose = Callable[..., DictConfig]
FROZEN = Path(__file__).parents[1] / "frozen_run" / "format_1"

HYPOTHESES, REFERENCES = corpus(seed=3, n=40)
SOURCES = [f"line {k}" for k in range(40)]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, composed: Compose) -> Path:
    """Two runs with a test set, evaluated without translating anything; translations of others."""
    monkeypatch.chdir(tmp_path)
    for name, lines in {"src": SOURCES, "ref": REFERENCES, "hyp": HYPOTHESES}.items():
        Path(name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    Path("labels").write_text("news\nbook\n" * 20)
    for seed in (1, 2):
        run = RunDirectory.create(Path(f"runs/toy-s{seed}"))
        config: dict[str, Any] = {
            "data": {"src_lang": "en", "train": f"/home/me/{seed}.txt", "max_words": 9},
            "model": {"layers": 1},
            "seed": seed,
        }
        run.write_config(config)
        run.write_test_set("news", SOURCES, REFERENCES)
        run.commit()
    first, second = (Path(f"runs/toy-s{seed}/evaluation/news") for seed in (1, 2))
    scored(composed, str(first))
    shutil.copytree(first, second)
    return tmp_path


def scored(composed: Compose, output: str, *options: str) -> None:
    files = ["hypotheses=hyp", "references=ref", "sources=src", f"output={output}", "name=news"]
    few = ["bootstrap.samples=20", "metrics=[bleu,chrf]"]
    evaluate(composed("evaluate", *files, *few, *options))


def compared(composed: Compose, *options: str) -> list[Any]:
    return [*compare(composed("compare", "evaluation=news", *options))[0].runs]


def test_a_pattern_finds_runs_and_their_seeds_are_one_system(composed: Compose) -> None:
    Path("runs/notes.txt").write_text("no run\n")
    Path("runs/comparison-news").mkdir()
    (system,) = compared(composed, "runs=runs/*")
    assert (system.label, system.seeds) == ("toy", (1, 2))
    assert system.options == {
        "data.src_lang": "en",
        "data.max_words": 9,
        "model.layers": 1,
        "seed": 1,
    }


def test_patterns_are_expanded(place: Path) -> None:
    for name in ("b.txt", "a.txt", "[x].txt"):
        (place / name).write_text("x\n")
    assert expanded(["runs/toy-s?", "runs/toy-s1"]) == [Path("runs/toy-s1"), Path("runs/toy-s2")]
    assert expanded(["?.txt"]) == [Path("a.txt"), Path("b.txt")]
    assert expanded(["[x].txt"]) == [Path("[x].txt")]  # the name of a file before a pattern
    assert expanded(["not/there"]) == [Path("not/there")]
    with pytest.raises(ValueError, match=r"runs=runs/z\* matches no run, no result and no file"):
        expanded(["runs/z*"])


def test_figures_without_a_config_are_known_as_seeds_too(composed: Compose) -> None:
    for seed in (1, 2):
        values = json.loads(Path(f"runs/toy-s{seed}/evaluation/news/evaluation.json").read_text())
        values["trained"] = {"model.layers": 1, "seed": seed}
        kept = Path(f"kept/toy-s{seed}/evaluation/news")
        shutil.copytree(f"runs/toy-s{seed}/evaluation/news", kept)
        (kept / "evaluation.json").write_text(json.dumps(values))
        shutil.copy(f"runs/toy-s{seed}/manifest.json", kept.parents[1])
        (kept / "hypotheses.txt").unlink()
    (system,) = compared(composed, "runs=kept/*", "only.sentences=1")
    assert system.seeds == (1, 2) and system.evaluation.overall.n == 40


def test_translations_of_others_are_scored_as_the_first_run_was(composed: Compose) -> None:
    Path("theirs.txt").write_text(Path("ref").read_text(encoding="utf-8"), encoding="utf-8")
    shutil.rmtree("runs/toy-s2")
    run, theirs = compared(composed, "runs=[runs/toy-s1,theirs.txt]", "by=label", "labels=labels")
    assert (run.label, theirs.label) == ("toy-s1", "theirs.txt")
    assert theirs.evaluation.overall.score("chrf").value == pytest.approx(100)
    assert [row.label for row in theirs.evaluation.buckets] == ["book", "news"]
    scored(composed, "out", "side=reference", "lowercase=true", "tokenize=char")
    given = ["runs=[out,hyp]", "references=ref", "score=chrf"]
    ours, same = compared(composed, *given)
    assert ours.evaluation.overall.scores == same.evaluation.overall.scores
    assert same.evaluation.side == "reference"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["runs=[]"], "names nothing to compare"),
        (["runs=[hyp]"], "names no run and no output of nmt-evaluate"),
        (["runs=[runs/toy-s1,runs/toy-s3]"], "runs/toy-s3: there is no such run, result or file"),
        (["runs=[runs/toy-s1,empty]"], "empty is empty"),
        (["runs=[runs/toy-s1,short]"], "short has 3 lines, but the test set has 40"),
        (["runs=[out,hyp]"], "keeps the text of news: say references=FILE"),
        (["runs=[out,hyp]", "references=hyp"], "are not those of the evaluation news"),
        (["runs=[out]", "references=ref"], "go with text files in runs="),
        (["runs=[runs/toy-s1]", "by=label", "labels=short"], "short has 3 lines for 40"),
        (["runs=[runs/toy-s1,other]"], "other cannot be compared .*signatures.bleu"),
        (["runs=[runs/toy-s1]", "evaluation=web"], r"it has: news\): nmt-evaluate run=runs/toy-s1"),
    ],
)
def test_what_cannot_be_compared_is_said(composed: Compose, options: list[str], said: str) -> None:
    Path("empty").write_text("")
    Path("short").write_text("a\nb\nc\n")
    shutil.copytree("runs/toy-s1/evaluation/news", "out")
    if "other" in options[0]:
        scored(composed, "other", "tokenize=none")
    with pytest.raises((ValueError, OSError), match=said):
        compared(composed, *options)


def test_two_results_of_a_run_are_compared_where_their_text_may_differ(composed: Compose) -> None:
    for seed in (1, 2):
        kept = Path(f"runs/toy-s{seed}/evaluation")
        shutil.copytree(kept / "news", kept / "split")
        for name, sentences in (("news", "line"), ("split", "split")):
            values = json.loads((kept / name / "evaluation.json").read_text())
            values["text"] = {"sentences": sentences}
            (kept / name / "evaluation.json").write_text(json.dumps(values))
    given = "runs=[runs/*/evaluation/news,runs/*/evaluation/split]"
    with pytest.raises(ValueError, match=r"toy-s1-split cannot be .*text.sentences is split"):
        compared(composed, given)
    line, split = compared(composed, given, "any_text=true")
    assert (line.label, line.seeds, split.label, split.seeds) == ("news", (1, 2), "split", (1, 2))


def test_a_damaged_table_is_named(composed: Compose) -> None:
    path = Path("runs/toy-s1/evaluation/news/sentences.parquet")
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ValueError, match=r"sentences\.parquet is damaged"):
        compared(composed, "runs=runs/*")


def test_a_report_shows_sentences_and_attention_of_the_runs_that_keep_them(
    composed: Compose, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(FROZEN, "frozen")
    quick = ["search=greedy", "device=cpu", "bootstrap.samples=5", "metrics=[bleu,chrf]"]
    evaluate(composed("evaluate", "run=frozen", "test=small", *quick))
    sources, references = RunDirectory.open("frozen").test_set("small")
    Path("theirs.txt").write_text("".join(f"{line}\n" for line in references))
    given = ["runs=[frozen,theirs.txt]", "evaluation=small"]
    main(composed("compare", *given, "report=out"))
    html = Path("out/report.html").read_text(encoding="utf-8")
    assert "Where they differ most" in html and "What attention looks at" in html
    assert any(escape(line) in html for line in sources)
    main(composed("compare", *given, "report=plain", "report_sentences=false"))
    plain = Path("plain/report.html").read_text(encoding="utf-8")
    assert "Where they differ most" not in plain and 'class="heat"' not in plain
    assert not any(escape(line) in plain for line in sources if len(line) > 20)
    capsys.readouterr()
    with pytest.raises(FileExistsError, match=r"out/report\.html exists"):
        main(composed("compare", *given, "report=out"))
    assert capsys.readouterr().out == ""


def test_a_report_of_figures_alone_has_no_text(composed: Compose) -> None:
    Path("figures").mkdir()
    for name in ("evaluation.json", "sentences.parquet"):
        shutil.copy(f"runs/toy-s1/evaluation/news/{name}", f"figures/{name}")
    main(composed("compare", "runs=figures", "evaluation=news", "report=out"))
    assert "BLEU by bucket" in Path("out/report.html").read_text(encoding="utf-8")


def test_results_need_no_name_and_runs_do(composed: Compose) -> None:
    results = "runs=[runs/toy-s1/evaluation/news,runs/toy-s2/evaluation/news]"
    named = compare(composed("compare", results))
    assert named[1] == Path("runs/toy-s1/evaluation/comparison-news")
    assert named[2] == "news"
    with pytest.raises(ValueError, match=r"evaluation= must name .*toy-s1 holds"):
        compare(composed("compare", "runs=runs/*"))


def test_a_view_has_a_directory_of_its_own(composed: Compose) -> None:
    options = ["runs=runs/*", "evaluation=news", "labels=labels", "edges=[5,9]"]
    chosen = ["only.label=[news]", "only.sentences=1"]
    for given, name in (([], "edges_5_9"), (chosen, "edges_5_9-sentences_1-label_news")):
        output = compare(composed("compare", *options, *given))[1]
        assert output == Path(f"runs/comparison-news-{name}")
    assert compare(composed("compare", *options, "output=x"))[1] == Path("x")
