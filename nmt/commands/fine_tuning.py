"""init_from: starts a run from the tokenizer, model and weights of another run."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser

from nmt import checks
from nmt.models.weights import check_weights
from nmt.run_directory import RunDirectory
from nmt.tokenizer import Tokenizer, load_tokenizer
from nmt.translator import build_model


@dataclass(frozen=True)
class InitialWeights:
    """The run from which fine-tuning starts. weights: the file with its serving weights."""

    name: str
    weights: Path
    sha256: str
    tokenizer: Tokenizer

    @classmethod
    def of(cls, run: RunDirectory) -> "InitialWeights":
        """Raises ValueError or OSError for a run that is damaged or has no trained model yet."""
        weights = run.serving()
        sha256 = run.manifest()["files"][weights.name]
        return cls(run_label(run.path), weights, sha256, load_tokenizer(run))

    def check_fits(self, model: Mapping[str, Any], trusted_packages: Sequence[str]) -> None:
        """ValueError if the weights do not fit the ``model`` section. Takes no memory."""
        build = partial(
            build_model,
            model,
            src_vocab_size=self.tokenizer.src_vocab_size,
            tgt_vocab_size=self.tokenizer.tgt_vocab_size,
            trusted_packages=trusted_packages,
        )
        try:
            check_weights(build, self.weights)
        except ValueError as error:
            raise ValueError(
                f"init_from={self.name}: a run that is fine-tuned keeps its architecture, only "
                f"options that leave the weights' shapes alone may change: {error}"
            ) from None


def check_begun_from(run: RunDirectory, init_from: str | Path) -> None:
    """ValueError unless a resumed run began from the run ``init_from``."""
    begun = (run.manifest().get("init_from") or {}).get("run")
    if begun != (name := run_label(init_from)):
        said = f"was begun from {begun}, not from {name}" if begun else "was begun from no run"
        raise ValueError(f"{run.path} {said}: leave init_from as it was, or choose another run=")


def run_label(run: str | Path) -> str:
    """The name of a run directory, independent of the path to it."""
    return Path(str(run)).resolve().name


def inherited(
    config: Mapping[str, Any], source: RunDirectory, overrides: Sequence[str]
) -> dict[str, Any]:
    """The config with the ``model`` and ``tokenizer`` sections of a run.

    source: the run to fine-tune, or a run that began with init_from and is resumed.
    overrides: the options that the command line sets; its model.OPTION and tokenizer.sampling win.

    Raises ValueError for a choice of model or tokenizer that is not the run's.
    """
    run_config = {name: source.section(name) for name in ("model", "tokenizer")}
    if wrong := sorted(run_config["tokenizer"].keys() ^ config["tokenizer"].keys()):
        raise ValueError(f"{source.path}: its config has other options: tokenizer.{wrong[0]}")
    parsed = OverridesParser.create().parse_overrides(list(overrides))
    given = [str(override.key_or_group) for override in parsed]
    sections = deepcopy(run_config)
    for option in given:
        *outer, name = option.split(".")
        if outer and outer[0] in sections:
            target, chosen = sections, config
            for part in outer:
                target, chosen = target.setdefault(part, {}), chosen[part]
            target[name] = chosen[name]
    before, now = run_config["tokenizer"], sections["tokenizer"]
    _check_same("tokenizer", before, now | {"sampling": before.get("sampling")}, source)
    for name in given:
        section = name.partition("/")[0]
        if section in sections:
            chosen = config[section]
            if section == "tokenizer":
                chosen = chosen | {"sampling": now.get("sampling")}
            _check_same(section, sections[section], chosen, source)
    return {**config, **sections}


def _check_same(
    section: str, of_run: Mapping[str, Any], given: Mapping[str, Any], run: RunDirectory
) -> None:
    """ValueError for the first option in which two sections differ."""
    before, now = dict(checks.dotted(of_run)), dict(checks.dotted(given))
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) != now.get(name):
            raise ValueError(
                f"init_from takes the {section} of {run.path}, which has {section}.{name}="
                f"{before.get(name)}, not {now.get(name)}: leave {section}= out"
            )
