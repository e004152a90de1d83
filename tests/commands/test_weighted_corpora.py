"""Several corpora with weights, from the command line to a run."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from omegaconf import DictConfig, OmegaConf

from nmt.commands.train import train
from nmt.run_directory import RunDirectory
from tests.launching import Outcome

Compose = Callable[..., DictConfig]
Command = Callable[..., Outcome]

LISTED = (
    "data.train=[{src: a.src, tgt: a.tgt, weight: 2}, "
    '{format: tsv, train: b.tsv, columns: [en,fr], weight: 0.5, tag: "<web>"}]'
)
CORPORA: list[dict[str, Any]] = [
    {"src": "a.src", "tgt": "a.tgt", "weight": 2},
    {"format": "tsv", "train": "b.tsv", "columns": ["en", "fr"], "weight": 0.5, "tag": "<web>"},
]
LANGUAGES = ["data.src_lang=en", "data.tgt_lang=fr"]


@pytest.fixture
def options(composed: Compose, tmp_path: Path) -> list[str]:
    """Of a training that takes a moment, without the list."""
    del composed  # it makes tmp_path the working directory
    first = [f"a {word} b" for word in ("x", "y", "z", "x x", "y y", "z z", "x y", "y z")]
    second = [f"c {word} d" for word in ("x", "y", "z", "x x", "y y", "z z", "x y", "y z", "z y")]
    for side, lines in {"src": first, "tgt": [line.upper() for line in first]}.items():
        (tmp_path / f"a.{side}").write_text("".join(f"{line}\n" for line in lines))
    (tmp_path / "b.tsv").write_text("".join(f"{line}\t{line.upper()}\n" for line in second))
    sizes = ["model.embed_size=8", "model.hidden_size=8", "model.attention.attention_size=8"]
    short = ["trainer.max_steps=12", "trainer.validate_every=3", "trainer.batch_tokens=60"]
    data = ["data=corpora", *LANGUAGES, "data.valid=3", "tokenizer.vocab_size=290"]
    return [
        *data,
        *sizes,
        *short,
        "trainer.tensorboard=false",
        "trainer.log_every=1",
        "device=cpu",
        "run=run",
    ]


def test_a_run_keeps_its_corpora(
    composed: Compose, options: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    train(composed("train", *options, LISTED))
    run = RunDirectory.open("run")
    assert "corpus    text   read  drawn  kept  weight  pairs an epoch  tag" in caplog.text
    first, second = run.manifest()["cleaning"]["corpora"]
    assert (first["name"], first["weight"], first["an_epoch"]) == ("train[0]", 2, 2 * first["kept"])
    assert (second["tag"], second["an_epoch"]) == ("<web>", second["kept"] // 2)
    assert list(run.manifest()["corpora"]) == ["train", "train[0]", "train[1]", "valid"]
    here = Path.cwd()
    assert run.config()["data"]["train"] == [
        {"src": str(here / "a.src"), "tgt": str(here / "a.tgt"), "weight": 2},
        CORPORA[1] | {"train": str(here / "b.tsv")},
    ]


def test_resuming_refuses_another_mixture(composed: Compose, options: list[str]) -> None:
    train(composed("train", *options, LISTED))
    for old, new, message in (
        ("weight: 0.5", "weight: 0.25", r"data\.train\[1\]\.weight=0\.5, a resumed run cannot"),
        ("<web>", "<net>", r"other text than the data options name now \(data\.train\[1\].*\)"),
        ("{src: a.src, tgt: a.tgt, weight: 2}, ", "", r"other text than .*data\.train\[0\]"),
    ):
        with pytest.raises(ValueError, match=message):
            train(composed("train", *options, LISTED.replace(old, new), "resume=auto"))


def test_a_resumed_run_equals_one_that_did_not_stop(composed: Compose, options: list[str]) -> None:
    """Also where it stops within an epoch and goes on in other halves."""
    train(composed("train", *options, LISTED))
    for steps in (5, 7, 12):
        part = [f"trainer.max_steps={steps}", "trainer.validate_every=12", "run=parts"]
        train(composed("train", *options, LISTED, *part, "resume=auto"))
    whole = _training_losses("run")
    assert whole == _training_losses("parts")
    assert len(whole) == 12 and max(line["epoch"] for line in whole) > 1


def _training_losses(run: str) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in Path(run, "metrics.jsonl").read_text().splitlines()]
    return [row for row in rows if "loss" in row]


@pytest.mark.parametrize("config", ["files", "corpora", "tsv"])
def test_the_command_line_takes_a_list(command: Command, config: str) -> None:
    """Also where the config has a mapping."""
    cfg = command("prepare", f"data={config}", *LANGUAGES, "data.valid=3", LISTED).configs[0]
    assert OmegaConf.to_container(cfg.data.train) == CORPORA


def test_homes_are_expanded_in_a_list(command: Command) -> None:
    listed = "data.train=[{src: ~/a.en, tgt:~/a.fr},{format: hub, name: ~}]"
    cfg = command("prepare", "data=corpora", *LANGUAGES, "data.valid=3", listed).configs[0]
    home = str(Path.home())
    assert cfg.data.train[0] == {"src": f"{home}/a.en", "tgt": f"{home}/a.fr"}
    assert cfg.data.train[1].name == home


def test_a_tag_needs_no_quotes(command: Command) -> None:
    given = ["data=corpora", *LANGUAGES, "data.valid=3", LISTED.replace('"', "")]
    cfg = command("prepare", *given).configs[0]
    assert OmegaConf.to_container(cfg.data.train) == CORPORA


def test_a_sign_in_a_list_says_that_it_needs_quotes(command: Command) -> None:
    outcome = command("train", "data=corpora", "data.train=[{src: it's, tgt: b}]")
    assert outcome.code == 2
    assert (
        """text with ' : or another sign needs double quotes, such as src: "it's.en","""
        in outcome.err
    )
