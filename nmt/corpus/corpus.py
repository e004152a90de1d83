"""The corpus of a run: training pairs cleaned, validation and test pairs untouched."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from nmt import checks
from nmt.corpus.cleaning import CleaningReport, CleaningRules, clean
from nmt.corpus.reading import PathSpec, SentencePair, read_pairs


@dataclass(frozen=True, kw_only=True)
class ParallelCorpus:
    """Sentence pairs in two languages.

    train: cleaned; ``cleaning`` says of what. valid, tests: exactly the files' lines.
    """

    src_lang: str
    tgt_lang: str
    train: list[SentencePair]
    valid: list[SentencePair]
    tests: dict[str, list[SentencePair]]
    cleaning: CleaningReport

    def fingerprints(self) -> dict[str, dict[str, str]]:
        """sha256 of each side of "train" (as cleaned), "valid" and each "tests.<name>"."""
        parts = {"train": self.train, "valid": self.valid}
        parts |= {f"tests.{name}": pairs for name, pairs in self.tests.items()}
        return {
            part: {
                "src": fingerprint(pair.src for pair in pairs),
                "tgt": fingerprint(pair.tgt for pair in pairs),
            }
            for part, pairs in parts.items()
        }


def load_corpus(
    *,
    src_lang: str,
    tgt_lang: str,
    train: Mapping[str, PathSpec],
    valid: Mapping[str, PathSpec],
    tests: Mapping[str, Mapping[str, PathSpec]],
    cleaning: Mapping[str, Any],
) -> ParallelCorpus:
    """Read and clean what the ``data`` options name.

    train, valid, tests.<name>: {"src": path or paths, "tgt": path or paths}.
    cleaning: CleaningRules' fields; those left out keep their defaults.

    Raises ValueError for an option that is missing, unknown or out of range and where cleaning
    leaves no training pair; else what read_pairs raises.
    """
    rules = _rules(cleaning)
    valid_pairs = _read("valid", valid)
    test_pairs = {name: _read(f"tests.{name}", spec) for name, spec in tests.items()}
    held_out = [*valid_pairs, *(pair for pairs in test_pairs.values() for pair in pairs)]
    kept, report = clean(_read("train", train), rules, held_out)
    if not kept:
        raise ValueError(
            "cleaning left no training pair (see data.cleaning):\n" + "\n".join(report.lines())
        )
    return ParallelCorpus(
        src_lang=src_lang,
        tgt_lang=tgt_lang,
        train=kept,
        valid=valid_pairs,
        tests=test_pairs,
        cleaning=report,
    )


def fingerprint(lines: Iterable[str]) -> str:
    """sha256 of the lines in UTF-8, each ended by "\\n": what sha256sum says of the plain file."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.encode("utf-8") + b"\n")
    return digest.hexdigest()


def _read(part: str, spec: Mapping[str, PathSpec]) -> list[SentencePair]:
    checks.known_options(f"data.{part}", spec, ["src", "tgt"])
    for side in ("src", "tgt"):
        value = spec.get(side)
        paths = [value] if isinstance(value, str | Path) else value
        if not paths or not isinstance(paths, list | tuple):
            raise ValueError(f"data.{part}.{side} must be a path or a list of paths, got {value!r}")
    return read_pairs(spec["src"], spec["tgt"])


def _rules(options: Mapping[str, Any]) -> CleaningRules:
    checks.known_options("data.cleaning", options, [field.name for field in fields(CleaningRules)])
    return CleaningRules(**options)
