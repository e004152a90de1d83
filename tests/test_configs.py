import inspect
from collections import abc
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import hydra
import pytest
import torch
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf
from torch import nn

from nmt.checks import dotted
from nmt.cli import app  # registers what the configs refer to
from nmt.cli.config_files import ConfigFiles, shipped_configs
from nmt.data.augmentation import Augmentation
from nmt.data.batches import Curriculum
from nmt.data.cleaning import CleaningRules
from nmt.evaluation.bootstrap import Bootstrap
from nmt.evaluation.recipe import Scoring
from nmt.factory import factory
from nmt.models.weights import SkipInit
from nmt.search.base import Search
from nmt.server.limits import Limits
from nmt.tokenizer import Tokenizer
from nmt.training.optimizer import adamw
from nmt.training.schedule import Schedule
from nmt.training.train_state import TrainerSettings
from nmt.translator import Translator, build_model

CONFIGS = shipped_configs()
FILES = ConfigFiles()
assert app.launch


def options(group: str) -> list[str]:
    """Those that can be chosen."""
    return [name for name in FILES.choices(group) if "/" not in name]


@pytest.fixture(scope="module", autouse=True)
def _hydra() -> Iterator[None]:
    with hydra.initialize_config_dir(str(CONFIGS), version_base="1.3"):
        yield
    assert not GlobalHydra.instance().is_initialized()


def composed(config_name: str, overrides: Sequence[str] = (), part: str | None = None) -> Any:
    """The config, or a part of it, as plain values; interpolations resolved in a part only."""
    cfg = hydra.compose(config_name, list(overrides))
    if part is None:
        return OmegaConf.to_container(cfg)
    return OmegaConf.to_container(cfg[part], resolve=True)


def parameters(spec: dict[str, Any], vocab_size: int = 8000) -> int:
    with torch.device("meta"), SkipInit():
        model = build_model(spec, src_vocab_size=vocab_size, tgt_vocab_size=vocab_size)
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize(
    "model", options("model") + [f"small/{name}" for name in options("model/small")]
)
def test_every_model_builds(model: str) -> None:
    assert parameters(composed("train", [f"model={model}"], "model")) > 0


@pytest.mark.parametrize("attention", options("model/attention"))
def test_every_attention_builds_in_every_lstm(attention: str) -> None:
    spec = composed("train", ["model=lstm", f"model/attention={attention}"], "model")
    bahdanau = composed("train", ["model=lstm_bahdanau"], "model")
    assert parameters(spec) > 0
    assert (spec == bahdanau) == (attention == "bahdanau")
    for model in ("lstm_bahdanau", "small/lstm", "small/lstm_bahdanau"):
        other = composed("train", [f"model={model}", f"model/attention={attention}"], "model")
        assert other["attention"] == spec["attention"]


@pytest.mark.parametrize("vocab_size", [2000, 8000, 32000])
@pytest.mark.parametrize("group", ["", "small/"])
def test_the_models_of_a_group_are_of_one_size(group: str, vocab_size: int) -> None:
    sizes = [
        parameters(composed("train", [f"model={group}{model}"], "model"), vocab_size)
        for model in ("lstm", "lstm_bahdanau", "lstm_reversed", "transformer")
    ]
    assert max(sizes) <= 1.1 * min(sizes)


@pytest.mark.parametrize("search", options("search"))
@pytest.mark.parametrize("command", ["train", "translate", "evaluate"])
def test_every_search_builds(command: str, search: str) -> None:
    given = ["run=x"] if command == "translate" else []
    spec = composed(command, [f"search={search}", *given], "search")
    assert isinstance(factory(spec, Search, name="search")(), Search)


def test_translating_searches_with_a_beam() -> None:
    for command in ("translate", "evaluate"):
        assert composed(command, [], "search")["beam_size"] > 1


@pytest.mark.parametrize("schedule", options("schedule"))
def test_every_schedule_builds(schedule: str) -> None:
    spec = composed("train", [f"schedule={schedule}"], "schedule")
    made = factory(spec, Schedule, name="schedule")(total_steps=10_000)
    assert made.factor(spec["warmup_steps"]) == pytest.approx(1)


