"""A corpus of a few words for trainings that only have to run."""

import random
from pathlib import Path

WORDS = {"one": "un", "red": "rouge", "cat": "chat", "dog": "chien", "sees": "voit", "and": "et"}


def write_tsv(path: Path, rows: int = 90, *, lengths: int = 7) -> None:
    """Pairs of made-up sentences, translated word by word, below the names of the languages.

    lengths: how many different ones, from two words on.
    """
    choose = random.Random(1).choices
    lines = ["en\tfr\n"]
    for row in range(rows):
        words = choose(list(WORDS), k=2 + row % lengths)
        lines.append(" ".join(words) + "\t" + " ".join(WORDS[word] for word in words) + "\n")
    path.write_text("".join(lines), encoding="utf-8")
