"""``nmt.train`` and ``nmt.evaluate`` do what the commands do."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hydra.core.hydra_config import HydraConfig

import nmt
from nmt.commands.evaluate import main as evaluate_command
from nmt.commands.train import main as train_command
from nmt.training.signals import StopRequest
from scripts.word_by_word import write_tsv
from tests.console import SHORT, TSV
from tests.launching import Outcome

OPTIONS = [*TSV, *SHORT, "model=small/lstm", "model.embed_size=8", "model.hidden_size=8"]
QUICK = ["test=small", "search=greedy", "device=cpu", "bootstrap.samples=5", "metrics=[bleu]"]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_tsv(tmp_path / "pairs.tsv")
    return tmp_path


def test_they_leave_what_the_commands_leave(command: Callable[..., Outcome], place: Path) -> None:
    run = nmt.train(*OPTIONS)
    assert run == Path("runs/tsv-small_lstm-s1")
    assert not HydraConfig.initialized()
    assert command("train", *OPTIONS, "run=other", work=train_command).code == 0
    for path in [*(place / run).glob("model-*"), run / "metrics.jsonl"]:
        assert path.read_bytes() == (place / "other" / path.name).read_bytes()
    evaluation = nmt.evaluate(f"run={run}", *QUICK)
    assert command("evaluate", "run=other", *QUICK, work=evaluate_command).code == 0
    files = [f"evaluation/small/{name}" for name in ("hypotheses.txt", "evaluation.json")]
    ours, theirs = ([(place / one / file).read_text() for file in files] for one in (run, "other"))
    assert ours[0] == theirs[0]
    assert f'"bleu": {evaluation.overall.score("bleu").value}' in ours[1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["trainer.max_step=5"], "unknown option trainer.max_step: did you mean"),
        (["model=rnn"], "model=rnn: model must be one of lstm"),
        (["seed"], "seed is no option: options are written name=value"),
        (["trainer.max_steps=many"], "trainer.max_steps must be"),
        (["data=files"], "must be given"),
    ],
)
def test_mistakes_are_worded_as_for_the_command(options: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        nmt.train(*options)
    assert not Path("runs").exists()


def test_a_missing_file_is_one() -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        nmt.evaluate("run=nowhere", "test=small")


def test_an_interruption_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: StopRequest) -> StopRequest:
        self._note(2, None)
        return self

    monkeypatch.setattr(StopRequest, "__enter__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        nmt.train(*OPTIONS)
    assert Path("runs/tsv-small_lstm-s1/manifest.json").exists()
