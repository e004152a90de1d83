"""The ways of adding to nmt that nmt/README.md describes, each gone once, from outside of nmt: an
architecture, an attention, a loss, a search, a source of text, a metric, a command."""

import csv
import json
import math
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nmt.cli.app import launch
from nmt.commands import compare, evaluate, prepare, train, translate
from nmt.data.sources.open_source import COLUMNS, FORMATS
from nmt.evaluation.metrics import METRICS
from scripts.word_by_word import write_tsv
from tests.console import SHORT, TSV
from tests.launching import Outcome, _logging_restored, command

__all__ = ["_logging_restored", "command"]

Command = Callable[..., Outcome]

OWN = Path(__file__).parent / "own_classes"
TRUSTED = "trusted_packages=[mine]"
CONFIGS = ("--config-dir", "configs")
ARCHITECTURE = "runs/tsv-bag_of_words-s1"
ATTENTION = "runs/tsv-lstm_distance-s1"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of the user's, where a model of the architecture and an LSTM with the attention
    were trained."""
    directory = tmp_path_factory.mktemp("place")
    write_tsv(directory / "pairs.tsv")
    shutil.copytree(OWN, directory, dirs_exist_ok=True)
    (directory / "in.txt").write_text("one cat\n\nred dog\n")
    models = ["-m", *CONFIGS, "model=bag_of_words,lstm_distance", "model.hidden_size=16"]
    loss = ["loss=scaled", "loss.scale=1000", "trainer.log_every=1"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(directory)
        patch.setattr(sys, "argv", ["nmt-train", *models, *loss, *TSV, *SHORT, TRUSTED])
        launch("train", "", train.main)
    return directory


@pytest.fixture
def place(trained: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The same, with commands run in it; modules imported from there are forgotten."""
    assert command
    monkeypatch.chdir(trained)
    yield trained
    for name in [name for name in sys.modules if name.partition(".")[0] == "mine"]:
        del sys.modules[name]


