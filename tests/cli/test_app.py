import logging
import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

import nmt
from nmt.cli.arguments import normalized
from nmt.cli.interrupts import Terminated
from nmt.cli.wording import worded
from tests.launching import Outcome

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


def test_a_config_is_composed_once(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    composed, load = [], ConfigLoaderImpl.load_configuration

    def counted(self: ConfigLoaderImpl, config_name: str | None, *rest: Any, **more: Any) -> Any:
        composed.append(config_name)
        return load(self, config_name, *rest, **more)

    monkeypatch.setattr(ConfigLoaderImpl, "load_configuration", counted)
    assert config_of(command("translate", "run=r")).run == "r"
    assert composed == ["translate"]  # each time takes more than loading a small model


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trainer.max_step=5"], "unknown option trainer.max_step: did you mean trainer.max_steps"),
        (["modle=lstm"], "unknown option modle: did you mean model?"),
        (["+x=1"], "unknown option x: the options are"),
        (["lr=1"], "unknown option lr: did you mean optimizer.lr? the options are"),
        (["+vocab_size=8"], "unknown option vocab_size: did you mean tokenizer.vocab_size?"),
        (["trainer.lr=1"], "unknown option trainer.lr: did you mean optimizer.lr? trainer has"),
        (["max_steps=9"], "did you mean trainer.max_steps?"),
        (["dropout=0"], "did you mean model.dropout?"),
        (["patterns=0"], "unknown option patterns: the options are"),
        (["+trainer.max_step=5"], "did you mean trainer.max_steps?"),
        (["++run.x=1"], "run must be a single value or a list"),
        (
            ["model=rnn"],
            "model=rnn: model must be one of lstm, lstm_bahdanau, lstm_reversed, transformer",
        ),
        (["model=small/rnn"], "model=small/rnn: model must be one of lstm, lstm_bahdanau"),
        (["model/attention=no"], "model/attention=no: model/attention must be one of bahdanau"),
        (["-m", "model=lstm,rnn"], "model=rnn: model must be one of lstm, "),
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
        (["--seed", "1"], "--seed is no flag: options are written without dashes, as name=value"),
        (["data.columns=de,en"], "several values are a list, data.columns=[de,en], or with -m"),
        (["data=tsv", "data.columns=[de,", "en]"], "[de, is part of a list: write it without spa"),
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


def test_a_mistake_names_the_section_that_has_the_option(command: Command) -> None:
    outcome = command("translate", "run=x", "beam_size=8")
    assert "unknown option beam_size: did you mean search.beam_size? the options" in outcome.err


PLAIN = [
    *("runs/x(1)", "a=b.txt", "it's", "a[1]", "\u00e9{1}", "x#y", "a;b", "50%", "a b ", "<2de>"),
    *("a\\b", "C:\\a\\(b"),
    *("1e5", "1_000", "007", "1.10", "-0", "+5", "True", "nan", "nullo", "2024-11-27", "a: b"),
]


def test_text_is_read_as_it_is_typed(command: Command) -> None:
    """What there is besides, tests/test_fuzzed.py draws."""
    for text in PLAIN:
        (read,) = OverridesParser.create().parse_overrides(normalized([f"run={text}"]))
        assert read.value() == text
    cfg = config_of(command("translate", "run=x#y", "input=1e5", "source_prefix=1.10", "prefix=5"))
    assert (cfg.run, cfg.input, cfg.source_prefix, cfg.prefix) == ("x#y", "1e5", "1.10", "5")


def test_text_in_lists_is_read_as_it_is_typed(command: Command) -> None:
    given = ["run=x", "require=[3.10]", 'forbid=["a, 3.10, b", 007 ,c d,TRUE]']
    cfg = config_of(command("translate", *given))
    assert cfg.require == ["3.10"]
    assert cfg.forbid == ["a, 3.10, b", "007", "c d", "TRUE"]


def test_text_in_a_list_of_corpora_is_read_as_it_is_typed(command: Command) -> None:
    corpora = "[{src: 1e5, tgt: x#y, tag: <web>, weight: 2.50}, {src: 007, tgt: a(1), weight: 1}]"
    langs = ["data=corpora", "data.src_lang=no", "data.tgt_lang=1e5", "data.valid=2_000"]
    cfg = config_of(command("train", *langs, f"data.train={corpora}"))
    assert cfg.data.train == [
        {"src": "1e5", "tgt": "x#y", "tag": "<web>", "weight": 2.5},
        {"src": "007", "tgt": "a(1)", "weight": 1},
    ]
    assert (cfg.data.src_lang, cfg.data.tgt_lang, cfg.data.valid) == ("no", "1e5", 2000)


def test_what_means_something_to_hydra_still_does(command: Command) -> None:
    given = ["run=${data.src_lang}", "init_from=null", "optimizer.lr=1e-3"]
    cfg = config_of(command("train", *given))
    assert (cfg.run, cfg.init_from, cfg.optimizer.lr) == ("en", None, 0.001)
    swept = command("train", "-m", "run=1e5,b", "seed=1,2")
    assert [cfg.run for cfg in swept.configs] == ["1e5", "1e5", "b", "b"]
    swept = command("train", "-m", "run=choice(a,b)")
    assert [cfg.run for cfg in swept.configs] == ["a", "b"]


@pytest.mark.parametrize("path", ["a, b", 'a"=b', "it's, (1)"])
def test_a_path_that_needs_quotes_works_as_the_message_says(command: Command, path: str) -> None:
    refused = command("translate", f"run={path}")
    assert (refused.code, refused.configs) == (2, [])
    advised = shlex.split(refused.err.strip().rpartition("needs quotes: ")[2])
    assert config_of(command("translate", *advised)).run == path


def test_a_list_that_needs_quotes_works_as_the_message_says(command: Command) -> None:
    refused = command("compare", "evaluation=x", "runs=[runs/it's,runs/b]")
    advised = shlex.split(refused.err.strip().rpartition("needs quotes: ")[2])
    assert config_of(command("compare", "evaluation=x", *advised)).runs == ["runs/it's", "runs/b"]


def test_what_must_be_given_is_not_null(command: Command) -> None:
    assert "error: source must be given, not null" in command("score", "run=x", "source=null").err
    assert "error: run must be given, not null" in command("translate", "run=null").err


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


def test_a_part_to_draw_is_a_number(command: Command) -> None:
    assert config_of(command("train", "data.valid=500")).data.valid == 500
    cfg = config_of(command("train", "data=opus_books", "data.valid=validation"))
    assert cfg.data.valid == "validation"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A directory with a model, an attention and an experiment of the user's."""
    for name, text in {
        "model/mine.yaml": "defaults: [lstm]\n_target_: mine.Model\nwings: 2\n",
        "model/attention/own.yaml": "_target_: mine.Attention\n",
        "experiment/short.yaml": "# @package _global_\ntrainer:\n  max_steps: 5\n",
        "model/broken.yaml": "a: [\n",
    }.items():
        (tmp_path / "a=b" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "a=b" / name).write_text(text)
    return tmp_path / "a=b"


def test_configs_of_ones_own_are_chosen_like_any(command: Command, own: Path) -> None:
    chosen = ["model=mine", "model/attention=own", "experiment=short", "+model.legs=3"]
    for flag in (["--config-dir", str(own)], [f"--config-dir={own}"], ["-cd", own.name]):
        cfg = config_of(command("train", *flag, *chosen))
        assert (cfg.model._target_, cfg.model.wings, cfg.model.legs) == ("mine.Model", 2, 3)
        assert cfg.model.attention._target_ == "mine.Attention"
        assert cfg.trainer.max_steps == 5
    outcome = command("train", "--config-dir", str(own), "model=minne")
    assert "model must be one of broken, lstm, lstm_bahdanau, lstm_reversed, mine" in outcome.err


def test_flags_may_stand_anywhere(command: Command, own: Path) -> None:
    first = ["--config-dir", str(own), "model=mine", "trainer.max_steps=5"]
    expected = config_of(command("train", *first))
    for order in ([2, 0, 1, 3], [2, 3, 0, 1]):
        assert config_of(command("train", *(first[place] for place in order))) == expected
    outcome = command("train", "model=mine", "--hurry", "trainer.max_steps=5")
    assert "--hurry is no flag" in outcome.err


def test_what_is_wrong_with_ones_own_configs_is_said(command: Command, own: Path) -> None:
    outcome = command("train", "--config-dir", str(own), "model=broken")
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert "model/broken.yaml" in outcome.err and "line 2" in outcome.err
    outcome = command("train", "--config-dir", "nowhere")
    assert (outcome.code, outcome.err) == (
        2,
        "error: --config-dir nowhere: there is no such directory\n",
    )


@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("model=", "model=lstm model=lstm_bahdanau model=lstm_reversed model=transformer"),
        ("search=", "search=beam search=greedy search=sample"),
        ("search=_", ""),
        ("tokenizer=", "tokenizer=bpe tokenizer=unigram"),
        ("search._", "search._target_="),
        ("model=lstm trainer.max_", "trainer.max_epochs= trainer.max_minutes= trainer.max_steps="),
        ("sche", "schedule. schedule="),
        ("--config-dir OWN model=m", "model=mine"),
        ("--config-dir OWN model=mine model.w", "model.wings="),
        ("-cd OWN model/attention=o", "model/attention=own"),
    ],
)
def test_groups_and_options_are_completed(
    command: Command, own: Path, monkeypatch: pytest.MonkeyPatch, line: str, completed: str
) -> None:
    monkeypatch.setenv("COMP_LINE", f"nmt-train {line.replace('OWN', str(own))}")
    outcome = command("train", "-sc", "query=bash")
    assert (outcome.code, outcome.err) == (0, "")
    word = line.split()[-1]
    assert "=_" not in outcome.out
    offered = [word_ for word_ in outcome.out.split() if word_.startswith(word)]
    assert offered == [word_ for word_ in completed.split() if word_.startswith(word)]


