"""Read, clean and encode a corpus ahead of training, and report on it. nmt-train with the same data
and tokenizer options then starts at once.

  nmt-prepare data=tsv data.src_lang=en data.tgt_lang=fr data.train=pairs.tsv data.valid=1000
  nmt-prepare data=wmt14 tokenizer=unigram tokenizer.vocab_size=16000
  nmt-prepare data=opus100 data.max_pairs=200000 data.cache=prepared
"""

import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf

from nmt import checks
from nmt.data.corpus import ParallelCorpus, learn_tokenizer, load_corpus
from nmt.data.stores import IdsStore, encoded
from nmt.disk_cache import DiskCache
from nmt.run_directory import RunDirectory, check_test_name
from nmt.tokenizer import Tokenizer, load_tokenizer

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PreparedData:
    """A corpus, what cuts it into tokens, and its training pairs as ids."""

    corpus: ParallelCorpus
    tokenizer: Tokenizer
    ids: IdsStore


def main(cfg: DictConfig) -> None:
    """Prepare as ``configs/prepare.yaml`` says; a summary goes to stdout."""
    config = cast(dict[str, Any], OmegaConf.to_container(cfg, resolve=True))
    threads = config["threads"]
    threads = checks.positive_int("threads", threads) if threads is not None else os.cpu_count()
    start = time.monotonic()
    tokenizer = None
    if config["init_from"] is not None:
        tokenizer = load_tokenizer(RunDirectory.open(str(config["init_from"])))
    cache = cache_of(config["data"])
    done = prepare_data(config["data"], config["tokenizer"], cache, threads or 1, tokenizer)
    seconds = time.monotonic() - start
    for line in (*done.corpus.cleaning.lines(), *_described(done, cache, seconds)):
        print(line)


def cache_of(data: Mapping[str, Any]) -> DiskCache:
    """Where prepared corpora are kept."""
    place = data.get("cache")
    directory = None if place is None else Path(str(place)).expanduser()
    return DiskCache(directory, named_by="data.cache=")


def prepare_data(
    data: Mapping[str, Any],
    options: Mapping[str, Any],
    cache: DiskCache,
    threads: int,
    tokenizer: Tokenizer | None = None,
) -> PreparedData:
    """What the ``data`` and ``tokenizer`` sections describe, made now or taken from the cache.

    tokenizer: where given it is used, and ``options`` are not.
    """
    _check(data, options)
    with checks.section("data"):
        corpus = load_corpus(data, cache)
    with checks.section("tokenizer"):
        tokenizer = tokenizer or learn_tokenizer(corpus, options, cache)
    ids = encoded(corpus.train, corpus.fingerprints["train"], tokenizer, cache, threads)
    return PreparedData(corpus, tokenizer, ids)


def _check(data: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    """ValueError for what would fail only after a long corpus was read."""
    for name in data["tests"]:
        with checks.section("data"):
            check_test_name(str(name))
    checks.probability("tokenizer.sampling", options["sampling"])
    checks.positive_int("tokenizer.vocab_size", options["vocab_size"])


def _described(done: PreparedData, cache: DiskCache, seconds: float) -> list[str]:
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