def translated(command: Command, *arguments: str) -> list[dict[str, object]]:
    """What nmt-translate says of the lines of in.txt."""
    options = ["input=in.txt", "output=out.jsonl", "format=jsonl", "device=cpu"]
    done = command("translate", *arguments, *options, work=translate.main)
    assert done.code == 0, done.err
    return [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("run", [ARCHITECTURE, ATTENTION])
def test_a_model_and_an_attention_translate_and_are_evaluated(
    place: Path, command: Command, run: str
) -> None:
    assert len(translated(command, f"run={run}", TRUSTED)) == 3
    options = ["test=small", "bootstrap.samples=10", "device=cpu", "overwrite=true"]
    done = command("evaluate", f"run={run}", TRUSTED, *options, work=evaluate.main)
    assert done.code == 0, done.err
    result = json.loads((place / run / "evaluation/small/evaluation.json").read_text())
    assert result["overall"]["n"] == 12


@pytest.mark.parametrize(
    ("run", "name"),
    [
        (ARCHITECTURE, "model._target_=mine.bag_of_words.BagOfWords"),
        (ATTENTION, "model.attention._target_=mine.distance_attention.DistanceAttention"),
    ],
)
def test_they_run_only_where_they_are_trusted(
    place: Path, command: Command, run: str, name: str
) -> None:
    done = command("translate", f"run={run}", "input=in.txt", work=translate.main)
    assert done.code == 2
    assert f"{name} is not in nmt" in done.err
    assert "trusted_packages" in done.err


def test_a_loss_is_what_training_lowers(place: Path) -> None:
    for run in (ARCHITECTURE, ATTENTION):
        first = json.loads((place / run / "metrics.jsonl").read_text().splitlines()[0])
        assert first["loss"] == pytest.approx(1000 * math.log(first["perplexity"]), rel=1e-4)


def test_a_search_is_chosen_and_told_its_options(place: Path, command: Command) -> None:
    chosen = [f"run={ATTENTION}", TRUSTED, *CONFIGS, "search=minimum_length"]
    first, blank, last = translated(command, *chosen, "search.min_length=6")
    assert blank["text"] == ""
    for line in (first, last):
        assert 6 < int(str(line["tokens"])) <= 2 * 16 + 10  # EOS counts


def test_a_source_of_text_is_one_class_and_one_entry(
    place: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.own_classes.mine.csv_files import open_csv

    with open(place / "pairs.tsv", encoding="utf-8") as rows:
        pairs = [line.rstrip("\n").split("\t") for line in rows]
    with open(place / "pairs.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows(pairs)
    monkeypatch.setitem(FORMATS, "quoted", (COLUMNS, open_csv))
    options = [*TSV, "data=quoted", "data.train=pairs.csv", "tokenizer.vocab_size=290"]
    done = command("prepare", *CONFIGS, *options, work=prepare.main)
    assert done.code == 0, done.err
    assert done.out.startswith("90 training pairs read\n")
    assert "0 dropped: not_text" in done.out


def test_a_metric_is_one_class_and_one_entry(
    place: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.own_classes.mine.exact_match import ExactMatch

    monkeypatch.setitem(METRICS, "exact_match", ExactMatch)
    references = ["one cat", "two dogs", "three birds in a tree", "four cats in a house"]
    for name, lines in {"ref": references, "hyp": [*references[:3], "four cats"]}.items():
        (place / name).write_text("".join(f"{line}\n" for line in lines))
    files = ["hypotheses=hyp", "references=ref", "side=reference", "output=scores"]
    options = ["edges=[3]", "metrics=[bleu,exact_match]", "bootstrap.samples=100"]
    done = command("evaluate", *files, *options, work=evaluate.main)
    assert done.code == 0, done.err
    short, long = json.loads((place / "scores/evaluation.json").read_text())["buckets"]
    assert (short["exact_match"], short["exact_match_ci"]) == (100, [100, 100])
    assert (long["exact_match"], long["exact_match_ci"]) == (50, [0, 100])
    assert " exact " in done.out and "50.0* [ 0.0, 100.0]" in done.out
    compared = command("compare", "runs=[scores]", "evaluation=x", work=compare.main)
    assert compared.code == 0, compared.err
    assert "exact: nrefs:1" in compared.out


def test_a_metric_of_the_users_scores_tests_and_divides(place: Path, command: Command) -> None:
    rows = [f"w{k} x{k} y{k % 7} the same words in every line" for k in range(60)]
    lines = {
        "src": [f"w{k} z" for k in range(60)],
        "ref": rows,
        "good": [row.replace("y", "v") if k % 3 else row for k, row in enumerate(rows)],
        "bad": [row.replace("x", "v") if k % 3 else row[1:] for k, row in enumerate(rows)],
    }
    for name, text in lines.items():
        (place / name).write_text("".join(f"{line}\n" for line in text))
    own = (*CONFIGS, "metric=word_overlap", "metric.longest=3", TRUSTED)
    for name in ("good", "bad"):
        files = [f"hypotheses={name}", "references=ref", "sources=src", f"output=own/{name}"]
        options = ["name=set", "metrics=[bleu]", "bootstrap.samples=100"]
        done = command("evaluate", *own, *files, *options, work=evaluate.main)
        assert done.code == 0, done.err
    result = json.loads((place / "own/good/evaluation.json").read_text())
    # Of xk and yk, as wk is in the source; a third of the lines has both, the others one.
    assert result["overall"]["overlap"] == pytest.approx(100 * (1 / 3 + 2 / 3 / 2))
    assert result["signatures"]["overlap"] == "longest:3"
    runs = "runs=[own/bad,own/good]"
    compared = command("compare", *own, runs, "evaluation=set", work=compare.main)
    assert compared.code == 0, compared.err
    assert "Difference in BLEU" in compared.out and "not tested" not in compared.out
    rows_of = [line.split() for line in compared.out.splitlines() if line.startswith("overlap ")]
    assert [row[0] for row in rows_of] == ["overlap"] * 2  # scores, tests
    without = command("compare", runs, "evaluation=set", work=compare.main)
    assert "overlap is not tested: say metric=" in without.out
    shown = command("compare", runs, "evaluation=set", "score=overlap", work=compare.main)
    assert shown.code == 0 and "overlap by source length" in shown.out, shown.err
    divided = command("compare", *own, runs, "evaluation=set", "score=overlap", work=compare.main)
    assert divided.code == 0, divided.err
    assert "Difference in overlap" in divided.out
    assert (place / "own/comparison-set/overlap_by_length.png").is_file()
    refused = command(
        "compare", *CONFIGS, "metric=word_overlap", runs, "evaluation=set", work=compare.main
    )
    assert refused.code == 2 and "trusted_packages" in refused.err


def test_a_command_lists_helps_and_checks_its_options(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.own_classes.mine.list_test_sets import launch_list_test_sets

    def said(*arguments: str) -> tuple[str, str]:
        monkeypatch.setattr(sys, "argv", ["list_test_sets", *arguments])
        monkeypatch.setenv("HYDRA_FULL_ERROR", "0")
        launch_list_test_sets()
        return capsys.readouterr()

    out, err = said(f"run={ATTENTION}")
    assert (out.split()[:2], err) == (["small", "12"], "")
    out, _ = said("--help")
    assert "run=???" in out
    assert "run directory" in out
    with pytest.raises(SystemExit):
        said("rum=x")
    assert "did you mean run?" in capsys.readouterr().err
