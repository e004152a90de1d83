"""The rules that drop training pairs, and the report that counts the dropped pairs.

Only training pairs are cleaned. Each dropped pair counts under the first rule that drops it, so
the counts add up. The other pairs stay unchanged, except that a line break in them becomes a space.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from math import floor
from typing import Any, Self

from nmt import checks
from nmt.data.mixture import CorpusCounts, table

_RATIO_SLACK = 20  # characters allowed beyond the ratio, which means little for a few short words

RULES = (
    *("not_text", "empty", "too_long", "language"),
    *("length_ratio", "duplicate", "held_out", "copy"),
)
"""In the order in which they apply."""


@dataclass(frozen=True, kw_only=True)
class CleaningRules:
    """The conditions for a training pair, besides that both sides are text and not empty.

    max_words: most words, separated by white space, on either side.
    max_characters: most characters on either side; it limits text written without spaces.
    max_ratio: most times that a side may exceed its expected length. The expected length is the
        length of the other side in characters times the ratio of characters in the whole corpus,
        so that one value serves English-French and English-Chinese alike (Gale and Church 1993,
        section 3, use the same measure and expectation to align sentences).
    drop_duplicates: keep only the first of equal pairs.
    drop_held_out: drop a pair whose source or target occurs in a validation or test set.
    languages: drop a pair with a side that is clearly in another language.
    max_copy_share: greatest share of pairs whose target is their source, of all that the other
        rules keep. Those above it are dropped evenly all over the corpus. 1: keep all.
    """

    max_words: int = 200
    max_characters: int = 1500
    max_ratio: float = 4.0
    drop_duplicates: bool = True
    drop_held_out: bool = True
    languages: bool = False
    max_copy_share: float = 1.0

    def __post_init__(self) -> None:
        checks.positive_int("max_words", self.max_words)
        checks.positive_int("max_characters", self.max_characters)
        checks.positive("max_ratio", self.max_ratio)
        checks.boolean("languages", self.languages)
        if self.max_ratio < 1:
            raise checks.OptionError(
                f"{checks.field('max_ratio')} must be at least 1, got {self.max_ratio!r}"
            )
        checks.part_of_one("max_copy_share", self.max_copy_share)

    def drops(self, src: str, tgt: str) -> str | None:
        """The rule on a single pair that drops it: "empty", "too_long" or None."""
        sides = (src.strip(), tgt.strip())
        if not all(sides):
            return "empty"
        return "too_long" if any(map(self._too_long, sides)) else None

    def out_of_ratio(self, src: str, tgt: str, tgt_per_src: float) -> bool:
        """tgt_per_src: target characters for each source character in the whole corpus."""
        src_length, tgt_length = len(src.strip()), len(tgt.strip())
        return (
            tgt_length > self.max_ratio * src_length * tgt_per_src + _RATIO_SLACK
            or src_length > self.max_ratio * tgt_length / tgt_per_src + _RATIO_SLACK
        )

    def most_copies(self, others: int) -> int:
        """How many pairs whose target is their source may stand beside the others, where there is
        a limit: a share below 1."""
        share = Fraction(str(self.max_copy_share))  # the decimal number that people wrote
        return floor(others * share / (1 - share))

    def _too_long(self, text: str) -> bool:
        return len(text) > self.max_characters or len(text.split()) > self.max_words


class HeldOut:
    """The sides of validation and test pairs, without surrounding white space. A pair is among
    them if either of its sides is."""

    def __init__(self, pairs: Collection[tuple[str, str]]) -> None:
        self._src = {src.strip() for src, _ in pairs}
        self._tgt = {tgt.strip() for _, tgt in pairs}

    def __contains__(self, pair: tuple[str, str]) -> bool:
        return pair[0].strip() in self._src or pair[1].strip() in self._tgt


@dataclass(kw_only=True)
class CleaningReport:
    """Counts of training pairs.

    total: pairs read. dropped: rule -> pairs, for every rule, in the order in which they apply.
    drawn: part -> pairs that passed all rules and were moved there. copies: pairs that were kept,
    though their target is their source. line_breaks: pairs with a line
    break, which became a space. not_text_at: places of the first values that are no text. corpora:
    of each corpus, where the training text is a list of them.
    """

    rules: CleaningRules
    total: int = 0
    dropped: dict[str, int] = field(default_factory=lambda: dict.fromkeys(RULES, 0))
    drawn: dict[str, int] = field(default_factory=dict)
    copies: int = 0
    line_breaks: int = 0
    not_text_at: list[str] = field(default_factory=list)
    corpora: list[CorpusCounts] = field(default_factory=list)

    @property
    def kept(self) -> int:
        return self.total - sum(self.dropped.values()) - sum(self.drawn.values())

    def lines(self) -> list[str]:
        """The report for people to read."""
        rules = self.rules
        meaning = {
            "not_text": "a side is missing, no text, or no valid Unicode",
            "empty": "a side is empty",
            "too_long": f"over {rules.max_words:,} words or {rules.max_characters:,} characters",
            "language": "a side in another language" if rules.languages else "rule is off",
            "length_ratio": f"a side over {rules.max_ratio:g} times its expected length",
            "duplicate": "repeats an earlier pair" if rules.drop_duplicates else "rule is off",
            "held_out": "in a validation or test set" if rules.drop_held_out else "rule is off",
            "copy": f"over {rules.max_copy_share:.0%} with a target that is their source"
            if rules.max_copy_share < 1
            else "rule is off",
        }
        counts = [(self.total, "training pairs read")]
        if self.line_breaks:
            counts.append((self.line_breaks, "with a line break that became a space"))
        counts += [(n, f"dropped: {rule} ({meaning[rule]})") for rule, n in self.dropped.items()]
        counts += [(n, f"drawn: {part}") for part, n in self.drawn.items()]
        if self.copies:
            counts.append((self.copies, "of those kept have a target that is their source"))
        width = len(f"{self.total:,}")
        lines = [f"{count:>{width},} {text}" for count, text in [*counts, (self.kept, "kept")]]
        return lines + table(self.corpora)

    def as_dict(self) -> dict[str, Any]:
        """The report in plain types, to be saved."""
        return asdict(self) | {"kept": self.kept}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Self:
        """The report that ``as_dict`` saved."""
        values = {name: value for name, value in saved.items() if name not in ("rules", "kept")}
        values["corpora"] = [CorpusCounts(**one) for one in saved.get("corpora", [])]
        return cls(rules=CleaningRules(**saved["rules"]), **values)


def as_single_line(value: object) -> str | None:
    """A value as one line of text, line breaks made spaces; None for a value that is no text, and
    for invalid Unicode."""
    if not isinstance(value, str):
        return None
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can spell
        return None
    return value.replace("\r\n", " ").replace("\n", " ") if "\n" in value else value
