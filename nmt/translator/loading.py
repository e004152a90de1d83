"""Loads the model, the tokenizer and the languages of a run directory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from nmt.data.statistics import TextStatistics
from nmt.factory import factory
from nmt.models.attention import ContextSource
from nmt.models.ensemble import Ensemble
from nmt.models.interface import Seq2SeqModel
from nmt.models.weights import SkipInit, check_weights, load_weights
from nmt.run_directory import MANIFEST, RunDirectory
from nmt.tokenizer import Tokenizer, load_tokenizer


@dataclass(frozen=True)
class LoadedRun:
    """The parts of a translator.

    tokenizer_files: name -> sha256; two runs with equal ones share a tokenizer.
    longest_source: tokens of the longest source in training without EOS; None where unknown.
    statistics: of the training text; None of a run that was saved before they were kept.
    """

    model: Seq2SeqModel
    tokenizer: Tokenizer
    tokenizer_files: Mapping[str, str]
    longest_source: int | None
    src_lang: str
    tgt_lang: str
    statistics: TextStatistics | None = None


def load_runs(
    run: str | Path | Sequence[str | Path], *, trusted_packages: Sequence[str] = ()
) -> LoadedRun:
    """Loads a run, or several as an ensemble, whose ``longest_source`` is the smallest of theirs.
    Raises what ``load_run`` raises, and ValueError for runs whose tokenizers differ."""
    paths = [run] if isinstance(run, str | Path) else list(run)
    if not paths:
        raise ValueError("run= names no run directory")
    runs = [load_run(path, trusted_packages=trusted_packages) for path in paths]
    first = runs[0]
    for path, other in zip(paths, runs, strict=True):
        if other.tokenizer_files != first.tokenizer_files:
            raise ValueError(
                f"{paths[0]} and {path} have different tokenizers: only models trained with the "
                f"same one can translate together (init_from= takes over a run's tokenizer)"
            )
        if (rules := other.tokenizer.normalization) != first.tokenizer.normalization:
            raise ValueError(
                f"{paths[0]} normalises text by {first.tokenizer.normalization.described}, {path} "
                f"by {rules.described}: only models that read the same text can translate together"
            )
    if len(runs) == 1:
        return first
    shortest = min((r.longest_source for r in runs if r.longest_source is not None), default=None)
    return replace(first, model=Ensemble([each.model for each in runs]), longest_source=shortest)


def load_run(path: str | Path, *, trusted_packages: Sequence[str] = ()) -> LoadedRun:
    """Loads a run, its model in fp32 on the CPU. Arguments and errors: see ``Translator.load``."""
    directory = RunDirectory.open(path)
    weights = directory.serving()
    manifest, config = directory.manifest(), directory.config()
    names = [file.name for file in directory.path.glob("tokenizer*.model")]
    tokenizer = load_tokenizer(directory)
    build = partial(
        build_model,
        config.get("model", {}),
        src_vocab_size=tokenizer.src_vocab_size,
        tgt_vocab_size=tokenizer.tgt_vocab_size,
        trusted_packages=trusted_packages,
    )
    check_weights(build, weights)
    with SkipInit():
        model = build()
    load_weights(model, weights)
    data = config.get("data") or {}
    return LoadedRun(
        model=model,
        tokenizer=tokenizer,
        tokenizer_files={name: manifest["files"][name] for name in names},
        longest_source=manifest.get("longest_source"),
        src_lang=str(data.get("src_lang") or ""),
        tgt_lang=str(data.get("tgt_lang") or ""),
        statistics=_statistics(manifest.get("text"), directory),
    )


def _statistics(values: Any, directory: RunDirectory) -> TextStatistics | None:
    try:
        return None if values is None else TextStatistics.from_dict(values)
    except ValueError as error:
        raise ValueError(f"{directory.path / MANIFEST} is damaged: {error}") from error


def build_model(
    spec: Mapping[str, Any],
    *,
    src_vocab_size: int,
    tgt_vocab_size: int,
    trusted_packages: Sequence[str] = (),
) -> Seq2SeqModel:
    """Builds the model that the ``model`` section of a config names."""
    build = factory(
        spec,
        Seq2SeqModel,
        name="model",
        nested={"attention": ContextSource},
        trusted_packages=trusted_packages,
    )
    return build(src_vocab_size=src_vocab_size, tgt_vocab_size=tgt_vocab_size)
