"""What makes scores say little: a tokenizer that finds no words, text that was only copied or
is not there.

Each function gives the warning, or None where nothing is suspicious.
"""

from collections.abc import Sequence
from statistics import median

from nmt.evaluation.metrics import WITHOUT_SPACES, Metric
from nmt.languages import tokenizer_for

WORD = 12
"""Characters; a line of more is seldom one word."""
_SAMPLE = 1000
_WORDS_BETWEEN_SPACES = ("13a", "intl", "none")


def of_tokenizer(bleu: Metric, references: Sequence[str]) -> str | None:
    """Warns of a tokenizer that finds no words in the references. bleu: BLEU with it."""
    tokenize = bleu.tokenize
    better = tokenizer_for("", references)
    if tokenize in _WORDS_BETWEEN_SPACES and better in WITHOUT_SPACES:
        return (
            f"tokenize={tokenize} takes what stands between spaces for a word, but the references "
            f"are in a script without spaces: BLEU says little; tokenize={better} counts its words"
        )
    lines = [line for line in references if line.strip()][:_SAMPLE]
    if lines and median(map(len, lines)) > WORD:
        tokens = bleu.count(lines, [lines])[:, 1]
        if median(tokens.tolist()) <= 1:
            return (
                f"tokenize={tokenize} finds one token in most references: BLEU says little; "
                f"tokenize=char counts characters"
            )
    return None


def of_blank(name: str, lines: Sequence[str], others: Sequence[str]) -> str | None:
    """Warns if lines are blank whose counterpart in other text is not."""
    found = [
        number
        for number, (line, other) in enumerate(zip(lines, others, strict=True), start=1)
        if not line.strip() and other.strip()
    ]
    if not found:
        return None
    return f"{len(found):,} of {len(lines):,} {name} are blank, the first on line {found[0]:,}"


def of_copies(
    name: str,
    lines: Sequence[str],
    others_name: str,
    others: Sequence[str],
    *,
    more_than: float = 0.5,
) -> str | None:
    """Warns if more than a share of the lines that hold letters equal those at their side."""
    pairs = zip(lines, others, strict=True)
    said = [(a.strip(), b.strip()) for a, b in pairs if any(map(str.isalpha, a))]
    same = sum(a == b for a, b in said)
    if same > more_than * len(said):
        return f"{same:,} of {len(said):,} {name} equal the {others_name} on their line"
    return None
