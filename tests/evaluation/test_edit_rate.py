import random
import time

import pytest
from sacrebleu.metrics.lib_ter import translation_edit_rate

from nmt.evaluation.edit_rate import edits_and_length


def rewritten(rng: random.Random, words: list[str], vocabulary: int) -> list[str]:
    """The words with phrases moved, and some words lost, replaced or added."""
    found = list(words)
    for _ in range(rng.randint(0, 4)):
        start = rng.randint(0, len(found))
        phrase = found[start : start + rng.randint(1, 12)]
        del found[start : start + len(phrase)]
        target = rng.randint(0, len(found))
        found[target:target] = phrase
    found = [word for word in found if rng.random() > 0.1]
    return [w if rng.random() > 0.15 else str(rng.randrange(vocabulary)) for w in found]


@pytest.mark.parametrize("seed", range(40))
def test_edits_are_those_of_sacrebleu(seed: int) -> None:
    rng = random.Random(seed)
    vocabulary = rng.choice([2, 4, 10, 50, 300])
    reference = [str(rng.randrange(vocabulary)) for _ in range(rng.choice([0, 1, 2, 7, 20, 35]))]
    hypothesis = rewritten(rng, reference, vocabulary)
    if seed % 3 == 0:
        hypothesis = [str(rng.randrange(vocabulary)) for _ in range(rng.choice([0, 1, 8, 40]))]
    expected = translation_edit_rate(hypothesis, reference)
    assert edits_and_length(hypothesis, reference) == expected


@pytest.mark.parametrize(("hypothesis", "reference"), [(3, 90), (90, 3), (2, 150), (1, 1)])
def test_lengths_that_differ_much(hypothesis: int, reference: int) -> None:
    """The band around the diagonal is then wider, and its ends matter."""
    rng = random.Random(hypothesis)
    sides = [[str(rng.randrange(30)) for _ in range(n)] for n in (hypothesis, reference)]
    assert edits_and_length(*sides) == translation_edit_rate(*sides)


def test_thousands_of_words_take_seconds() -> None:
    words = [str(n % 977) for n in range(4000)]
    started = time.process_time()
    assert edits_and_length(words[2000:2030] + words[:2000], words[:2030])[1] == 2030
    assert time.process_time() - started < 20
