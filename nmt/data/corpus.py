"""The corpus of a run: cleaned training pairs on disk, validation and test pairs unchanged."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

from nmt import checks
from nmt.data.build_corpus import SUMMARY, build_text, part_file
from nmt.data.cleaning import CleaningReport, CleaningRules, as_single_line
from nmt.data.language_check import LanguageCheck
from nmt.data.mixture import CorpusCounts, Mixture, Share
from nmt.data.sides import check_copies, is_copy, warn_of_swapped_sides
from nmt.data.sources import TrainingCorpus, is_listed, open_source, open_train
from nmt.data.stores import TextStore
from nmt.data.text_files import SentencePair
from nmt.device import return_freed_memory
from nmt.disk_cache import DiskCache
from nmt.files import fingerprint
from nmt.text.normalization import Normalization
from nmt.tokenizer import Tokenizer

log = logging.getLogger(__name__)

_FORMAT = 2  # of cached text: raise it whenever cleaning gives another result
_TOKENIZER_FORMAT = 2  # of cached tokenizers


@dataclass(frozen=True, kw_only=True)
class ParallelCorpus:
    """Sentence pairs in two languages.

    train: cleaned, on disk, with the tags of its corpora; ``cleaning`` reports on it.
    mixture: which pairs an epoch reads, where the training text is a list of corpora; else None,
        and an epoch reads every pair once. tags: those of the list.
    valid, tests: every row of the set, or the pairs that were drawn for it.
    fingerprints: sha256 of each side of "train", "valid" and each "tests.<name>"; with a list of
        corpora of each "train[<number>]" too.
    """

    src_lang: str
    tgt_lang: str
    train: TextStore
    valid: list[SentencePair]
    tests: dict[str, list[SentencePair]]
    cleaning: CleaningReport
    fingerprints: dict[str, dict[str, str]]
    mixture: Mixture | None = None
    tags: tuple[str, ...] = ()


def load_corpus(data: Mapping[str, Any], cache: DiskCache) -> ParallelCorpus:
    """Read and clean the corpus of a ``data`` section, or take it from the cache.

    train, valid, tests.<name>: see nmt.data.sources; train may be a list of corpora, valid and
        tests.<name> a whole number of pairs to draw out of the training pairs.
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
    corpora, listed = open_train(data), is_listed(data)
    parts = {part: _read_whole(data, part) for part in specs if part not in draws}
    for part, pairs in parts.items():
        check_copies(part, sum(is_copy(*pair) for pair in pairs), len(pairs))
    prints = {part: _fingerprints(pairs) for part, pairs in parts.items()}
    sources = [{"source": one.source.identity(), "tag": one.tag} for one in corpora]
    key = {
        "format": _FORMAT,
        "source": sources if listed else sources[0]["source"],
        "rules": asdict(rules),
        "held_out": list(prints.values()) if rules.drop_held_out else [],
        "draws": list(draws.items()),
    }
    judge = None
    if rules.languages:
        with checks.section("cleaning"):
            judge = LanguageCheck(data["src_lang"], data["tgt_lang"])
        key["languages"] = [data["src_lang"], data["tgt_lang"], judge.identity()]
    given = [pair for pairs in parts.values() for pair in pairs]

    def build(directory: Path) -> None:
        rejects = judge.rejects if judge else None
        build_text(directory, corpora, rules, given=given, draws=draws, other_language=rejects)
        for one in corpora:
            one.source.check_unchanged()

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
    train = TextStore(entry / part_file("train"))
    check_copies("train", report.copies, report.kept)
    for part in (part for part in specs if part not in draws):
        warn_of_swapped_sides(part, parts[part], train)
    prints["train"] = summary["fingerprints"]
    mixture = None
    if listed:
        mixture = _mixture(corpora, summary["corpora"], report)
        for one, found in zip(corpora, summary["corpora"], strict=True):
            prints[one.name] = found["fingerprints"]
    named = ["train", *(one.name for one in corpora if listed), *specs]
    return ParallelCorpus(
        src_lang=data["src_lang"],
        tgt_lang=data["tgt_lang"],
        train=train,
        valid=parts["valid"],
        tests={name: parts[f"tests.{name}"] for name in data["tests"]},
        cleaning=report,
        fingerprints={part: prints[part] for part in named},
        mixture=mixture,
        tags=tuple(dict.fromkeys(one.tag for one in corpora if one.tag is not None)),
    )


def _mixture(
    corpora: Sequence[TrainingCorpus],
    counts: Sequence[Mapping[str, Any]],
    report: CleaningReport,
) -> Mixture:
    """The mixture of a list of corpora; completes the report. counts: of each corpus, as
    ``build_text`` wrote them. OptionError where an epoch would be empty."""
    shares = tuple(
        Share(found["kept"], one.weight) for one, found in zip(corpora, counts, strict=True)
    )
    for one, share, found in zip(corpora, shares, counts, strict=True):
        report.corpora.append(
            CorpusCounts(
                name=one.name,
                text=one.text,
                weight=one.weight,
                tag=one.tag,
                total=found["total"],
                dropped=found["dropped"],
                drawn=found["drawn"],
                kept=found["kept"],
                an_epoch=share.read(0),
            )
        )
        if not share.pairs:
            log.warning("%s (%s): cleaning left no pair of it", one.name, one.text)
        elif not share.read(0):
            log.warning("%s (%s): less than one pair an epoch", one.name, one.text)
    if not any(share.read(0) for share in shares):
        raise checks.OptionError(
            f"the weights in {checks.field('train')} leave no pair for an epoch: raise them"
        )
    return Mixture(shares)


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
        random; sampling and model, which change nothing here.
    """
    options = {name: value for name, value in options.items() if name not in ("sampling", "model")}
    normalization = Normalization(options["normalization"], lowercase=options["lowercase"])
    most = checks.positive_int("max_pairs", options.pop("max_pairs"))
    pairs = corpus.train.drawn(most)
    key = {
        "format": _TOKENIZER_FORMAT,
        "sentencepiece": version("sentencepiece"),
        "text": corpus.fingerprints["train"],
        "pairs": len(pairs),
        "options": options,
        "normalization": normalization.described,
    }

    def build(directory: Path) -> None:
        log.info("learning subword pieces from %s pairs", f"{len(pairs):,}")
        Tokenizer.train(pairs, **options).save(directory)
        return_freed_memory()  # SentencePiece held the sample twice over

    tokenizer = Tokenizer.load(cache.entry("tokenizer", key, build), normalization)
    sizes = {"source": tokenizer.src_vocab_size, "target": tokenizer.tgt_vocab_size}
    for side, size in ({"": tokenizer.src_vocab_size} if tokenizer.joint else sizes).items():
        if size < options["vocab_size"]:
            log.warning(
                "a %svocabulary of %s pieces was asked for; it has %s, all that the text of %s"
                " pairs allows",
                f"{side} " if side else "",
                f"{options['vocab_size']:,}",
                f"{size:,}",
                f"{len(pairs):,}",
            )
    return tokenizer
