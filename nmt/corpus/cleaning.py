"""Which training pairs are left out, and how many for which reason.

Only training pairs are cleaned. A pair counts under the first rule that drops it, so the counts
add up; what is kept is kept unchanged.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from nmt import checks
from nmt.corpus.reading import SentencePair

# Characters that a side may have on top, whatever the ratio: it says little of a few short words.
_RATIO_SLACK = 20


@dataclass(frozen=True, kw_only=True)
class CleaningRules:
    """What a training pair must satisfy.

    max_words: words between white space, on either side.
    max_characters: on either side; the limit that holds for text written without spaces.
    max_ratio: how many times longer than the corpus leads one to expect a side may be. Expected is
        the other side's length in characters times the whole corpus's ratio of characters, which
        makes one value serve English-French and English-Chinese alike (Gale and Church 1993,
        section 3, take the same measure and the same expectation for aligning sentences).
    drop_duplicates: keep only the first of equal pairs.
    drop_held_out: leave out a pair whose source or target stands in a validation or test set.
    """

    max_words: int = 200
    max_characters: int = 1500
    max_ratio: float = 4.0
    drop_duplicates: bool = True
    drop_held_out: bool = True

    def __post_init__(self) -> None:
        checks.positive_int("data.cleaning.max_words", self.max_words)
        checks.positive_int("data.cleaning.max_characters", self.max_characters)
        checks.positive("data.cleaning.max_ratio", self.max_ratio)
        if self.max_ratio < 1:
            raise ValueError(f"data.cleaning.max_ratio must be at least 1, got {self.max_ratio!r}")


@dataclass(frozen=True)
class CleaningReport:
    """How many pairs each rule dropped; every rule is named, also those that dropped none.

    dropped: rule -> count, in the order the rules are applied.
    """

    rules: CleaningRules
    total: int
    dropped: dict[str, int]

    @property
    def kept(self) -> int:
        return self.total - sum(self.dropped.values())

    def lines(self) -> list[str]:
        """The report for people to read."""
        rules = self.rules
        meaning = {
            "empty": "a side is empty",
            "too_long": f"over {rules.max_words:,} words or {rules.max_characters:,} characters",
            "length_ratio": f"a side over {rules.max_ratio:g} times its expected length",
            "duplicate": "repeats an earlier pair" if rules.drop_duplicates else "rule is off",
            "held_out": "in a validation or test set" if rules.drop_held_out else "rule is off",
        }
        width = len(f"{self.total:,}")
        return [
            f"{self.total:>{width},} training pairs read",
            *(
                f"{count:>{width},} dropped: {rule} ({meaning[rule]})"
                for rule, count in self.dropped.items()
            ),
            f"{self.kept:>{width},} kept",
        ]

    def as_dict(self) -> dict[str, object]:
        """The report in plain types, to be saved."""
        return {
            "rules": asdict(self.rules),
            "total": self.total,
            "dropped": dict(self.dropped),
            "kept": self.kept,
        }


def clean(
    pairs: Sequence[SentencePair], rules: CleaningRules, held_out: Iterable[SentencePair]
) -> tuple[list[SentencePair], CleaningReport]:
    """The pairs that satisfy the rules, in order and unchanged, and what became of the others.

    held_out: the validation and test pairs; compared side by side, without surrounding white space.
    """
    held_out = list(held_out) if rules.drop_held_out else []
    held_out_src = {pair.src.strip() for pair in held_out}
    held_out_tgt = {pair.tgt.strip() for pair in held_out}
    tgt_per_src = _characters_tgt_per_src(pairs)
    dropped = dict.fromkeys(("empty", "too_long", "length_ratio", "duplicate", "held_out"), 0)
    seen: set[SentencePair] = set()
    kept: list[SentencePair] = []
    for pair in pairs:
        src, tgt = pair.src.strip(), pair.tgt.strip()
        if not src or not tgt:
            dropped["empty"] += 1
        elif _too_long(src, rules) or _too_long(tgt, rules):
            dropped["too_long"] += 1
        elif _out_of_ratio(len(src), len(tgt), tgt_per_src, rules.max_ratio):
            dropped["length_ratio"] += 1
        elif rules.drop_duplicates and pair in seen:
            dropped["duplicate"] += 1
        else:
            seen.add(pair)
            if src in held_out_src or tgt in held_out_tgt:
                dropped["held_out"] += 1
            else:
                kept.append(pair)
    return kept, CleaningReport(rules, len(pairs), dropped)


def _characters_tgt_per_src(pairs: Sequence[SentencePair]) -> float:
    """How many target characters stand against one source character in the whole corpus."""
    src = sum(len(pair.src) for pair in pairs)
    tgt = sum(len(pair.tgt) for pair in pairs)
    return tgt / src if src and tgt else 1.0


def _too_long(text: str, rules: CleaningRules) -> bool:
    return len(text) > rules.max_characters or len(text.split()) > rules.max_words


def _out_of_ratio(src: int, tgt: int, tgt_per_src: float, max_ratio: float) -> bool:
    """src, tgt: lengths in characters."""
    expected_tgt, expected_src = src * tgt_per_src, tgt / tgt_per_src
    return (
        tgt > max_ratio * expected_tgt + _RATIO_SLACK
        or src > max_ratio * expected_src + _RATIO_SLACK
    )
