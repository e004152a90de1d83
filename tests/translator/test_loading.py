from pathlib import Path

import pytest
import torch

from nmt.data.statistics import TextCounter
from nmt.models.ensemble import Ensemble
from nmt.models.quantization import Int8Linear
from nmt.run_directory import RunDirectory
from nmt.search.beam import BeamSearch
from nmt.search.greedy import GreedySearch
from nmt.tokenizer import Tokenizer
from nmt.translator import Translator
from nmt.translator import translator as loading_translator
from tests.bf16 import needs_bf16
from tests.runs import make_run, untrained
from tests.translator.conftest import PAIRS


@pytest.fixture
def run(tmp_path: Path, tokenizer: Tokenizer) -> RunDirectory:
    return make_run(tmp_path / "run", tokenizer)


def test_a_run_directory_is_all_it_needs(run: RunDirectory, tokenizer: Tokenizer) -> None:
    direct = Translator(untrained(tokenizer), tokenizer, BeamSearch())
    moved = run.path.rename(run.path.with_name("moved"))
    loaded = Translator.load(moved, device="cpu")
    lines = ["the cat ran", "", "a dog"]
    assert loaded.translate(lines) == direct.translate(lines)
    assert not loaded.model.training
    greedy = Translator.load(str(moved), search=GreedySearch(), device="cpu", batch_tokens=7)
    assert (greedy.search, greedy.batch_tokens) == (GreedySearch(), 7)


def test_statistics_of_the_training_text_are_in_the_manifest(
    run: RunDirectory, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    assert Translator.load(run.path, device="cpu").statistics is None  # saved before
    counter = TextCounter("en", 1)
    counter.add(["the cat sat"], [[1, 2]], [[1, 2, 3]])
    known = make_run(tmp_path / "known", tokenizer, text=counter.statistics().as_dict())
    assert Translator.load(known.path, device="cpu").statistics == counter.statistics()
    known.commit(text={"lines": 3})
    with pytest.raises(ValueError, match=r"manifest\.json is damaged: text lacks 'sentences'"):
        Translator.load(known.path, device="cpu")


def test_draws_no_random_numbers(run: RunDirectory) -> None:
    before = torch.get_rng_state()
    Translator.load(run.path, device="cpu")
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", ["tokenizer.model", "model-1.safetensors", "config"])
def test_refuses_a_damaged_file(run: RunDirectory, name: str) -> None:
    name = run.manifest().get(name, name)  # of the config, the file
    content = bytearray((run.path / name).read_bytes())
    content[len(content) // 2] ^= 1
    (run.path / name).write_bytes(content)
    with pytest.raises(ValueError, match=f"{name} is damaged"):
        Translator.load(run.path, device="cpu")


def test_refuses_what_is_no_finished_run(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        Translator.load(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="not a run directory"):
        Translator.load(tmp_path)
    RunDirectory.create(tmp_path / "begun").commit()
    with pytest.raises(ValueError, match="no trained model yet"):
        Translator.load(tmp_path / "begun")


def test_refuses_a_class_that_no_one_trusts(run: RunDirectory) -> None:
    run.write_config({"model": {"_target_": "tests.toy.ToyModel"}})
    run.commit()
    with pytest.raises(ValueError, match="trusted_packages"):
        Translator.load(run.path, device="cpu")


def test_knows_what_the_run_was_trained_on(tmp_path: Path, tokenizer: Tokenizer) -> None:
    make_run(tmp_path / "new", tokenizer, longest_source=9)
    make_run(tmp_path / "old", tokenizer)
    new, old = (Translator.load(tmp_path / name, device="cpu") for name in ("new", "old"))
    assert (new.longest_source, old.longest_source) == (9, None)
    assert (new.src_lang, new.tgt_lang) == ("en", "fr")


def test_several_runs_translate_together(tmp_path: Path, tokenizer: Tokenizer) -> None:
    lengths = [{"longest_source": 9}, {"longest_source": 7}, {}]
    runs = [
        make_run(tmp_path / str(seed), tokenizer, seed=seed, **fields).path
        for seed, fields in enumerate(lengths)
    ]
    together = Translator.load(runs, device="cpu")
    models = [untrained(tokenizer, seed).eval() for seed in range(3)]
    direct = Translator(Ensemble(models), tokenizer, BeamSearch())
    assert together.translate(["the cat", ""]) == direct.translate(["the cat", ""])
    assert together.longest_source == 7
    assert not together.model.training
    alone = Translator.load([runs[0]], device="cpu")
    assert alone.translate(["the cat"]) == Translator.load(runs[0], device="cpu").translate(
        ["the cat"]
    )


def test_runs_with_different_tokenizers_do_not(tmp_path: Path, tokenizer: Tokenizer) -> None:
    other = Tokenizer.train(PAIRS[:2], kind="bpe", vocab_size=300, joint=True)
    runs = [
        make_run(tmp_path / str(seed), own).path
        for seed, own in enumerate([tokenizer, tokenizer, other])
    ]
    with pytest.raises(ValueError, match=f"{runs[0]} and {runs[2]} have different tokenizers"):
        Translator.load(runs, device="cpu")
    with pytest.raises(ValueError, match="no run directory"):
        Translator.load([], device="cpu")
    reads = {"normalization": {"scheme": "standard", "version": 1}}
    normal = make_run(tmp_path / "normal", tokenizer, **reads).path
    problem = f"{runs[0]} normalises text by none, {normal} by standard"
    with pytest.raises(ValueError, match=problem):
        Translator.load([runs[0], normal], device="cpu")


@pytest.mark.parametrize("rough", [pytest.param("bf16", marks=needs_bf16), "int8"])
def test_the_precision_is_that_of_the_products(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch, rough: str
) -> None:
    monkeypatch.setattr("nmt.models.quantization.WORTH", 0)
    lines = ["the cat ran", "", "a dog"]
    pairs = list(zip(lines, ["le chat", "", "un chien"], strict=True))
    scores = {}
    for precision in ("fp32", rough):
        translator = Translator.load(run.path, device="cpu", precision=precision)
        assert len(translator.translate(lines)) == 3
        scores[precision] = [score.log_prob for score in translator.score_pairs(pairs)]
    assert scores[rough] != scores["fp32"]
    assert scores[rough] == pytest.approx(scores["fp32"], abs=0.2)


def test_refuses_a_precision_that_it_has_not_or_the_device_cannot(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(
        ValueError, match="precision must be one of auto, fp32, bf16, int8, got 'fp8'"
    ):
        Translator.load(run.path, device="cpu", precision="fp8")
    monkeypatch.setattr("nmt.device.obstacle", lambda *given: "no LSTM")
    message = r"^precision=bf16 does not work on this cpu: use fp32 \(no LSTM\)$"
    with pytest.raises(ValueError, match=message):
        Translator.load(run.path, device="cpu", precision="bf16")


def test_loading_takes_the_fastest_precision(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nmt.models.quantization.WORTH", 0)
    for fastest in ("fp32", "int8"):
        monkeypatch.setattr(loading_translator, "fastest_precision", lambda *_, it=fastest: it)
        layers = Translator.load(run.path, device="cpu").model.modules()
        assert any(isinstance(layer, Int8Linear) for layer in layers) == (fastest == "int8")


def test_batches_fit_the_device(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    translator = Translator.load(run.path, device="cpu")
    assert translator.lines_at_once == 1024
    monkeypatch.setattr(loading_translator, "translation_tokens", lambda device: 2**16)
    assert Translator.load(run.path, device="cpu").lines_at_once == 2**14
    assert Translator.load(run.path, device="cpu", batch_tokens=7).lines_at_once == 1024
