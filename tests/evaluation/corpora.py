"""Small corpora with what scoring trips over: blank lines, one word, capitals, other scripts."""

import random

WORDS = ["the", "The", "a", "cat", "dog", "sat", "runs", "isn't", "5.5", "Köln", "猫", "(yes)"]
ENDS = ["", ".", "!", " ."]


def sentence(rng: random.Random, longest: int) -> str:
    words = rng.choices(WORDS, k=rng.randint(0, longest))
    return " ".join(words) + (rng.choice(ENDS) if words else "")


def corpus(seed: int, n: int, longest: int = 14) -> tuple[list[str], list[str]]:
    """Hypotheses and references: most words of the reference, some lost, some others."""
    rng = random.Random(seed)
    references = [sentence(rng, longest) for _ in range(n)]
    hypotheses = [
        " ".join(
            rng.choice([word, word, word, "cat"]) for word in ref.split() if rng.random() > 0.1
        )
        for ref in references
    ]
    return hypotheses, references
