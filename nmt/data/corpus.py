"""The corpus of a run: cleaned training pairs on disk, validation and test pairs unchanged."""

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

from nmt import checks
from nmt.data.build_corpus import SUMMARY, build_text, part_file
from nmt.data.cleaning import CleaningReport, CleaningRules, as_single_line
from nmt.data.sources import open_source
from nmt.data.stores import TextStore
from nmt.data.text_files import SentencePair
from nmt.device import return_freed_memory
from nmt.disk_cache import DiskCache
from nmt.files import fingerprint
from nmt.tokenizer import Tokenizer

log = logging.getLogger(__name__)

_FORMAT = 1  # of cached text: raise it whenever cleaning gives another result
_TOKENIZER_FORMAT = 1  # of cached tokenizers


@dataclass(frozen=True, kw_only=True)
class ParallelCorpus:
    """Sentence pairs in two languages.

    train: cleaned, on disk; ``cleaning`` reports on it.
    valid, tests: every row of the set, or the pairs that were drawn for it.
    fingerprints: sha256 of each side of "train", "valid" and each "tests.<name>".
    """

    src_lang: str
    tgt_lang: str
    train: TextStore
    valid: list[SentencePair]
    tests: dict[str, list[SentencePair]]
    cleaning: CleaningReport
    fingerprints: dict[str, dict[str, str]]


def load_corpus(data: Mapping[str, Any], cache: DiskCache) -> ParallelCorpus:
    """Read and clean the corpus of a ``data`` section, or take it from the cache.

    train, valid, tests.<name>: see nmt.data.sources; valid and tests.<name> may also be a whole
        number of pairs to draw out of the training pairs.
    cleaning: CleaningRules' fields; those left out keep their defaults.

    Raises ValueError for an option that is missing, unknown or out of range, for a validation or
    test row that is no text, and where cleaning leaves no training pair; and what reading a part
    raises.
    """
    with checks.section("cleaning"):
        names = [field.name for field in fields(CleaningRules)]
        checks.known_options("", data["cleaning"], names)
        rules = CleaningRules(**data["cleaning"])
    specs = {"valid": data["valid"]} | {f"tests.{name}": v for name, v in data["tests"].items()}
    draws = {
        part: checks.positive_int(part, spec)
        for part, spec in specs.items()
        if isinstance(spec, int)
    }
    parts = {part: _read_whole(data, part) for part in specs if part not in draws}
    prints = {part: _fingerprints(pairs) for part, pairs in parts.items()}
    source = open_source(data, "train")
    key = {
        "format": _FORMAT,
        "source": source.identity(),
        "rules": asdict(rules),
        "held_out": list(prints.values()) if rules.drop_held_out else [],
        "draws": list(draws.items()),
    }
    given = [pair for pairs in parts.values() for pair in pairs]

    def build(directory: Path) -> None:
        build_text(directory, source, rules, given=given, draws=draws)

    entry = cache.entry("text", key, build)
    summary = json.loads((entry / SUMMARY).read_text(encoding="utf-8"))
    for part in draws:
        parts[part] = list(TextStore(entry / part_file(part)))
        prints[part] = _fingerprints(parts[part])
    report = CleaningReport.from_dict(summary["cleaning"])
    if report.not_text_at:
        count = report.dropped["not_text"]
        log.warning(
            "training pairs that are no text (missing, a number, or no valid Unicode): %s, at %s%s",
            f"{count:,}",
            ", ".join(report.not_text_at),
            ", ..." if count > len(report.not_text_at) else "",
        )
    return ParallelCorpus(
        src_lang=data["src_lang"],
        tgt_lang=data["tgt_lang"],
        train=TextStore(entry / part_file("train")),
        valid=parts["valid"],
        tests={name: parts[f"tests.{name}"] for name in data["tests"]},
        cleaning=report,
        fingerprints={"train": summary["fingerprints"]} | {part: prints[part] for part in specs},
    )


def _read_whole(data: Mapping[str, Any], part: str) -> list[SentencePair]:
    """A validation or test set, in which every row must be text."""
    source = open_source(data, part)
    pairs, line_breaks = [], 0
    for row, values in enumerate(source.rows()):
        src, tgt = (as_single_line(value) for value in values)
        if src is None or tgt is None:
            side, value = ("source", values[0]) if src is None else ("target", values[1])
            raise checks.OptionError(
                f"{source.place(row)}: the {side} of a validation or test pair must be text, "
                f"got {value!r:.60}; mend or delete the row ({checks.field(part)})"
            )
        line_breaks += (src, tgt) != values
        pairs.append(SentencePair(src, tgt))
    if not pairs:
        raise checks.OptionError(
            f"{checks.field(part)} has no row: name other text, or a number of pairs to draw"
        )
    if line_breaks:
        log.warning("%s: in %d pairs a line break within a side became a space", part, line_breaks)
    return pairs


def _fingerprints(pairs: list[SentencePair]) -> dict[str, str]:
    return {side: fingerprint(getattr(pair, side) for pair in pairs) for side in ("src", "tgt")}


def learn_tokenizer(
    corpus: ParallelCorpus, options: Mapping[str, Any], cache: DiskCache
) -> Tokenizer:
    """Learn a tokenizer from the training pairs, or take it from the cache.

    options: those of ``Tokenizer.train``; max_pairs, the most pairs to learn from, drawn at
        random; sampling, which changes nothing here.
    """
    options = {name: value for name, value in options.items() if name != "sampling"}
    most = checks.positive_int("max_pairs", options.pop("max_pairs"))
    pairs = corpus.train.drawn(most)
    key = {
        "format": _TOKENIZER_FORMAT,
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
