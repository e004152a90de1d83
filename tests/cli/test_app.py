import logging
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from omegaconf import DictConfig, OmegaConf

from tests.cli.conftest import Outcome

Command = Callable[..., Outcome]
FILES = [
    f"data.{part}.{side}={part}.{side}" for part in ("train", "valid") for side in ("src", "tgt")
]


def config_of(outcome: Outcome) -> DictConfig:
    assert (outcome.code, outcome.err) == (0, "")
    assert len(outcome.configs) == 1
    return outcome.configs[0]


def test_a_command_works_on_its_config_and_leaves_nothing_behind(
    command: Command, tmp_path: Path
) -> None:
    cfg = config_of(command("train", "model=lstm", "model/attention=luong_dot", "seed=3"))
    assert cfg.model.attention._target_ == "nmt.models.attention.DotAttention"
    assert cfg.seed == 3
    assert list(tmp_path.iterdir()) == []


def test_a_sweep_works_on_each_and_leaves_nothing_behind(command: Command, tmp_path: Path) -> None:
    outcome = command("train", "-m", "model=lstm,transformer", "seed=1,2")
    assert [(cfg.model._target_.split(".")[2], cfg.seed) for cfg in outcome.configs] == [
        ("lstm", 1),
        ("lstm", 2),
        ("transformer", 1),
        ("transformer", 2),
    ]
    assert (outcome.code, outcome.out) == (0, "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trainer.max_step=5"], "unknown option trainer.max_step: did you mean trainer.max_steps"),
        (["modle=lstm"], "unknown option modle: did you mean model?"),
        (["+x=1"], "unknown option x: the command has"),
        (["+trainer.max_step=5"], "did you mean trainer.max_steps?"),
        (["++run.x=1"], "run must be a single value or a list"),
        (["model=lst"], "model=lst: model must be one of lstm, lstm_bahdanau, transformer"),
        (["experiment=nothing"], "experiment=nothing: experiment must be one of "),
        (["seed=one"], "seed must be a whole number, got 'one'"),
        (["seed=1.5"], "seed must be a whole number, got 1.5"),
        (["optimizer.lr=high"], "optimizer.lr must be a number, got 'high'"),
        (["trainer.tensorboard=1"], "trainer.tensorboard must be true or false, got 1"),
        (["data=multi30k"], "data.dir must be given"),
        (["data=files", *FILES[1:]], "data.train.src must be given"),
        (["data=files", *FILES, "data.train=x"], "data.train must be a mapping of src, tgt"),
        (["run"], "run is no option: options are written name=value"),
        (["-m", "seed=1,2", "trainer.max_step=5"], "did you mean trainer.max_steps?"),
    ],
)
def test_a_mistake_is_one_line_before_any_work(
    command: Command, tmp_path: Path, arguments: list[str], message: str
) -> None:
    outcome = command("train", *arguments)
    assert outcome.err.startswith("error: ")
    assert outcome.err.count("\n") == 1
    assert message in outcome.err
    assert (outcome.code, outcome.out, outcome.configs) == (2, "", [])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["runs/x(1)", "a=b.txt", "it's", "a[1]", "\u00e9{1}", 'a"=b'])
def test_a_path_that_needs_quotes_works_as_the_message_says(command: Command, path: str) -> None:
    refused = command("translate", f"run={path}")
    assert (refused.code, refused.configs) == (2, [])
    advised = shlex.split(refused.err.strip().rpartition("needs quotes: ")[2])
    assert config_of(command("translate", *advised)).run == path


def test_a_list_that_needs_quotes_works_as_the_message_says(command: Command) -> None:
    refused = command("compare", "evaluation=x", "runs=[runs/x(1),runs/b]")
    advised = shlex.split(refused.err.strip().rpartition("needs quotes: ")[2])
    assert config_of(command("compare", "evaluation=x", *advised)).runs == ["runs/x(1)", "runs/b"]


def test_home_is_found(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    cfg = config_of(command("compare", 'runs=[~/a,"/b~",~]', "evaluation=x", 'output="~/o(1)"'))
    assert cfg.runs == ["/home/someone/a", "/b~", "/home/someone"]
    assert cfg.output == "/home/someone/o(1)"


def test_test_sets_have_the_names_that_users_give(command: Command) -> None:
    arguments = ["data=files", *FILES, "data.tests.news.src=[a,b.gz]", "data.tests.news.tgt=c"]
    cfg = config_of(command("train", *arguments))
    assert cfg.data.tests == {"news": {"src": ["a", "b.gz"], "tgt": "c"}}


def test_model_options_are_left_to_the_model(command: Command) -> None:
    assert config_of(command("train", "+model.depth=3")).model.depth == 3


def test_an_experiment_may_not_misspell(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own" / "experiment"
    own.mkdir(parents=True)
    (own / "mine.yaml").write_text("# @package _global_\ntrainer:\n  max_step: 5\n")
    outcome = command("train", "--config-dir", str(own.parent), "experiment=mine")
    assert outcome.code == 2
    assert "did you mean trainer.max_steps?" in outcome.err


@pytest.mark.parametrize(
    ("error", "code", "err"),
    [
        (ValueError("valid.de has 3 lines"), 2, "error: valid.de has 3 lines\n"),
        (FileNotFoundError(2, "No such file", "a/b"), 2, "error: a/b: No such file\n"),
        (KeyboardInterrupt(), 130, ""),
        (SystemExit(143), 143, ""),
    ],
)
def test_how_work_ends_is_told_by_the_code(
    command: Command, error: BaseException, code: int, err: str
) -> None:
    def work(cfg: DictConfig) -> None:
        raise error

    outcome = command("translate", "run=x", work=work)
    assert (outcome.code, outcome.err) == (code, err)


def test_what_is_no_mistake_of_the_user_keeps_its_traceback(command: Command) -> None:
    def work(cfg: DictConfig) -> None:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        command("translate", "run=x", work=work)


def test_log_goes_to_stderr(command: Command) -> None:
    outcome = command(
        "translate", "run=x", work=lambda cfg: logging.getLogger("nmt").info("started")
    )
    assert (outcome.out, outcome.err) == ("", "started\n")


@pytest.mark.parametrize("name", ["train", "translate", "evaluate", "compare"])
def test_help_shows_every_option_with_its_meaning(command: Command, name: str) -> None:
    shown = command(name, "--help").out
    given = {"translate": ["run=x"], "compare": ["runs=[x]", "evaluation=x"]}.get(name, [])
    cfg = config_of(command(name, *given))
    assert shown.startswith(f"What nmt-{name} does.")
    lines = {line.split("=")[0].strip(): line for line in shown.splitlines() if "=" in line}
    for option, value in OmegaConf.to_container(cfg).items():  # type: ignore[union-attr]
        if not isinstance(value, dict):
            assert len(lines[str(option)].split(maxsplit=1)) == 2, f"{option} has no comment"


def test_help_follows_the_choices(command: Command) -> None:
    assert "model.num_heads=4" in command("train", "model=transformer", "--help").out
    shown = command("train", "model=lstm_bahdanau", "-h").out
    assert "width of the decoder" in shown
    assert "width of the layer that compares query and key" in shown
    assert "model/attention=bahdanau | fixed_context" in shown
