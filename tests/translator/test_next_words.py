"""The words that a model would write next."""

import math
from pathlib import Path

import pytest
import torch

from nmt.tokenizer import BOS, EOS
from nmt.translator import Translator
from nmt.translator.next_words import next_words

FROZEN = Path(__file__).parents[1] / "frozen_run"
PAIRS = [line.split("\t") for line in (FROZEN / "pairs.tsv").read_text().splitlines()[1:]]


@pytest.fixture(scope="module")
def translator() -> Translator:
    return Translator.load(FROZEN / "format_1", device="cpu", precision="fp32")


def probability(
    translator: Translator, source: str, beginning: list[int], word: list[int]
) -> float:
    """That the model writes these tokens next, one after the other."""
    model = translator.model
    (src,) = translator.tokenizer.encode_src([source])
    with torch.inference_mode():
        encoded = model.encode(torch.tensor([[*src, EOS]]))
        features = model.decode(torch.tensor([[BOS, *beginning, *word]]), encoded)
        values = model.project(features).log_softmax(dim=-1)[0]
    places = range(len(beginning), len(beginning) + len(word))
    return math.exp(sum(values[place, token] for place, token in zip(places, word, strict=True)))


@pytest.mark.parametrize(("source", "target"), PAIRS[:3])
def test_what_the_model_has_memorised_comes_first(
    translator: Translator, source: str, target: str
) -> None:
    words = target.split()
    for place, word in enumerate([*words, ""]):
        first, *others = translator.next_words(source, " ".join(words[:place]), 5)
        assert first.text == word
        assert all(first.probability > one.probability for one in others)


def test_words_come_with_the_probability_of_their_tokens(translator: Translator) -> None:
    tokenizer, source = translator.tokenizer, PAIRS[0][0]
    beginning = " ".join(PAIRS[0][1].split()[:2])
    (ids,) = tokenizer.encode_tgt([beginning])
    found = translator.next_words(source, beginning, 12)
    values = [one.probability for one in found]
    assert values == sorted(values, reverse=True)
    assert sum(values) <= 1 + 1e-5
    assert len({one.text for one in found}) == len(found) >= 5
    for one in found:
        (word,) = tokenizer.encode_tgt([one.text])
        spelt = probability(translator, source, ids, word if one.text else [EOS])
        # Other tokens than the usual ones may spell the word, and be likelier.
        assert one.probability >= 0.999 * spelt


def test_characters_are_words_where_there_are_no_spaces(translator: Translator) -> None:
    model, tokenizer = translator.model, translator.tokenizer
    src = [*tokenizer.encode_src([PAIRS[0][0]])[0], EOS]
    found = next_words(model, tokenizer, src, [], 40, by_character=True)
    assert {len(one.text) for one in found} >= {0, 1, 2}  # one token each
    assert "\ufffd" not in "".join(one.text for one in found)
