"""Read, clean and encode a corpus ahead of training, and report on it. nmt-train with the same data
and tokenizer options then starts at once.

  nmt-prepare data=tsv data.src_lang=en data.tgt_lang=fr data.train=pairs.tsv data.valid=1000
  nmt-prepare data=wmt14 tokenizer=unigram tokenizer.vocab_size=16000
  nmt-prepare data=opus100 data.max_pairs=200000 data.cache=prepared
  nmt-prepare cache=list                          what is kept, and how large it is
  nmt-prepare cache=clear                         deletes it
"""

import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf

from nmt import checks
from nmt.data.corpus import ParallelCorpus, learn_tokenizer, load_corpus
from nmt.data.stores import IdsStore, encoded
from nmt.disk_cache import DiskCache
from nmt.files import size_text
from nmt.run_directory import RunDirectory, check_test_name
from nmt.tokenizer import Tokenizer, load_tokenizer
from nmt.tokenizer.pieces import text_rules

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PreparedData:
    """A corpus, its tokenizer, and its training pairs as ids."""

    corpus: ParallelCorpus
    tokenizer: Tokenizer
    ids: IdsStore


def main(cfg: DictConfig) -> None:
    """Prepare as ``configs/prepare.yaml`` says; a summary goes to stdout."""
    config = cast(dict[str, Any], OmegaConf.to_container(cfg, resolve=True))
    if config["cache"] is not None:
        _look_after(cache_of(config["data"]), config["cache"])
        return
    threads = os.cpu_count() or 1
    if config["threads"] is not None:
        threads = checks.positive_int("threads", config["threads"])
    start = time.monotonic()
    if config["init_from"] is not None:
        tokenizer: Tokenizer | None = load_tokenizer(RunDirectory.open(str(config["init_from"])))
    else:
        tokenizer = given_tokenizer(config["tokenizer"])
    cache = cache_of(config["data"])
    done = prepare_data(config["data"], config["tokenizer"], cache, threads, tokenizer)
    sizes = [f"{done.tokenizer.src_vocab_size:,}"]
    if not done.tokenizer.joint:
        sizes.append(f"{done.tokenizer.tgt_vocab_size:,}")
    tokens = done.ids.tokens
    print(*done.corpus.cleaning.lines(), sep="\n")
    print(f"vocabulary of {' and '.join(sizes)} pieces")
    print(
        f"{tokens['src']:,} source and {tokens['tgt']:,} target tokens;"
        f" longest source: {done.ids.longest_source:,}"
    )
    print(f"ready after {time.monotonic() - start:.1f} s in {cache.place}")


def _look_after(cache: DiskCache, what: str) -> None:
    """Prints what the cache holds, or frees it."""
    if checks.one_of("cache", what, ("list", "clear")) == "clear":
        print(f"{size_text(cache.clear())} freed in {cache.place}")
        return
    entries = cache.entries()
    for path, size in entries:
        day = datetime.fromtimestamp(path.stat().st_mtime).date()
        print(f"{size_text(size):>12}  {day}  {path.name}")
    print(f"{size_text(sum(size for _, size in entries)):>12}  in {cache.place}")


def cache_of(data: Mapping[str, Any]) -> DiskCache:
    """The cache of prepared corpora."""
    place = data.get("cache")
    directory = None if place is None else Path(str(place)).expanduser()
    return DiskCache(directory, named_by="data.cache=")


def given_tokenizer(options: Mapping[str, Any]) -> Tokenizer | None:
    """The tokenizer that ``tokenizer.model`` names, and a line in the log that says what it does;
    None where it names none. options: the ``tokenizer`` section."""
    if options["model"] is None:
        return None
    path = Path(str(options["model"])).expanduser()
    with checks.section("tokenizer"):
        tokenizer = Tokenizer.of_model(path, **_of_text(options))
    own = tokenizer.own_normalization()
    log.info(
        "the pieces of %s, %s with those that it lacked%s; the options kind, vocab_size, joint,"
        " character_coverage and max_pairs of the tokenizer do nothing",
        path,
        f"{tokenizer.src_vocab_size:,}",
        f"; it normalises all text by {own}, translations too" if own else "",
    )
    return tokenizer


def _of_text(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of the ``tokenizer`` section that say what is done to text."""
    names = ("normalization", "placeholders", "symbols", "lowercase")
    return {name: options[name] for name in names}


def prepare_data(
    data: Mapping[str, Any],
    options: Mapping[str, Any],
    cache: DiskCache,
    threads: int,
    tokenizer: Tokenizer | None = None,
) -> PreparedData:
    """Reads, cleans and encodes a corpus, or takes the result from the cache.

    data, options: the ``data`` and ``tokenizer`` sections. tokenizer: replaces the one that
    ``options`` describe.
    """
    with checks.section("tokenizer"):  # before a long corpus is read
        sampling = checks.probability("sampling", options["sampling"])
        checks.positive_int("vocab_size", options["vocab_size"])
        text_rules(**_of_text(options))
        if sampling and tokenizer:
            tokenizer.check_can_sample()
    with checks.section("data"):
        for name in data["tests"]:
            check_test_name(str(name))
        cache.sweep()
        corpus = load_corpus(data, cache)
    with checks.section("tokenizer"):
        tokenizer = tokenizer or learn_tokenizer(corpus, options, cache)
    prints, language = corpus.fingerprints["train"], corpus.src_lang
    ids = encoded(corpus.train, prints, tokenizer, cache, threads, language)
    return PreparedData(corpus, tokenizer, ids)
