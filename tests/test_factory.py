import sys
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import pytest

from nmt.factory import factory
from nmt.models.attention import AdditiveAttention, ContextSource
from nmt.models.interface import Seq2SeqModel
from nmt.models.lstm import LSTMSeq2Seq

ADDITIVE = {"_target_": "nmt.models.attention.AdditiveAttention", "attention_size": 3}
LSTM = {"_target_": "nmt.models.lstm.LSTMSeq2Seq", "hidden_size": 8, "attention": ADDITIVE}


def test_fills_in_options_and_leaves_the_rest_to_the_caller() -> None:
    attention = factory(ADDITIVE, ContextSource, name="attention")(query_size=4, key_size=5)
    assert isinstance(attention, AdditiveAttention)
    assert attention.key.weight.shape == (3, 5)
    assert attention.query.weight.shape == (3, 4)


def test_nested_specs_become_factories() -> None:
    model = factory(LSTM, Seq2SeqModel, name="model", nested={"attention": ContextSource})(
        src_vocab_size=9,
        tgt_vocab_size=9,
        embed_size=4,
        num_layers=1,
        dropout=0.0,
        share_embeddings=False,
        encoder_directions="both",
    )
    assert isinstance(model, LSTMSeq2Seq)
    assert any(isinstance(module, AdditiveAttention) for module in model.modules())


def test_one_trusted_package_is_a_list_too() -> None:
    with pytest.raises(ValueError, match="trusted_packages must be a list of names, got 'mine'"):
        factory(ADDITIVE, ContextSource, name="attention", trusted_packages="mine")


def test_the_spec_is_left_as_it_was() -> None:
    spec = {**LSTM, "attention": dict(ADDITIVE)}
    factory(spec, Seq2SeqModel, name="model", nested={"attention": ContextSource})
    assert spec == LSTM


@pytest.mark.parametrize(
    ("target", "complaint"),
    [
        ("os.system", "is not in nmt"),
        ("builtins.open", "is not in nmt"),
        ("nmtx.models.Model", "is not in nmt"),
        ("system", "is not in nmt"),
        ("nmt.models.os.system", "No module named"),
        ("nmt.run_directory.os.system", "No module named|not a package"),
        ("nmt.run_directory.os", "defines no class"),
        ("nmt.run_directory.sha256_file", "defines no class"),
        ("nmt.run_directory.Path", "defines no class"),
        ("nmt.models.attention.nn.Linear", "No module named|not a package"),
        ("nmt.models.attention.Nothing", "defines no class"),
        ("nmt.run_directory.RunDirectory", "is no usable ContextSource"),
        ("nmt.models.attention.ScoredAttention", "is no usable ContextSource"),
        ("nmt.models.attention.", "no name of a class"),
    ],
)
def test_refuses_what_is_no_class_of_ours_for_the_slot(target: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint) as caught:
        factory({"_target_": target}, ContextSource, name="model.attention")
    assert str(caught.value).startswith(f"model.attention._target_={target}")


@pytest.mark.parametrize("spec", [{}, {"_target_": 3}, "nmt.models", None, {"hidden_size": 3}])
def test_refuses_what_is_no_spec(spec: Any) -> None:
    with pytest.raises(ValueError, match="model must be a mapping with _target_"):
        factory(spec, Seq2SeqModel, name="model")


def test_names_the_path_of_an_unknown_option() -> None:
    spec = {**LSTM, "attention": {**ADDITIVE, "atention_size": 3}}
    with pytest.raises(
        ValueError,
        match=r"unknown option model\.attention\.atention_size: "
        r"did you mean model\.attention\.attention_size\?",
    ):
        factory(spec, Seq2SeqModel, name="model", nested={"attention": ContextSource})


def test_a_class_where_a_value_belongs_is_refused() -> None:
    spec = {**LSTM, "hidden_size": ADDITIVE}
    with pytest.raises(ValueError, match=r"model\.hidden_size takes a plain value"):
        factory(spec, Seq2SeqModel, name="model", nested={"attention": ContextSource})


class Slot(ABC):
    @abstractmethod
    def answer(self) -> int: ...


OUTSIDE = """
from pathlib import Path
from tests.test_factory import Slot

Path(__file__).with_name("imported").touch()

class Outside(Slot):
    def answer(self) -> int:
        return 42
"""


def test_other_packages_only_if_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "outside_package.py").write_text(OUTSIDE)
    monkeypatch.syspath_prepend(tmp_path)
    spec = {"_target_": "outside_package.Outside"}
    with pytest.raises(ValueError, match="trusted_packages"):
        factory(spec, Slot, name="model")
    assert not (tmp_path / "imported").exists()
    made = factory(spec, Slot, name="model", trusted_packages=["outside_package"])()
    assert made.answer() == 42
    sys.modules.pop("outside_package")


def test_a_trusted_file_in_the_current_directory_is_found_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("lying_here", "colorsys"):  # a module of Python's own that nothing imports
        (tmp_path / f"{name}.py").write_text(OUTSIDE)
    monkeypatch.chdir(tmp_path)
    sys.modules.pop("colorsys", None)
    before = list(sys.path)
    made = factory(
        {"_target_": "lying_here.Outside"}, Slot, name="model", trusted_packages=["lying_here"]
    )()
    assert made.answer() == 42
    with pytest.raises(ValueError, match="defines no class"):
        factory({"_target_": "colorsys.Outside"}, Slot, name="model", trusted_packages=["colorsys"])
    with pytest.raises(ValueError, match=r"No module named 'lying_there'; .* current directory"):
        factory({"_target_": "lying_there.A"}, Slot, name="model", trusted_packages=["lying_there"])
    assert sys.path == before
    sys.modules.pop("lying_here")


def test_an_unfinished_class_is_told_what_it_lacks() -> None:
    with pytest.raises(ValueError, match="ScoredAttention is no usable ContextSource: it lacks"):
        factory(
            {"_target_": "nmt.models.attention.ScoredAttention"}, ContextSource, name="attention"
        )