@pytest.mark.parametrize("optimizer", options("optimizer"))
def test_every_optimizer_builds(optimizer: str) -> None:
    spec = composed("train", [f"optimizer={optimizer}"], "optimizer")
    assert adamw(nn.Linear(2, 2), **spec).param_groups[0]["lr"] == spec["lr"]


@pytest.mark.parametrize("trainer", options("trainer"))
def test_every_trainer_has_valid_settings(trainer: str) -> None:
    TrainerSettings(**composed("train", [f"trainer={trainer}"], "trainer"))


@pytest.mark.parametrize("tokenizer", options("tokenizer"))
def test_every_tokenizer_trains(tokenizer: str) -> None:
    spec = composed("train", [f"tokenizer={tokenizer}", "tokenizer.vocab_size=284"], "tokenizer")
    del spec["sampling"], spec["max_pairs"], spec["model"]
    pairs = [("the cat sees the dog", "le chat voit le chien")] * 3
    assert Tokenizer.train(pairs, **spec).src_vocab_size == 284


@pytest.mark.parametrize("data", options("data"))
def test_every_corpus_has_what_all_have(data: str) -> None:
    values = composed("train", [f"data={data}"])["data"]
    missing = [f"data.{name}=x" for name, value in dotted(values) if value == "???"]
    found = composed("train", [f"data={data}", *missing], "data")
    assert {
        "format",
        "src_lang",
        "tgt_lang",
        "train",
        "valid",
        "tests",
        "max_pairs",
        "cache",
        "cleaning",
    } <= set(found)
    CleaningRules(**found["cleaning"])
    parts = [found["train"], found["valid"], *found["tests"].values()]
    for part in parts:
        assert isinstance(part, str | int) or set(part) == {"src", "tgt"}
    assert isinstance(found["train"], dict) == (found["format"] == "text" and data != "corpora")


def test_swapped_languages_swap_the_files_of_a_corpus() -> None:
    languages = ["data.src_lang=en", "data.tgt_lang=de"]
    found = composed("train", ["data=multi30k", "data.dir=x", *languages], "data")
    assert found["train"] == {"src": "x/train.en", "tgt": "x/train.de"}


def test_the_demo_corpus_is_there() -> None:
    found = composed("train", ["data=demo"], "data")
    for pair in (found["train"], found["valid"], *found["tests"].values()):
        assert Path(pair["src"]).is_file()
        assert Path(pair["tgt"]).is_file()


def experiments() -> Iterator[tuple[str, str]]:
    """Each with every model, or with one if it says nothing of models."""
    for name in options("experiment"):
        says = "model:" in (CONFIGS / "experiment" / f"{name}.yaml").read_text(encoding="utf-8")
        for model in ("transformer", "lstm", "lstm_bahdanau")[: 3 if says else 1]:
            yield name, model


@pytest.mark.parametrize(("experiment", "model"), list(experiments()))
def test_every_experiment_composes_with_every_model(experiment: str, model: str) -> None:
    plain = composed("train", [f"model={model}"])
    found = composed("train", [f"experiment={experiment}", f"model={model}"])
    assert found["model"]["_target_"] == plain["model"]["_target_"]
    assert set(found["trainer"]) == set(plain["trainer"])
    TrainerSettings(**found["trainer"])
    parameters(found["model"])


def test_evaluating_starts_from_valid_settings() -> None:
    cfg = composed("evaluate")
    names = set(inspect.signature(Scoring).parameters) - {"bootstrap"}
    values = {name: cfg[name] for name in names}
    decided_by_the_run = {name for name, value in values.items() if value is None}
    assert decided_by_the_run == {"unit", "tokenize", "edges", "quantiles"}
    given = {name: values[name] for name in names - decided_by_the_run}
    assert Scoring(**given, bootstrap=Bootstrap(**cfg["bootstrap"])) == Scoring(
        edges=[10, 20, 30, 40, 50, 60]
    )


