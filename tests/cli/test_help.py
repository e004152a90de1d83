import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from omegaconf import OmegaConf

from nmt.checks import dotted
from nmt.cli.config_files import ConfigFiles, meaning, shipped_configs
from nmt.commands import description
from tests.launching import Outcome

Command = Callable[..., Outcome]
COMMANDS = ["prepare", "train", "translate", "score", "align", "evaluate", "compare", "serve"]


def examples() -> Iterator[list[str]]:
    """The words of each command line in what --help says, without pipes and redirections."""
    for name in COMMANDS:
        text = re.sub(r"\\\n\s*", "", description(name))
        for line in re.findall(rf"(nmt-{name} (?:-m )?'?[\w./]+=[^|<>\n]*)", text):
            yield shlex.split(line.partition("   ")[0])  # a remark may stand to the right


def meanings(shown: str) -> dict[str, str]:
    """What --help says of each option."""
    options = shown.partition("\nChoices, ")[0]
    entries = re.findall(r"^  ([\w.]+)=(.*(?:\n {20,}.*)*)", options, re.MULTILINE)
    split = {option: re.split(r"\s*\n\s+|\s{2,}", text, maxsplit=1) for option, text in entries}
    return {option: parts[1] if len(parts) > 1 else "" for option, parts in split.items()}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_shows_its_options_and_examples(command: Command, name: str) -> None:
    shown = command(name, "--help").out
    assert shown.startswith(f"What nmt-{name} does.")
    assert f"nmt-{name} -sc install" in shown
    assert all(len(line) <= 100 for line in shown.splitlines() if "_target_" not in line)
    missing = [f"{option}=x" for option in re.findall(r"^  (\w+)=\?\?\?", shown, re.MULTILINE)]
    plain = command(name, *missing)
    assert plain.code == 0, plain.err
    options = OmegaConf.to_container(plain.configs[0])
    assert isinstance(options, dict)
    said = meanings(shown)
    assert {option for option, _ in dotted(options)} == set(said)
    assert [option for option in said if not said[option]] == []


def test_no_option_is_without_its_meaning() -> None:
    """In no config that can be chosen, whatever it takes from others."""
    files = ConfigFiles()
    outer = {group for name in COMMANDS for group in files.groups(name)} - {"experiment"}
    inner = {within for group in outer for within in files.subgroups(group)}
    for group in sorted(outer | inner):
        for choice in files.choices(group):
            path = shipped_configs() / group / f"{choice}.yaml"
            options = yaml.safe_load(path.read_text(encoding="utf-8"))
            options.pop("defaults", None)
            package = group.replace("/", ".")
            comments = files.comments(f"{group}/{choice}", package)
            for folder in files.subgroups(group):
                for other in files.choices(folder):
                    comments |= files.comments(f"{folder}/{other}", folder.replace("/", "."))
            for option, _ in dotted(options, f"{package}."):
                assert meaning(option, comments), f"{option} of {path} has no comment"


@pytest.mark.parametrize("words", list(examples()), ids=" ".join)
def test_the_examples_of_help_are_good_options(command: Command, words: list[str]) -> None:
    outcome = command(words[0].removeprefix("nmt-"), *words[1:])
    assert outcome.code == 0, outcome.err


def test_every_command_has_examples() -> None:
    assert {words[0] for words in examples()} == {f"nmt-{name}" for name in COMMANDS}


def test_help_follows_the_choices(command: Command) -> None:
    assert "model.num_heads=4" in command("train", "model=transformer", "--help").out
    shown = command("train", "model=lstm_bahdanau", "-h").out
    assert "width of the decoder" in shown
    assert "width of the layer that compares query and key" in shown
    assert "model/attention=bahdanau | fixed_context" in shown


def test_help_lists_choices_by_what_is_typed() -> None:
    files = ConfigFiles()
    assert files.choices("model")[2:5] == ["lstm_reversed", "transformer", "small/lstm"]
    assert files.subgroups("model") == ["model/attention"]
    assert "attention/small/bahdanau" not in files.choices("model")
    assert {"luong_dot", "small/bahdanau"} <= set(files.choices("model/attention"))
    assert files.parted("model/small/lstm") == ("model", "small/lstm")
    assert files.parted("model/attention/x") == ("model/attention", "x")
    assert files.parted("model/attention/small/x") == ("model/attention", "small/x")


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A directory of configs: a model that extends a shipped one, and an attention."""
    for name, text in {
        "model/mine.yaml": "# My model.\ndefaults: [lstm]\n_target_: mine.Model\nwings: 2  # of it",
        "model/attention/own.yaml": "_target_: mine.Attention\ncare: 3\n  # how much",
    }.items():
        (tmp_path / "own" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "own" / name).write_text(text)
    return tmp_path / "own"


def test_help_knows_the_users_own_configs(command: Command, own: Path) -> None:
    arguments = ["--config-dir", str(own), "model=mine", "model/attention=own"]
    shown = command("train", *arguments, "--help").out
    said = meanings(shown)
    assert said["model.wings"] == "of it"
    assert said["model._target_"] == "My model."
    assert said["model.hidden_size"].startswith("width of the decoder")
    assert said["model.attention.care"] == "how much"
    assert "| transformer | mine" in shown or "| mine | transformer" in shown
    assert "scaled_dot | own" in shown or "own | scaled_dot" in shown


def test_a_shared_config_is_no_choice_but_lends_its_comments(command: Command, own: Path) -> None:
    (own / "search").mkdir()
    (own / "search" / "_both.yaml").write_text("depth: 1  # of both\n")
    (own / "search" / "mine.yaml").write_text("defaults: [_both]\n_target_: mine.Search\n")
    shown = command("translate", "--config-dir", str(own), "search=mine", "--help").out
    assert meanings(shown)["search.depth"] == "of both"
    assert meanings(shown)["device"] == "auto | cpu | cuda | mps"
    assert "search=beam | greedy | mine | sample\n" in shown


def test_a_comment_may_go_on_below_its_option(own: Path) -> None:
    (own / "model" / "mine.yaml").write_text(
        "a:        # first,\n          # second\n  b: 1    # of b\n  c: '#x'\nd: 2\n# not of d\n"
    )
    assert ConfigFiles(str(own)).comments("model/mine", "model") == {
        "model._target_": "",
        "model.a": "first, second",
        "model.a.b": "of b",
    }


def test_a_config_in_the_place_of_a_shipped_one_is_refused(command: Command, own: Path) -> None:
    (own / "model" / "lstm.yaml").write_text("_target_: mine.Model\n")
    for arguments in ([], ["--help"]):
        outcome = command("train", "--config-dir", str(own), *arguments)
        assert outcome.code == 2
        assert f"{own}/model/lstm.yaml has the name of a config that ships" in outcome.err