def test_completion_is_installed_for_the_command(command: Command) -> None:
    outcome = command("translate", "-sc", "install=bash")
    assert outcome.out.rstrip().endswith("hydra_bash_completion nmt-translate")


def test_an_experiment_may_not_misspell(command: Command, own: Path) -> None:
    (own / "experiment" / "mine.yaml").write_text("# @package _global_\ntrainer:\n  max_step: 5\n")
    outcome = command("train", "--config-dir", str(own), "experiment=mine")
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


def test_a_sweep_goes_on_after_a_mistake_in_one_job(command: Command) -> None:
    def work(cfg: DictConfig) -> None:
        if cfg.seed == 1:
            raise ValueError("valid.de has 3 lines")

    outcome = command("train", "-m", "seed=1,2", "device=cpu", work=work)
    assert [cfg.seed for cfg in outcome.configs] == [1, 2]
    assert outcome.code == 2
    errors = [line for line in outcome.err.splitlines() if line.startswith("error: ")]
    assert errors == [
        "error: seed=1: valid.de has 3 lines",
        "error: 1 of the jobs failed: seed=1",
    ]


@pytest.mark.parametrize(("stop", "code"), [(KeyboardInterrupt(), 130), (BrokenPipeError(), 141)])
def test_a_sweep_ends_when_it_is_told_to(
    command: Command, monkeypatch: pytest.MonkeyPatch, stop: BaseException, code: int
) -> None:
    monkeypatch.setattr("nmt.cli.app._give_up_stdout", lambda: None)

    def work(cfg: DictConfig) -> None:
        raise stop

    outcome = command("train", "-m", "seed=1,2", work=work)
    assert [cfg.seed for cfg in outcome.configs] == [1]
    assert outcome.code == code
    assert "error" not in outcome.err


