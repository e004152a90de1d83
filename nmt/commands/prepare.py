"""nmt-prepare, and the first thing that nmt-train does: from rows to token ids on disk."""

import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf

from nmt import checks
from nmt.data.ids import IdsStore, encoded
from nmt.disk_cache import Cache
from nmt.data.corpus import ParallelCorpus, load_corpus
from nmt.device import return_freed_memory
from nmt.run_directory import RunDirectory, check_test_name
from nmt.tokenizer import Tokenizer

log = logging.getLogger(__name__)

_FORMAT = 1  # of the tokenizers that are kept


@dataclass(frozen=True)
class Prepared:
    """A corpus, what cuts it into tokens, and its training pairs as ids."""

    corpus: ParallelCorpus
    tokenizer: Tokenizer
    ids: IdsStore


def prepare(cfg: DictConfig) -> None:
    """Prepare as ``configs/prepare.yaml`` says; a summary goes to stdout."""
    config = cast(dict[str, Any], OmegaConf.to_container(cfg, resolve=True))
    threads = config["threads"]
    threads = checks.positive_int("threads", threads) if threads is not None else os.cpu_count()
    start = time.monotonic()
    tokenizer = None
    if config["init_from"] is not None:
        tokenizer = tokenizer_of(RunDirectory.open(str(config["init_from"])))
    cache = cache_of(config["data"])
    done = prepared(config["data"], config["tokenizer"], cache, threads or 1, tokenizer)
    seconds = time.monotonic() - start
    for line in (*done.corpus.cleaning.lines(), *_described(done, cache, seconds)):
        print(line)


def cache_of(data: Mapping[str, Any]) -> Cache:
    """Where prepared corpora are kept."""
    place = data.get("cache")
    return Cache(None if place is None else Path(str(place)).expanduser())


def prepared(
    data: Mapping[str, Any],
    options: Mapping[str, Any],
    cache: Cache,
    threads: int,
    tokenizer: Tokenizer | None = None,
) -> Prepared:
    """What the ``data`` and ``tokenizer`` sections describe, made now or taken from the cache.

    tokenizer: where given it is used, and ``options`` are not.
    """
    _check(data, options)
    corpus = load_corpus(data, cache)
    tokenizer = tokenizer or _tokenizer(corpus, options, cache)
    ids = encoded(corpus.train, corpus.fingerprints["train"], tokenizer, cache, threads)
    return Prepared(corpus, tokenizer, ids)


def tokenizer_of(run: RunDirectory) -> Tokenizer:
    """The tokenizer of a run, after its files have been compared with their sha256."""
    for file in run.path.glob("tokenizer*.model"):
        run.verified(file.name)
    return Tokenizer.load(run.path)


def _check(data: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    """ValueError for what would fail only after a long corpus was read."""
    for name in data["tests"]:
        check_test_name(str(name))
    checks.probability("tokenizer.sampling", options["sampling"])
    checks.positive_int("tokenizer.vocab_size", options["vocab_size"])


def _tokenizer(corpus: ParallelCorpus, options: Mapping[str, Any], cache: Cache) -> Tokenizer:
    """Trained on pairs drawn at random where there are many."""
    options = {name: value for name, value in options.items() if name != "sampling"}
    most = checks.positive_int("tokenizer.max_pairs", options.pop("max_pairs"))
    pairs = corpus.train.drawn(most)
    key = {
        "format": _FORMAT,
        "sentencepiece": version("sentencepiece"),
        "text": corpus.fingerprints["train"],
        "pairs": len(pairs),
        "options": options,
    }

    def build(directory: Path) -> None:
        log.info("learning subword pieces from %s pairs", f"{len(pairs):,}")
        Tokenizer.train(pairs, **options).save(directory)
        return_freed_memory()  # SentencePiece held the sample twice over

    return Tokenizer.load(cache.entry("tokenizer", key, build))


def _described(done: Prepared, cache: Cache, seconds: float) -> list[str]:
    tokenizer, tokens = done.tokenizer, done.ids.tokens
    sizes = f"{tokenizer.src_vocab_size:,}"
    if not tokenizer.joint:
        sizes = f"{sizes} and {tokenizer.tgt_vocab_size:,}"
    return [
        f"vocabulary of {sizes} pieces",
        f"{tokens['src']:,} source and {tokens['tgt']:,} target tokens;"
        f" longest source: {done.ids.longest_source:,}",
        f"ready after {seconds:.1f} s in {cache.place}",
    ]
