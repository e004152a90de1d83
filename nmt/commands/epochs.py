"""What each epoch of a training reads, as its options say."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, TypeVar, cast

import torch

from nmt import checks, distributed
from nmt.commands.prepare import PreparedData
from nmt.data.ahead import EpochsAhead, EpochText
from nmt.data.augmentation import Augmentation, Augmenter
from nmt.data.batches import Curriculum, EncodedPairs, TrainingBatches
from nmt.disk_cache import DiskCache
from nmt.training.train_state import TrainerSettings

T = TypeVar("T")

MOST_AHEAD = 4
"""Epochs that are encoded at once while a GPU trains."""


def check_epochs(config: Mapping[str, Any]) -> None:
    """ValueError for bad options of ``data.augment`` and ``data.curriculum``."""
    _shares(config)
    _curriculum(config)


def training_batches(
    ready: PreparedData,
    config: Mapping[str, Any],
    cache: DiskCache,
    batch_tokens: int,
    device: torch.device,
) -> TrainingBatches:
    """The batches of every epoch, for a model on this device. Raises ValueError for a curriculum
    without short pairs."""
    with checks.section("data.curriculum"):
        curriculum = _curriculum(config)
        curriculum.check_fits(ready.ids.lengths)
    return TrainingBatches(
        _encoder(ready, config, cache, device),
        batch_tokens=batch_tokens,
        seed=config["seed"],
        mixture=ready.corpus.mixture,
        curriculum=curriculum,
    )


def total_steps(settings: TrainerSettings, batches: TrainingBatches) -> int | None:
    """The last step that max_steps and max_epochs allow; None where only time limits training."""
    limits = [settings.max_steps] if settings.max_steps is not None else []
    if settings.max_epochs is not None:
        short = min(batches.curriculum.epochs, settings.max_epochs)
        steps = 0
        # The first epoch last: it is kept for training, which begins with it.
        for first, count in ((short, settings.max_epochs - short), (0, short)):
            length = batches.epoch(first)[0] if count else 0
            steps += count * -(-length // (settings.accumulate * distributed.size()))
        limits.append(steps)
    return min(limits, default=None)


def _encoder(
    ready: PreparedData, config: Mapping[str, Any], cache: DiskCache, device: torch.device
) -> Callable[[int], EncodedPairs]:
    """epoch -> ids of all pairs; they differ between epochs where the tokenizer samples or pairs
    are changed."""
    sampling, seed, shares = config["tokenizer"]["sampling"], config["seed"], _shares(config)
    tokenizer, text, statistics = ready.tokenizer, ready.corpus.train, ready.ids.statistics
    prefixes = statistics.source_prefixes if statistics else ()
    augmenter = Augmenter(
        shares,
        placeholders=tokenizer.placeholders,
        src_lang=ready.corpus.src_lang,
        tgt_lang=ready.corpus.tgt_lang,
        seed=seed,
        source_prefixes=(*prefixes, *ready.corpus.tags),
    )
    if not (sampling or shares):
        return lambda epoch: ready.ids
    epochs = EpochText(
        text,
        ready.ids,
        tokenizer,
        sampling=sampling,
        seed=seed,
        augmenter=augmenter if shares else None,
    )
    threads = torch.get_num_threads()
    # Beside a GPU the processors have time for more epochs than the next one.
    ahead = 1 if device.type == "cpu" else min(threads, MOST_AHEAD)
    return EpochsAhead(epochs, cache, threads=threads, ahead=ahead)


def _shares(config: Mapping[str, Any]) -> Augmentation:
    """The shares of training pairs that change."""
    return _of_data(config, "augment", Augmentation)


def _curriculum(config: Mapping[str, Any]) -> Curriculum:
    """Which epochs read short pairs only."""
    return _of_data(config, "curriculum", Curriculum)


def _of_data(config: Mapping[str, Any], name: str, made: Callable[..., T]) -> T:
    """What a group of options of ``data`` describes."""
    with checks.section(f"data.{name}"):
        options = config["data"][name]
        checks.known_options("", options, [field.name for field in fields(cast(Any, made))])
        return made(**options)
