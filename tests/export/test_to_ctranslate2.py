from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nmt.commands.export import main as export
from nmt.export import alongside
from nmt.export.to_ctranslate2 import POSITIONS, export_ctranslate2
from nmt.search.greedy import GreedySearch
from nmt.tokenizer import Tokenizer
from nmt.translator.loading import LoadedRun, load_run
from tests.export.outside import LINES, translated_by_us, translated_outside
from tests.runs import PAIRS, make_run, untrained_run

TRANSFORMER = {
    "_target_": "nmt.models.transformer.TransformerSeq2Seq",
    "hidden_size": 16,
    "num_heads": 2,
    "ff_size": 24,
    "num_layers": 2,
    "dropout": 0.5,
}


@pytest.fixture(params=[True, False], ids=["shared", "separate"])
def run(tmp_path: Path, request: pytest.FixtureRequest) -> LoadedRun:
    joint = bool(request.param)
    tokenizer = Tokenizer.train(PAIRS, kind="bpe", vocab_size=290, joint=joint, placeholders=0)
    model = TRANSFORMER | {"share_embeddings": joint}
    return load_run(make_run(tmp_path / "run", tokenizer, model=model).path)


def test_both_programs_give_the_same_probabilities_and_text(run: LoadedRun, tmp_path: Path) -> None:
    assert export_ctranslate2(run, tmp_path / "out", None) < 1e-5
    found = translated_outside(tmp_path / "out", LINES, beam_size=1)
    expected = translated_by_us(run, LINES, GreedySearch())
    assert found == expected
    assert found[1] == "" and len(set(found)) > 2
    readme = (tmp_path / "out" / "README.md").read_text()
    assert "en to fr" in readme and "protection" in readme


def test_exporting_leaves_the_model_as_it_was(run: LoadedRun, tmp_path: Path) -> None:
    before = {name: tensor.clone() for name, tensor in run.model.state_dict().items()}
    assert export_ctranslate2(run, tmp_path / "out", "int8") < 10
    assert all(tensor.equal(before[name]) for name, tensor in run.model.state_dict().items())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "run"]


def test_lines_may_be_as_long_as_the_table_of_positions(tmp_path: Path) -> None:
    tokenizer = Tokenizer.train(PAIRS, kind="bpe", vocab_size=290, joint=True)
    model = TRANSFORMER | {"share_embeddings": True, "num_layers": 1}
    run = load_run(make_run(tmp_path / "run", tokenizer, model=model).path)
    export_ctranslate2(run, tmp_path / "out", None)
    whole = "\u20ac" * 400  # in three bytes each
    assert 1000 < len(tokenizer.encode_src([whole])[0]) < POSITIONS
    assert len(translated_outside(tmp_path / "out", [whole], beam_size=1)) == 1
    with pytest.raises(AssertionError, match="more than the model has places for"):
        translated_outside(tmp_path / "out", ["\u20ac" * 700], beam_size=1)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["format=pytorch", "output=out"], "format must be one of ctranslate2, onnx, hub"),
        (["format=ctranslate2"], "needs output=DIR"),
        (["format=ctranslate2", "output=run"], "run exists: name another directory by output="),
        (["format=ctranslate2", "output=out"], "no form for LSTMSeq2Seq.*format=onnx"),
        (["format=ctranslate2", "output=out", "run=[run,run]"], "no form for Ensemble"),
        (["format=onnx", "output=out", "quantization=int8"], "quantization= is for format=ctr"),
        (["format=onnx", "output=out", "repo=me/model"], "repo= is for format=hub"),
        (["format=onnx", "output=out", "run=nowhere"], "nowhere: there is no such run"),
    ],
)
def test_mistakes_are_named_and_leave_nothing(
    options: list[str], said: str, composed: Callable[..., Any], tmp_path: Path
) -> None:
    untrained_run(tmp_path / "run")
    with pytest.raises((ValueError, OSError), match=said):
        export(composed("export", "run=run", *options))
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_an_unknown_quantization_is_refused(run: LoadedRun, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="quantization must be one of int8"):
        export_ctranslate2(run, tmp_path / "out", "int3")


def test_a_missing_package_is_named_with_its_remedy(
    run: LoadedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(alongside, "import_module", missing)
    with pytest.raises(
        ValueError, match=r"ctranslate2 is not installed: pip install '.\[export\]'"
    ):
        export_ctranslate2(run, tmp_path / "out", None)
    assert not (tmp_path / "out").exists()
