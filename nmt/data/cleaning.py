"""Which training pairs are left out, and how many for which reason.

Only training pairs are cleaned. A pair counts under the first rule that drops it, so the counts
add up; what is kept is kept unchanged, but that a line break inside of it becomes a space.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from nmt import checks

# Characters that a side may have on top, whatever the ratio: it says little of a few short words.
_RATIO_SLACK = 20

RULES = ("not_text", "empty", "too_long", "length_ratio", "duplicate", "held_out")
"""In the order in which they are applied."""


@dataclass(frozen=True, kw_only=True)
class CleaningRules:
    """What a training pair must satisfy, besides being text and not empty.

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
        checks.positive_int("max_words", self.max_words)
        checks.positive_int("max_characters", self.max_characters)
        checks.positive("max_ratio", self.max_ratio)
        if self.max_ratio < 1:
            raise checks.OptionError(
                f"{checks.field('max_ratio')} must be at least 1, got {self.max_ratio!r}"
            )

    def drops(self, src: str, tgt: str) -> str | None:
        """Which rule on a pair by itself drops it: "empty", "too_long" or None."""
        if not src.strip() or not tgt.strip():
            return "empty"
        if self._too_long(src.strip()) or self._too_long(tgt.strip()):
            return "too_long"
        return None

    def out_of_ratio(self, src: str, tgt: str, tgt_per_src: float) -> bool:
        """tgt_per_src: target characters against one source character in the whole corpus."""
        src_length, tgt_length = len(src.strip()), len(tgt.strip())
        return (
            tgt_length > self.max_ratio * src_length * tgt_per_src + _RATIO_SLACK
            or src_length > self.max_ratio * tgt_length / tgt_per_src + _RATIO_SLACK
        )

    def _too_long(self, text: str) -> bool:
        return len(text) > self.max_characters or len(text.split()) > self.max_words


class HeldOut:
    """The sides of validation and test pairs, without surrounding white space."""

    def __init__(self, pairs: Collection[tuple[str, str]]) -> None:
        self._src = {src.strip() for src, _ in pairs}
        self._tgt = {tgt.strip() for _, tgt in pairs}

    def __contains__(self, pair: tuple[str, str]) -> bool:
        """Whether either side of a pair stands among them."""
        return pair[0].strip() in self._src or pair[1].strip() in self._tgt


@dataclass(kw_only=True)
class CleaningReport:
    """How many pairs each rule dropped; every rule is named, also those that dropped none.

    dropped: rule -> count, in the order the rules are applied. drawn: part -> how many pairs that
    no rule objected to went there. line_breaks: pairs with a line break, which became a space.
    not_text_at: where the first values that are no text stood.
    """

    rules: CleaningRules
    total: int = 0
    dropped: dict[str, int] = field(default_factory=lambda: dict.fromkeys(RULES, 0))
    drawn: dict[str, int] = field(default_factory=dict)
    line_breaks: int = 0
    not_text_at: list[str] = field(default_factory=list)

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
            "length_ratio": f"a side over {rules.max_ratio:g} times its expected length",
            "duplicate": "repeats an earlier pair" if rules.drop_duplicates else "rule is off",
            "held_out": "in a validation or test set" if rules.drop_held_out else "rule is off",
        }
        width = len(f"{self.total:,}")
        breaks = [f"{self.line_breaks:>{width},} with a line break that became a space"]
        return [
            f"{self.total:>{width},} training pairs read",
            *(breaks if self.line_breaks else []),
            *(
                f"{count:>{width},} dropped: {rule} ({meaning[rule]})"
                for rule, count in self.dropped.items()
            ),
            *(f"{count:>{width},} drawn: {part}" for part, count in self.drawn.items()),
            f"{self.kept:>{width},} kept",
        ]

    def as_dict(self) -> dict[str, Any]:
        """The report in plain types, to be saved."""
        return asdict(self) | {"kept": self.kept}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Self:
        """What ``as_dict`` saved."""
        values = {name: value for name, value in saved.items() if name not in ("rules", "kept")}
        return cls(rules=CleaningRules(**saved["rules"]), **values)


def as_single_line(value: object) -> str | None:
    """A value as one line of text; None for what is no text and for invalid Unicode.

    A text file cannot have a line break within a line; rows of other formats can.
    """
    if not isinstance(value, str):
        return None
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can spell
        return None
    return value.replace("\r\n", " ").replace("\n", " ") if "\n" in value else value
