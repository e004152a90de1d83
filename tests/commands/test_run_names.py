import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from omegaconf import DictConfig

from nmt.commands.train import run_name
from tests.launching import Outcome


@pytest.fixture
def names(command: Callable[..., Outcome]) -> Callable[..., list[str]]:
    """The names of the runs that nmt-train would make."""

    def named(*arguments: str) -> list[str]:
        found: list[str] = []

        def work(cfg: DictConfig) -> None:
            # What runs sees Hydra's own arguments, too.
            found.append(run_name(cfg.seed, cfg.init_from, sys.argv[1:]))

        assert command("train", *arguments, work=work).code == 0
        return found

    return named


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ([], "demo-lstm_bahdanau-s1"),
        (["model=transformer", "seed=7", "trainer.max_steps=5"], "demo-transformer-s7"),
        (["data=multi30k", "data.dir=x", "model=lstm"], "multi30k-lstm-s1"),
        (["experiment=demo_full", "model=lstm"], "demo_full-lstm-s1"),
        (["experiment=demo", "model=small/lstm"], "demo-small_lstm-s1"),
        (["init_from=runs/a-lstm-s1/", "seed=2"], "demo-from-a-lstm-s1-s2"),
        (["model=lstm", "model/attention=luong_dot"], "demo-lstm-s1-attention-luong_dot"),
    ],
)
def test_a_run_is_named_after_what_makes_it(
    names: Callable[..., list[str]], arguments: list[str], name: str
) -> None:
    assert names(*arguments) == [name]


def test_the_runs_of_a_sweep_have_names_of_their_own(names: Callable[..., list[str]]) -> None:
    assert names("-m", "model=lstm,transformer", "seed=2", "trainer.max_steps=5") == [
        "demo-lstm-s2",
        "demo-transformer-s2",
    ]
    assert names("-m", "init_from=runs/a,runs/b", "model.dropout=0.1,0.2")[1:3] == [
        "demo-from-a-s1-dropout-0.2",
        "demo-from-b-s1-dropout-0.1",
    ]
    assert names("-m", "model=lstm", "model.hidden_size=8,16", "optimizer.lr=0.1,0.2")[1:3] == [
        "demo-lstm-s1-hidden_size-8-lr-0.2",
        "demo-lstm-s1-hidden_size-16-lr-0.1",
    ]


def test_flags_of_hydra_are_no_part_of_it(names: Callable[..., list[str]], tmp_path: Path) -> None:
    assert names("--config-dir", str(tmp_path), "model=lstm") == ["demo-lstm-s1"]


def test_names_need_no_quotes(names: Callable[..., list[str]]) -> None:
    found = names("-m", "model=lstm", "optimizer.betas=[0.9,0.98],[0.8,0.9]")
    assert found == ["demo-lstm-s1-betas-0.9_0.98", "demo-lstm-s1-betas-0.8_0.9"]