BY_CODE = {
    "model": {"src_vocab_size", "tgt_vocab_size"},
    "model/attention": {"query_size", "key_size"},
    "schedule": {"total_steps"},
    "optimizer": {"model"},
    "tokenizer": {"pairs"},
    "search": set(),
    "trainer": set(),
    "translate": {"run", "search"},
}
"""What code hands to the class or function of a group, over and above what its YAML says."""

ELSEWHERE = {"tokenizer": {"sampling", "max_pairs", "model"}}
"""What of a section other code takes out."""

SECTIONS: dict[str, Callable[..., Any]] = {
    "optimizer": adamw,
    "trainer": TrainerSettings,
    "tokenizer": Tokenizer.train,
}
"""What takes a section whole that names no class."""


Taker = tuple[str, str, Callable[..., Any], dict[str, Any]]


@pytest.fixture(scope="module")
def takers() -> list[Taker]:
    """Each group and choice, what takes its section and the section."""
    return list(_takers())


def _takers() -> Iterator[Taker]:
    for group in BY_CODE.keys() - {"translate"}:
        for choice in FILES.choices(group):
            base = ["model=lstm"] if group == "model/attention" else []
            spec = composed("train", [*base, f"{group}={choice}"], group.partition("/")[0])
            spec = spec["attention"] if group == "model/attention" else spec
            yield group, choice, SECTIONS.get(group) or named(spec.pop("_target_")), spec
    translating = {"device", "precision", "batch_tokens", "trusted_packages"}
    given = composed("translate", ["run=x"])
    yield "translate", "", Translator.load, {name: given[name] for name in translating}


def named(target: str) -> type[Any]:
    module, _, name = target.rpartition(".")
    found: type[Any] = getattr(import_module(module), name)
    return found


def test_every_section_has_the_options_of_its_taker_and_their_defaults(
    takers: list[Taker],
) -> None:
    for group, choice, taker, section in takers:
        place = f"{group}={choice}"
        options = inspect.signature(taker).parameters
        supplied = BY_CODE[group]
        assert not supplied & set(section), place
        assert set(options) == supplied | (set(section) - ELSEWHERE.get(group, set())), place
        if "/" in choice:
            continue  # a preset, whose values are others than the defaults
        for name in set(options) - supplied:
            default = options[name].default
            value = tuple(section[name]) if isinstance(default, tuple) else section[name]
            assert default in (inspect.Parameter.empty, value), f"{place}: {name}"


def test_every_value_fits_the_type_of_its_option(takers: list[Taker]) -> None:
    for group, choice, taker, section in takers:
        function = taker.__init__ if inspect.isclass(taker) else taker
        types = get_type_hints(function)
        for name, value in section.items():
            if name not in ELSEWHERE.get(group, set()):
                assert fits(value, types[name]), f"{group}={choice}: {name}={value!r}"


def fits(value: Any, kind: Any) -> bool:
    """Whether a value as YAML has it may stand where an annotation does."""
    if get_origin(kind) in (Union, UnionType):
        return any(fits(value, one) for one in get_args(kind))
    if get_origin(kind) is abc.Sequence:
        return isinstance(value, list) and all(fits(one, get_args(kind)[0]) for one in value)
    if get_origin(kind) is abc.Callable:
        return isinstance(value, dict) and "_target_" in value
    allowed = {float: (int, float), type(None): (type(None),)}
    return type(value) in allowed.get(kind, (kind,))


def test_evaluating_and_cleaning_have_the_options_and_defaults_of_their_classes() -> None:
    """What stands beside others in ``configs/evaluate.yaml``, or within a corpus."""
    evaluating = composed("evaluate")
    sections = {
        CleaningRules: composed("train", [], "data")["cleaning"],
        Augmentation: composed("train", [], "data")["augment"],
        Curriculum: composed("train", [], "data")["curriculum"],
        Bootstrap: evaluating["bootstrap"],
        Limits: composed("serve")["limits"],
    }
    for cls, section in sections.items():
        assert set(section) == set(inspect.signature(cls).parameters)
        assert cls(**section) == cls()
        assert all(fits(value, get_type_hints(cls)[name]) for name, value in section.items())
    assert set(inspect.signature(Scoring).parameters) <= set(evaluating)
