"""Odd text on its whole way through training, evaluating and comparing: nothing of it is lost."""

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import hydra
import pytest
from omegaconf import DictConfig

from nmt.cli.config_files import shipped_configs
from nmt.commands.compare import main as compare
from nmt.commands.evaluate import main as evaluate
from nmt.commands.prepare import main as prepare
from nmt.commands.train import train
from nmt.run_directory import RunDirectory
from scripts.word_by_word import WORDS
from tests.console import SHORT

ODD = [
    "a\x00b NUL",
    "\x01\x02\x1b[31m controls\x7f\x85",
    "emoji \U0001f600 \U0001f468\u200d\U0001f469\u200d\U0001f467",
    "line\u2028and paragraph\u2029separators",
    "\ufeffbyte order marks\ufeff",
    "a lone\rcarriage return",
    "ends </s> <pad> <s> <unk> \u2581\u2581x <0x41>",
    "\u05e9\u05dc\u05d5\u05dd \u202ea right to left",
    "e\u0301 a\u0308 \u0915\u094d\u0937 combining",
    "!" * 400,
    "\x0b\x0c 'single' \"double [x] {y}",
]
BLANK = ["", " \u00a0 "]
LONG = "word " * 10_000

Compose = Callable[..., DictConfig]


def write(directory: Path, part: str, pairs: list[tuple[str, str]], end: str = "\n") -> None:
    for side, lines in zip(("src", "tgt"), zip(*pairs, strict=True), strict=True):
        text = "".join(f"{line}{end}" for line in lines)
        (directory / f"{part}.{side}").write_bytes(text.encode())


def pairs_with(mark: str) -> list[tuple[str, str]]:
    """Every odd line, told apart from the same one in other parts."""
    return [(f"{line} {mark}", f"{mark} {line}") for line in ODD]


