"""What nmt-train makes of its options, within one process."""

import json
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from omegaconf import DictConfig

from nmt.commands.prepare import main as prepare
from nmt.commands.train import train
from nmt.data import corpus, stores
from nmt.data.ahead import EpochsAhead
from nmt.data.statistics import TextStatistics
from nmt.data.stores import IdsStore
from nmt.run_directory import RunDirectory
from nmt.tokenizer import Tokenizer

Compose = Callable[..., DictConfig]

LINES = {
    "train": ["a b c", "b c", "c a b", "a", "b b a", "c c", "a c b a", "b a c"],
    "valid": ["c b a", "b a"],
}


@pytest.fixture
def options(composed: Compose, tmp_path: Path) -> list[str]:
    """Of a training that takes a moment; the target is the source in capitals."""
    del composed  # it makes tmp_path the working directory
    options = ["data=files", "run=runs/x", "tokenizer.vocab_size=278", "device=cpu"]
    for part, lines in LINES.items():
        for side, text in {"src": lines, "tgt": [line.upper() for line in lines]}.items():
            (tmp_path / f"{part}.{side}").write_text("".join(f"{line}\n" for line in text))
            options.append(f"data.{part}.{side}={part}.{side}")
    sizes = ["model.embed_size=8", "model.hidden_size=8", "model.attention.attention_size=8"]
    short = ["trainer.max_steps=4", "trainer.validate_every=2", "trainer.tensorboard=false"]
    return [*options, *sizes, *short]


def steps(run: str = "runs/x") -> list[int]:
    return [json.loads(line)["step"] for line in Path(run, "metrics.jsonl").open()]


def test_a_directory_in_use_is_refused(composed: Compose, options: list[str]) -> None:
    train(composed("train", *options))
    before = Path("runs/x/manifest.json").read_bytes()
    with pytest.raises(FileExistsError, match=r"runs/x already holds a run.*resume=auto"):
        train(composed("train", *options))
    assert Path("runs/x/manifest.json").read_bytes() == before


