"""init_from: what a run hands on, and what it does not."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import hydra
import pytest
import torch
from safetensors.torch import load_file

from nmt import Translator
from nmt.cli.config_files import shipped_configs
from nmt.commands.prepare import main as prepare
from nmt.commands.train import train
from nmt.run_directory import RunDirectory

SIZES = [
    "model.embed_size=8",
    "model.hidden_size=8",
    "model.attention.attention_size=8",
    "tokenizer.vocab_size=276",
]
SETTINGS = ["device=cpu", "trainer.max_steps=2", "trainer.average=0", "trainer.tensorboard=false"]
FIRST = ["a b c", "b c", "c a b", "a", "b b a", "c c", "a c b a", "b a c"]
SECOND = ["x b c", "b x", "c x b x", "x", "b x", "x x y", "y a x", "b a x"]


def data(name: str) -> list[str]:
    return ["data=tsv", f"data.train={name}.tsv", "data.valid=2", "data.src_lang=en"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with two corpora and, in runs/base, a run on the first."""
    place = tmp_path_factory.mktemp("trained")
    for name, lines in {"first": FIRST, "second": SECOND}.items():
        rows = [f"{line}\t{line.upper()}\n" for line in lines]
        (place / f"{name}.tsv").write_text("".join(["en\tfr\n", *rows]))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        with hydra.initialize_config_dir(str(shipped_configs()), version_base="1.3"):
            options = [*data("first"), "data.tgt_lang=fr", *SIZES, *SETTINGS, "run=runs/base"]
            train(hydra.compose("train", options))
    return place


@pytest.fixture
def place(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of that directory to work in."""
    shutil.copytree(trained, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    with hydra.initialize_config_dir(str(shipped_configs()), version_base="1.3"):
        yield tmp_path / "copy"


def tune(*overrides: str) -> RunDirectory:
    options = [
        *data("second"),
        *("data.tgt_lang=fr", "init_from=runs/base", "run=runs/tuned"),
        *SETTINGS,
        *overrides,
    ]
    train(hydra.compose("train", options), options)
    return RunDirectory.open("runs/tuned")


def test_the_weights_and_the_tokenizer_of_a_run_are_the_start(place: Path) -> None:
    base = RunDirectory.open("runs/base")
    tuned = tune("optimizer.lr=1e-12", "optimizer.weight_decay=0", "seed=3")
    before, after = load_file(base.serving()), load_file(tuned.serving())
    assert before.keys() == after.keys()
    for name, weight in before.items():
        torch.testing.assert_close(after[name], weight, rtol=0, atol=1e-9)
    files = [run.path / "tokenizer.model" for run in (base, tuned)]
    assert files[0].read_bytes() == files[1].read_bytes()
    digest = base.manifest()["files"][base.serving().name]
    assert tuned.manifest()["init_from"] == {"run": "base", "weights": digest}
    assert base.manifest()["init_from"] is None


def test_the_new_run_is_complete_by_itself(place: Path) -> None:
    tuned = tune("model.dropout=0.1", "tokenizer.sampling=0.2", "trainer.max_steps=3")
    shutil.rmtree("runs/base")
    config = tuned.config()
    assert "init_from" not in config
    assert config["model"]["hidden_size"] == 8 and config["model"]["dropout"] == 0.1
    assert config["tokenizer"]["vocab_size"] == 276
    assert config["tokenizer"]["sampling"] == 0.2
    assert len(Translator.load(tuned.path).translate(["x b", ""])) == 2


def test_it_learns_on_from_there(place: Path) -> None:
    tune("optimizer.lr=0.01", "schedule.warmup_steps=0", "trainer.max_steps=4")
    before = load_file(RunDirectory.open("runs/base").serving())
    after = load_file(RunDirectory.open("runs/tuned").serving())
    assert any(not torch.equal(before[name], after[name]) for name in before)
    metrics = Path("runs/tuned/metrics.jsonl").read_text().splitlines()
    assert json.loads(metrics[-1])["step"] == 4  # a schedule of its own, from step 1


def test_it_is_resumed_as_any_run(place: Path) -> None:
    tune("model.dropout=0.1")
    shutil.rmtree("runs/base")
    tuned = tune("model.dropout=0.1", "trainer.max_steps=4", "resume=auto")
    assert tuned.manifest()["training"]["steps"] == 4
    assert tuned.manifest()["init_from"]["run"] == "base"
    with pytest.raises(ValueError, match=r"runs/tuned has model\.dropout=0\.1.*cannot change"):
        tune("model.dropout=0.2", "resume=auto")
    with pytest.raises(ValueError, match=r"runs/tuned was begun from base, not from other"):
        tune("model.dropout=0.1", "resume=auto", "init_from=runs/other")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.hidden_size=16", r"init_from=base: .*keeps its architecture.*the model has"),
        ("model.num_layers=2", r"init_from=base: .*does not hold this model's weights"),
        ("model=transformer", r"which has model\._target_=.*leave model= out"),
        ("model/attention=luong_dot", r"has model\.attention\._target_=.*leave model= out"),
        ("tokenizer.vocab_size=300", r"tokenizer\.vocab_size=276, not 300"),
        ("tokenizer=unigram", r"tokenizer\.kind=bpe, not unigram: leave tokenizer= out"),
        ("init_from=runs/nowhere", "no such run"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_made(
    place: Path, override: str, message: str
) -> None:
    Path("second.tsv").unlink()  # nothing is read before
    with pytest.raises((ValueError, OSError), match=message):
        tune(override)
    assert not Path("runs/tuned").exists()


def test_the_same_choices_made_again_do_no_harm(place: Path) -> None:
    tune("model=lstm_bahdanau", "tokenizer=bpe", *SIZES, "tokenizer.sampling=0.1")


def test_it_is_prepared_ahead_with_the_same_tokenizer(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cached = "data.cache=here"
    options = [*data("second"), "data.tgt_lang=fr", "init_from=runs/base", cached]
    prepare(hydra.compose("prepare", options))
    assert "vocabulary of 276 pieces" in capsys.readouterr().out
    before = sorted(path.name for path in Path("here").iterdir())
    tune(cached)
    assert sorted(path.name for path in Path("here").iterdir()) == before
