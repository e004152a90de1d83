import math

import pytest
import torch

from nmt.models.interface import Seq2SeqModel
from nmt.tokenizer import BOS, EOS, Tokenizer
from nmt.tokenizer.pieces import SPACE_MARK
from nmt.translator import word_alignment as module
from nmt.translator.word_alignment import attention, word_confidence, word_links
from tests.contract.models import list_models, make_model

MODELS = list_models()
PAIRS = [([5, 6, 7, EOS], [6, 5]), ([5, EOS], [7, 7, 7, 8, 9]), ([9, 8, EOS], []), ([4, EOS], [4])]


@pytest.fixture(params=["lstm-bahdanau", "transformer"])
def model(request: pytest.FixtureRequest) -> Seq2SeqModel:
    return make_model(MODELS[request.param])


@pytest.mark.parametrize("most_weights", [2**20, 30, 1])
def test_is_where_the_model_looked_for_each_token(
    model: Seq2SeqModel, monkeypatch: pytest.MonkeyPatch, most_weights: int
) -> None:
    monkeypatch.setattr(module, "MOST_WEIGHTS", most_weights)
    for (src, tgt), weights in zip(PAIRS, attention(model, PAIRS), strict=True):
        assert weights is not None and weights.shape == (len(tgt), len(src))
        alone = model.attend(torch.tensor([[BOS, *tgt]]), model.encode(torch.tensor([src])))
        torch.testing.assert_close(weights, alone[0, :, :, :-1].mean(dim=(0, 1)))


def test_is_not_there_where_the_model_attends_to_nothing() -> None:
    model = make_model(MODELS["lstm-fixed_context"])
    assert attention(model, PAIRS) == [None] * len(PAIRS)


def tokens_of(tokenizer: Tokenizer, words: list[str]) -> tuple[list[int], list[int]]:
    """Token ids of words with a space between them, and the word that each token is of."""
    (ids,) = tokenizer.encode_src([" ".join(words)])
    each = tokenizer.encode_src(words)
    assert ids == [token for own in each for token in own]
    return ids, [word for word, own in enumerate(each) for _ in own]


def test_words_are_linked_through_all_their_tokens(tokenizer: Tokenizer) -> None:
    source, src_word = tokens_of(tokenizer, ["the", "\U0001f600\u4f60", "zebras", "sat"])
    target, tgt_word = tokens_of(tokenizer, ["dort", "z\u00e8bres", "\u4f60"])
    comes_from = [3, 2, 1]
    weights = torch.zeros(len(target), len(source) + 1)
    for row, word in enumerate(tgt_word):
        own = [column for column, of in enumerate(src_word) if of == comes_from[word]]
        weights[row, own] = 0.15 / len(own)  # all together more than any other word
        weights[row, 0] = 0.1 + 0.01 * word
        weights[row, -1] = 0.75  # EOS is no word
    sides = [
        ([*source, EOS], tokenizer.src_pieces([*source, EOS])),
        (target, tokenizer.tgt_pieces(target)),
    ]
    assert word_links(weights, *sides) == ((0, 2), (1, 2), (2, 1), (3, 0))
    assert word_links(weights[:0], sides[0], ([], [])) == ()
    assert word_links(weights[:, -1:], ([EOS], ["</s>"]), sides[1]) == ()


def spelling(tokenizer: Tokenizer, text: str) -> tuple[list[int], list[str]]:
    (ids,) = tokenizer.encode_src([text])
    return ids, tokenizer.src_pieces(ids)


def test_characters_are_linked_where_no_spaces_stand(tokenizer: Tokenizer) -> None:
    source, target = spelling(tokenizer, "the cat"), spelling(tokenizer, "\u4f60\u597d cat")
    last = len(source[0]) - 1
    weights = torch.zeros(len(target[0]), len(source[0]))
    weights[:4, 0] = weights[4:, last] = 1.0  # the bytes of one character, after the space's token
    linked = word_links(weights, source, target, tgt_by_character=True)
    assert [tgt for _, tgt in linked if tgt < 2] == [0, 1]
    assert {tgt for _, tgt in linked} == set(range(5))  # two characters, and "cat"
    assert set(linked) >= {(0, 0), (1, 1)}
    other = word_links(weights.T, target, source, src_by_character=True)
    assert {src for src, _ in other} <= set(range(5))


def test_confidence_is_the_geometric_mean_over_a_words_tokens(tokenizer: Tokenizer) -> None:
    ids, word_of = tokens_of(tokenizer, ["zebras", "cat", "\u4f60"])
    log_probs = [-1.0 - place for place in range(len(ids))]
    pieces = tokenizer.src_pieces(ids)
    spelt = [token for token, piece in enumerate(pieces) if piece != SPACE_MARK]
    own = [[log_probs[token] for token in spelt if word_of[token] == word] for word in range(3)]
    wanted = [math.exp(sum(each) / len(each)) for each in own]
    assert word_confidence(log_probs, (ids, pieces)) == pytest.approx(wanted)
    assert len(word_confidence(log_probs, (ids, pieces), by_character=True)) == 10
    assert word_confidence([], ([], [])) == ()
