import os
import subprocess
import sys
from pathlib import Path

from scripts.word_by_word import write_tsv
from tests.console import SHORT, TSV
from tests.runs import untrained_run

HEAVY = ["datasets", "matplotlib", "pandas", "pyarrow", "sacrebleu", "tensorboard", "torch"]
HEAVY += ["torch._dynamo"]  # torch.compile


def loaded(code: str, *arguments: str, at: Path, text: str = "") -> list[str]:
    """Which of the packages that take long to import are there once ``code`` has run."""
    check = f"import sys\n{code}\nprint(*[m for m in {HEAVY} if m in sys.modules], file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", check, *arguments],
        cwd=at,
        input=text,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stderr.splitlines()[-1].split()


def test_commands_load_nothing_before_their_options_stand(tmp_path: Path) -> None:
    code = "import nmt, nmt.commands"
    assert loaded(code, at=tmp_path) == []


def test_translating_loads_torch_only(tmp_path: Path) -> None:
    untrained_run(tmp_path / "run")
    code = "from nmt.commands import launch_translate\nlaunch_translate()"
    arguments = ["run=run", "device=cpu", "format=jsonl"]
    assert loaded(code, *arguments, at=tmp_path, text="the cat\n") == ["torch"]


def test_scoring_what_is_translated_loads_no_torch(tmp_path: Path) -> None:
    for name in ("hyp", "ref", "src"):
        (tmp_path / name).write_text("a b\n")
    code = "from nmt.commands import launch_evaluate\nlaunch_evaluate()"
    files = ["hypotheses=hyp", "references=ref", "sources=src", "output=out"]
    assert loaded(code, *files, at=tmp_path) == ["pyarrow", "sacrebleu"]


def test_training_loads_no_more_than_it_is_told_to_use(tmp_path: Path) -> None:
    write_tsv(tmp_path / "pairs.tsv")
    arguments = [*TSV, *SHORT, "model=small/lstm"]
    assert "trainer.tensorboard=false" in arguments
    code = "from nmt.commands import launch_train\nlaunch_train()"
    found = set(loaded(code, *arguments, at=tmp_path))
    # pyarrow itself looks whether pandas is there.
    assert found - {"pandas"} == {"pyarrow", "sacrebleu", "torch"}


LIKE_3_14 = """
import argparse
add_argument = argparse._ActionsContainer.add_argument
def _check_help(parser, action):
    action.help and "%" in action.help
def checked(container, *names, **options):
    action = add_argument(container, *names, **options)
    if hasattr(container, "_check_help"):
        container._check_help(action)
    return action
argparse.ArgumentParser._check_help = _check_help
argparse._ActionsContainer.add_argument = checked
"""
"""Python 3.14 looks at each help text when it is added."""


def test_commands_start_where_help_texts_are_checked(tmp_path: Path) -> None:
    def run(code: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", LIKE_3_14 + code, "run=nowhere"]
        env = {**os.environ, "HYDRA_FULL_ERROR": "0"}  # commands run in this process have set it
        return subprocess.run(
            command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False
        )

    hydra_alone = run("from hydra._internal.utils import get_args_parser\nget_args_parser()")
    assert "LazyCompletionHelp" in hydra_alone.stderr
    ours = run("from nmt.commands import launch_translate\nlaunch_translate()")
    assert ours.returncode == 2
    assert ours.stderr == "error: nowhere: there is no such run directory\n"
