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
    """Which of the packages that take long to import are there whenever ``code`` calls
    ``say_loaded``, and at its end."""
    check = f"""
import sys
def say_loaded():
    print("loaded:", *[m for m in {HEAVY} if m in sys.modules], file=sys.stderr)
{code}
say_loaded()
"""
    done = subprocess.run(
        [sys.executable, "-c", check, *arguments],
        cwd=at,
        input=text,
        capture_output=True,
        text=True,
        check=True,
    )
    return [line[8:].strip() for line in done.stderr.splitlines() if line.startswith("loaded:")]


def test_commands_load_nothing_before_their_options_stand(tmp_path: Path) -> None:
    code = "import nmt, nmt.commands"
    assert loaded(code, at=tmp_path) == [""]


TRANSLATE_AND_TRAIN = """
from nmt.commands import launch_train, launch_translate
options = sys.argv[1:]
sys.argv[1:] = ["run=run", "device=cpu", "format=jsonl"]
launch_translate()
say_loaded()
sys.argv[1:] = options
launch_train()
"""


def test_translating_loads_torch_only_and_training_what_it_is_told_to_use(tmp_path: Path) -> None:
    """In one process: what training finds loaded is what it would load first."""
    untrained_run(tmp_path / "run")
    write_tsv(tmp_path / "pairs.tsv")
    arguments = [*TSV, *SHORT, "model=small/lstm"]
    assert "trainer.tensorboard=false" in arguments
    translating, training = loaded(TRANSLATE_AND_TRAIN, *arguments, at=tmp_path, text="the cat\n")
    assert translating == "torch"
    # pyarrow itself looks whether pandas is there.
    assert set(training.split()) - {"pandas"} == {"pyarrow", "sacrebleu", "torch"}


def test_scoring_what_is_translated_loads_no_torch(tmp_path: Path) -> None:
    for name in ("hyp", "ref", "src"):
        (tmp_path / name).write_text("a b\n")
    code = "from nmt.commands import launch_evaluate\nlaunch_evaluate()"
    files = ["hypotheses=hyp", "references=ref", "sources=src", "output=out"]
    assert loaded(code, *files, at=tmp_path) == ["pyarrow sacrebleu"]


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
        command = [sys.executable, "-c", LIKE_3_14 + code, "rnu=x"]
        env = {**os.environ, "HYDRA_FULL_ERROR": "0"}  # commands run in this process have set it
        return subprocess.run(
            command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False
        )

    hydra_alone = run("from hydra._internal.utils import get_args_parser\nget_args_parser()")
    assert "LazyCompletionHelp" in hydra_alone.stderr
    ours = run("from nmt.commands import launch_translate\nlaunch_translate()")
    assert ours.returncode == 2
    assert ours.stderr.startswith("error: unknown option rnu: did you mean run?")