TRAIN = [
    *[(f"one {word} {n}", f"un {other} {n}") for n in range(6) for word, other in WORDS.items()],
    *pairs_with("train"),
    *[(blank, "no source") for blank in BLANK],
    *[("no target", blank) for blank in BLANK],
    (LONG, LONG),
    ("one cat 0", "un chat 0"),
]
VALID = [*pairs_with("valid"), *[(blank, blank) for blank in BLANK]]
TEST = [*pairs_with("test"), *[(blank, "text") for blank in BLANK], ("no target", ""), (LONG, "x")]
DATA = [
    "data=files",
    "data.src_lang=en",
    "data.tgt_lang=fr",
    *[
        f"data.{part}.{side}={part}.{side}"
        for part in ("train", "valid")
        for side in ("src", "tgt")
    ],
    *[f"+data.tests.odd.{side}=test.{side}" for side in ("src", "tgt")],
    "tokenizer.vocab_size=360",
]
TINY = ["model=lstm", "model.embed_size=16", "model.hidden_size=16"]
QUICK = ["device=cpu", "search=greedy", "search.max_length=0.001", "bootstrap.samples=20"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("odd")
    write(directory, "train", TRAIN)
    write(directory, "valid", VALID, end="\r\n")
    write(directory, "test", TEST)
    return directory


@pytest.fixture(scope="module")
def compose(place: Path) -> Iterator[Compose]:
    """Composes a command's config; ``place`` is the working directory."""
    with (
        pytest.MonkeyPatch.context() as patch,
        hydra.initialize_config_dir(str(shipped_configs()), version_base="1.3"),
    ):
        patch.chdir(place)
        yield lambda name, *overrides: hydra.compose(name, list(overrides))


@pytest.fixture(scope="module")
def run(compose: Compose, place: Path) -> RunDirectory:
    """Trained on the odd lines for a few steps."""
    options = [option for option in SHORT if not option.startswith("tokenizer.")]
    train(compose("train", *DATA, *TINY, *options, "run=run"))
    return RunDirectory.open(place / "run")


def test_every_training_line_is_kept_or_counted(run: RunDirectory) -> None:
    cleaning = run.manifest()["cleaning"]
    assert cleaning["total"] == len(TRAIN)
    dropped = {rule: count for rule, count in cleaning["dropped"].items() if count}
    assert dropped == {"empty": 4, "too_long": 1, "duplicate": 1}
    assert cleaning["kept"] == len(TRAIN) - 6


def test_validation_and_test_lines_stay_as_they_are(run: RunDirectory) -> None:
    assert run.test_set("odd") == tuple(map(list, zip(*TEST, strict=True)))
    with open(run.path.parent / "test.src", "rb") as file:
        assert file.read() == (run.path / "tests/odd.src").read_bytes()
    metrics = (run.path / "metrics.jsonl").read_text().splitlines()
    assert any("valid_bleu" in json.loads(line) for line in metrics)


@pytest.fixture(scope="module")
def evaluated(compose: Compose, run: RunDirectory) -> RunDirectory:
    evaluate(compose("evaluate", "run=run", "test=odd", *QUICK))
    return run


def test_every_test_line_is_translated_and_scored(evaluated: RunDirectory) -> None:
    directory = evaluated.path / "evaluation/odd"
    hypotheses = (directory / "hypotheses.txt").read_bytes().decode().split("\n")
    assert len(hypotheses) == len(TEST) + 1 and hypotheses[-1] == ""
    blank = [place for place, (src, _) in enumerate(TEST) if not src.strip()]
    assert [hypotheses[place] for place in blank] == ["", ""]
    result = json.loads((directory / "evaluation.json").read_text())
    assert result["overall"]["n"] == sum(row["n"] for row in result["buckets"]) == len(TEST)
    assert result["buckets"][-1]["n"] == 1  # of 10,000 words


def test_the_hypotheses_are_as_good_as_any_systems(
    compose: Compose, evaluated: RunDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are scored again from the file, and compared, with the scores that they had."""
    files = ["references=test.tgt", "sources=test.src", "name=odd", "bootstrap.samples=20"]
    given = "hypotheses=run/evaluation/odd/hypotheses.txt"
    evaluate(compose("evaluate", given, *files, "output=scores"))
    capsys.readouterr()
    compare(compose("compare", "runs=[run,scores]", "evaluation=odd", "output=compared"))
    rows = [row.split() for row in capsys.readouterr().out.splitlines() if row[:4] == "all "]
    row, tested, _ = rows
    assert row[1] == str(len(TEST))
    assert row[2 : 2 + len(row[2:]) // 2] == row[2 + len(row[2:]) // 2 :]
    assert (tested[2], tested[-2:]) == ("+0.0", ["1.000", "50%"])
    assert "odd" in Path("compared/comparison.md").read_text(encoding="utf-8")


def test_files_with_other_endings_are_the_same_test_set(
    compose: Compose, evaluated: RunDirectory, caplog: pytest.LogCaptureFixture
) -> None:
    """A byte order mark and CRLF are not text; so the result is one of the same sentences. What
    takes very long to translate whole is said before."""
    for side in ("src", "tgt"):
        text = Path(f"test.{side}").read_bytes().replace(b"\n", b"\r\n")
        Path(f"windows.{side}").write_bytes(b"\xef\xbb\xbf" + text)
    given = ["source=windows.src", "reference=windows.tgt", "name=windows"]
    with caplog.at_level(logging.WARNING):
        evaluate(compose("evaluate", "run=run", *given, *QUICK))
    most = evaluated.manifest()["longest_source"]
    said = f"sources are longer than any the model was trained on ({most} tokens), the longest has"
    assert said in caplog.text
    found = [
        json.loads((evaluated.path / f"evaluation/{name}/evaluation.json").read_text())
        for name in ("odd", "windows")
    ]
    assert found[0]["overall"] == found[1]["overall"]
    hashes = [{k: v for k, v in one["test_set"].items() if k != "name"} for one in found]
    assert hashes[0] == hashes[1]


def test_a_file_of_lone_carriage_returns_is_one_line(compose: Compose, place: Path) -> None:
    """Its two sides would be out of step otherwise; so the other file is told to have more."""
    (place / "mac.src").write_bytes(b"one\rtwo\rthree\r")
    given = ["data.train.src=mac.src", "data.cache=kept"]
    with pytest.raises(ValueError, match=f"mac.src has 1 lines, but train.tgt has {len(TRAIN)}"):
        prepare(compose("prepare", *DATA, *given))
    files = ["hypotheses=mac.src", "references=test.tgt", "sources=test.src", "output=mac"]
    with pytest.raises(ValueError, match=f"mac.src has 1 lines, but test.tgt has {len(TEST)}"):
        evaluate(compose("evaluate", *files))
    assert not (place / "mac").exists()