def test_what_is_no_mistake_of_the_user_keeps_its_traceback(command: Command) -> None:
    def work(cfg: DictConfig) -> None:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        command("translate", "run=x", work=work)


def test_the_version_is_ours(command: Command) -> None:
    assert command("train", "--version").out == f"nmt {nmt.__version__}\n"


def test_log_goes_to_stderr(command: Command) -> None:
    outcome = command(
        "translate", "run=x", work=lambda cfg: logging.getLogger("nmt").info("started")
    )
    assert (outcome.out, outcome.err) == ("", "started\n")


@pytest.mark.parametrize(("signal_", "code"), [(KeyboardInterrupt, 130), (Terminated, 143)])
def test_a_library_that_a_signal_breaks_is_no_error(
    command: Callable[..., Outcome], signal_: type[KeyboardInterrupt], code: int
) -> None:
    """Such as OmegaConf, ended while it sets a flag."""

    def broken(cfg: DictConfig) -> None:
        try:
            try:
                raise signal_
            finally:
                raise AttributeError("half set")
        except AttributeError as error:
            raise ValueError("cannot be composed") from error

    outcome = command("translate", "run=x", work=broken)
    assert (outcome.code, outcome.err) == (code, "")


@pytest.mark.parametrize("value", ["${oc.env:NONE_SUCH}", "${run}", "${a.b}", "${none.such:1}"])
def test_a_reference_that_leads_nowhere_is_said_in_one_line(
    command: Callable[..., Outcome], value: str
) -> None:
    def resolved(cfg: DictConfig) -> None:
        OmegaConf.to_container(cfg, resolve=True)

    outcome = command("translate", f"run={value}", work=resolved)
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert outcome.err.startswith("error: run: ")


@pytest.mark.skipif(os.name == "nt", reason="there no directory is deleted while it is used")
def test_a_directory_that_is_gone_is_said(
    command: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    outcome = command("translate", "run=x")
    assert outcome.code == 2
    assert outcome.err == "error: the current directory was deleted: call this in one that exists\n"


def test_a_message_quotes_no_commands_for_a_terminal_and_no_whole_files() -> None:
    said = worded(ValueError("run\x1b[2J\x07 is bad\nas is this"))
    assert said == "run?[2J? is bad\nas is this"
    assert len(worded(ValueError("x" * 10**6))) < 6000