def test_resuming_goes_on_to_a_later_end(
    composed: Compose, options: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    train(composed("train", *options))
    train(composed("train", *options, "trainer.max_steps=8", "resume=auto"))
    assert steps()[-1] == 8
    assert "trainer.max_steps was 4, from here on it is 8" in caplog.text


@pytest.mark.parametrize(
    "change", ["model.hidden_size=16", "tokenizer.sampling=0.2", "seed=2", "trainer.batch_tokens=9"]
)
def test_resuming_refuses_what_would_be_another_run(
    composed: Compose, options: list[str], change: str
) -> None:
    train(composed("train", *options))
    name = change.partition("=")[0]
    with pytest.raises(ValueError, match=rf"runs/x has {name}=.*cannot change it"):
        train(composed("train", *options, change, "resume=auto"))


def test_resuming_refuses_other_text(composed: Compose, options: list[str]) -> None:
    train(composed("train", *options))
    with open("train.src", "a") as src, open("train.tgt", "a") as tgt:
        src.write("c c c\n")
        tgt.write("C C C\n")
    with pytest.raises(ValueError, match="trained on other text"):
        train(composed("train", *options, "resume=auto"))


def test_text_may_move_between_two_parts_of_a_run(composed: Compose, options: list[str]) -> None:
    train(composed("train", *options))
    Path("elsewhere").mkdir()
    for path in (*Path().glob("*.src"), *Path().glob("*.tgt")):
        path.rename(Path("elsewhere", path.name))
    moved = [re.sub(r"=(\w+\.(src|tgt))$", r"=elsewhere/\1", option) for option in options]
    train(composed("train", *moved, "resume=auto", "trainer.max_steps=6"))
    assert steps()[-1] == 6
    assert "elsewhere" in str(RunDirectory.open("runs/x").config()["data"])


def test_must_resume_needs_a_run(composed: Compose, options: list[str]) -> None:
    with pytest.raises(FileNotFoundError, match="runs/x: there is no such run"):
        train(composed("train", *options, "resume=must"))


def test_a_mistake_leaves_no_directory(composed: Compose, options: list[str]) -> None:
    for mistake in ("data.train.src=none.txt", "model.hidden_size=-3", "tokenizer.vocab_size=9"):
        with pytest.raises((ValueError, OSError)):
            train(composed("train", *options, mistake))
        assert not Path("runs").exists()


def test_a_seed_decides_everything(composed: Compose, options: list[str]) -> None:
    options = [*options, "tokenizer.sampling=0.3"]
    metrics = {}
    for run, seed in {"a": 1, "b": 1, "c": 2}.items():
        train(composed("train", *options, f"run=runs/{run}", f"seed={seed}"))
        metrics[run] = Path(f"runs/{run}/metrics.jsonl").read_text()
    assert metrics["a"] == metrics["b"] != metrics["c"]


def manifest(run: str = "runs/x") -> dict[str, Any]:
    return RunDirectory.open(run).manifest()


def test_a_run_keeps_its_test_sets_and_its_longest_source(
    composed: Compose, options: list[str]
) -> None:
    tests = ["++data.tests.small.src=valid.src", "++data.tests.small.tgt=valid.tgt"]
    train(composed("train", *options, *tests))
    for name in ("valid.src", "valid.tgt", "train.src"):
        Path(name).unlink()
    run = RunDirectory.open("runs/x")
    assert run.test_sets() == ["small"]
    assert run.test_set("small") == (["c b a", "b a"], ["C B A", "B A"])
    tokens = Tokenizer.load("runs/x").encode_src(LINES["train"])
    assert manifest()["longest_source"] == max(map(len, tokens))
    known = TextStatistics.from_dict(manifest()["text"])
    assert known.lines == len(tokens)
    assert known.source_tokens.most == max(map(len, tokens))
    data = run.config()["data"]
    assert (data["src_lang"], data["tgt_lang"]) == ("source", "target")


def test_a_bad_name_of_a_test_set_is_told_before_anything_is_read(
    composed: Compose, options: list[str]
) -> None:
    Path("train.src").unlink()
    with pytest.raises(ValueError, match=r"data\.tests\._x: a test set's name"):
        train(composed("train", *options, "++data.tests={_x:5}"))


def test_what_is_prepared_is_not_read_again(
    composed: Compose,
    options: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = [*options, "data.cache=here", "data/augment=none"]
    shared = [option for option in options if option.startswith(("data", "tokenizer"))]
    prepare(composed("prepare", *shared))
    out = capsys.readouterr().out
    assert "8 training pairs read" in out and "vocabulary of 2" in out
    assert out.splitlines()[-1].endswith("in here")
    for module, name in ((corpus, "build_text"), (stores, "write_ids"), (Tokenizer, "train")):
        monkeypatch.setattr(module, name, None)  # would fail if they were called
    train(composed("train", *options))
    assert manifest()["serving"]


def test_pairs_are_segmented_anew_in_every_epoch(
    composed: Compose, options: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, list[int]]] = []
    encode = EpochsAhead.__call__

    def recorded(epochs: EpochsAhead, epoch: int) -> IdsStore:
        ids = encode(epochs, epoch)
        asked.append((epoch, [token for row in range(8) for token in ids[row][0].tolist()]))
        return ids

    monkeypatch.setattr(EpochsAhead, "__call__", recorded)
    train(composed("train", *options, "tokenizer.sampling=0.3", "data.cache=here", "seed=0"))
    read = dict(asked)
    assert list(read) == list(range(len(read))) and len(read) > 1
    assert read[0] != read[1]
    assert not list(Path("here").glob("tmp-*"))


def test_languages_swapped_train_the_other_direction(
    composed: Compose, options: list[str], tmp_path: Path
) -> None:
    rows = [f"{line}\t{line.upper()}\n" for line in LINES["train"]]
    Path("pairs.tsv").write_text("".join(["en\tfr\n", *rows]))
    options = [option for option in options if not option.startswith("data")]
    tsv = ["data=tsv", "data.train=pairs.tsv", "data.valid=2", "++data.tests.x=1"]
    found = []
    for src, tgt in (("en", "fr"), ("fr", "en")):
        langs = [f"data.src_lang={src}", f"data.tgt_lang={tgt}", f"run=runs/{src}"]
        train(composed("train", *options, *tsv, *langs))
        run = RunDirectory.open(f"runs/{src}")
        found.append((run.test_set("x"), run.config()["data"]["src_lang"]))
    (there, en), (back, fr) = found
    assert (en, fr) == ("en", "fr")
    assert there == back[::-1] and there[0] != there[1]


def test_a_sampled_tokenizer_is_trained_on_some_pairs_only(
    composed: Compose, options: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    learn = Tokenizer.train

    def recorded(pairs: Any, **options: Any) -> Tokenizer:
        sizes.append(len(list(pairs)))
        return learn(pairs, **options)

    monkeypatch.setattr(Tokenizer, "train", recorded)
    train(composed("train", *options, "data.cache=here", "tokenizer.max_pairs=6"))
    assert sizes == [6]


def test_cleaning_is_said_and_kept(
    composed: Compose, options: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with open("train.src", "a") as src, open("train.tgt", "a") as tgt:
        src.write("a b c\n\nb a\n")
        tgt.write("A B C\nC\nB A\n")
    train(composed("train", *options))
    assert "11 training pairs read" in caplog.text and "8 kept" in caplog.text
    dropped = json.loads(Path("runs/x/manifest.json").read_text())["cleaning"]["dropped"]
    assert {rule: n for rule, n in dropped.items() if n} == {
        "empty": 1,
        "duplicate": 1,
        "held_out": 1,
    }
