import random

import pytest
import torch

from nmt.models.interface import NoAlignment
from nmt.search.greedy import GreedySearch
from nmt.tokenizer import BOS, EOS, Tokenizer
from nmt.translator import Translator
from nmt.translator.forced_decoding import diagonal, grow_diag_final_and
from nmt.translator.word_alignment import Reading, links_of
from tests.runs import PAIRS as TEXT
from tests.runs import untrained

PAIRS = [
    ("the cat sat", "le chat dort"),
    ("a dog ran home", "un \u4f60 rentre"),
    ("", "un chien"),
    ("a dog", ""),
    ("", ""),
    ("home", "le chat dort un chien rentre"),
]
SAME, NEXT = Reading(), Reading(step="next")


@pytest.fixture(scope="module")
def translator() -> Translator:
    tokenizer = Tokenizer.train(TEXT, kind="bpe", vocab_size=285, joint=True)
    return Translator(untrained(tokenizer).eval(), tokenizer, GreedySearch())


def test_words_get_the_weights_of_their_tokens(translator: Translator) -> None:
    tokenizer, model = translator.tokenizer, translator.model
    for (source, target), pair in zip(PAIRS, translator.attend_pairs(PAIRS), strict=True):
        src, tgt = [*tokenizer.encode_src([source])[0], EOS], tokenizer.encode_tgt([target])[0]
        with torch.inference_mode():
            alone = model.attend(torch.tensor([[BOS, *tgt]]), model.encode(torch.tensor([src])))
        weights = alone[0, 0, 0]
        torch.testing.assert_close(pair.weights[0], weights, atol=1e-5, rtol=1e-4)
        assert (pair.source.words, pair.target.words) == (source.split(), target.split())
        for reading, rows in ((SAME, weights[:-1]), (NEXT, weights[1:])):
            words, ends = pair.words(reading), pair.words_and_ends(reading)
            count = (len(target.split()), len(source.split()))
            assert words.shape == count
            torch.testing.assert_close(ends[: count[0], :-1], words)
            assert len(ends) == count[0] + (reading is SAME)
            if count[0] == 1:
                torch.testing.assert_close(ends[0, -1], rows[:, -1].mean())
        torch.testing.assert_close(pair.words_and_ends(SAME)[-1, -1], weights[-1, -1])


def test_a_target_word_is_the_mean_of_its_tokens(translator: Translator) -> None:
    (pair,) = translator.attend_pairs([("home", "\u4f60\u597d")])
    spelt = len(pair.target.spelling[0])
    assert spelt >= 6  # bytes
    bytes_only = pair.weights[0, spelt - 6 : spelt]
    assert pair.words_and_ends(SAME)[0, -1] == pytest.approx(float(bytes_only[:, -1].mean()))
    letters = [
        place for place, piece in enumerate(pair.source.spelling[1]) if piece.strip("\u2581")
    ]
    mean = bytes_only[:, letters[:-1]].sum(dim=1).mean()  # the last of them is EOS
    assert pair.words(SAME)[0, 0] == pytest.approx(float(mean), abs=1e-5)


def test_words_are_those_of_the_raw_text(translator: Translator) -> None:
    """A word of invisible signs, which the model does not read, keeps its place."""
    plain, odd = translator.attend_pairs(
        [("the cat sat", "le chat dort"), ("the \u200b cat\u00a0sat", "le chat dort")]
    )
    assert odd.source.words == ["the", "\u200b", "cat", "sat"]
    torch.testing.assert_close(odd.words(SAME)[:, [0, 2, 3]], plain.words(SAME))
    assert not odd.words(SAME)[:, 1].any()
    assert not any(src == 1 for src, _ in odd.links(SAME))  # it has no link either
    (turned,) = translator.attend_pairs([("le chat dort", "the \x01 cat sat")])
    assert {tgt for _, tgt in turned.links(SAME)} == {0, 2, 3}
    assert not turned.words_and_ends(SAME)[1].any()
    whole = Reading(links="target")
    assert odd.links(whole) == tuple((src + (src > 0), tgt) for src, tgt in plain.links(whole))


def test_a_layer_that_is_not_there_is_refused(translator: Translator) -> None:
    (pair,) = translator.attend_pairs(PAIRS[:1])
    assert pair.links(Reading(layer=1)) == pair.links(SAME)
    with pytest.raises(ValueError, match="layer=2, but the decoder has 1 that attend"):
        pair.links(Reading(layer=2))


def test_a_model_without_attention_says_so(
    translator: Translator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def attend(*_: object) -> None:
        raise NoAlignment("nothing")

    monkeypatch.setattr(translator.model, "attend", attend)
    with pytest.raises(NoAlignment):
        translator.attend_pairs(PAIRS)


def test_every_word_of_both_sides_is_linked() -> None:
    weights = torch.tensor([[0.6, 0.3, 0.1], [0.5, 0.1, 0.4]])
    assert links_of(weights, "target") == ((0, 0), (0, 1))
    assert links_of(weights, "both") == ((0, 0), (0, 1), (1, 0), (2, 1))
    assert links_of(weights[:0], "both") == links_of(weights[:, :0], "both") == ()


def test_the_diagonal() -> None:
    assert diagonal(3, 3, "both") == ((0, 0), (1, 1), (2, 2))
    assert diagonal(2, 4, "target") == ((0, 0), (0, 1), (1, 2), (1, 3))
    assert diagonal(4, 2, "target") in (((0, 0), (2, 1)), ((0, 0), (3, 1)), ((1, 0), (2, 1)))
    assert {src for src, _ in diagonal(9, 4, "both")} == set(range(9))
    assert diagonal(0, 3, "both") == diagonal(3, 0, "both") == ()


def plain_grow_diag_final_and(
    forward: set[tuple[int, int]], backward: set[tuple[int, int]], src: int, tgt: int
) -> set[tuple[int, int]]:
    """As the description of Moses writes it, over every cell; links are (source, target)."""
    union, found = forward | backward, forward & backward

    def free(side: int, word: int) -> bool:
        return all(link[side] != word for link in found)

    while True:
        before = len(found)
        for e in range(tgt):
            for f in range(src):
                if (f, e) in found:
                    for down, right in (
                        *((-1, 0), (0, -1), (1, 0), (0, 1)),
                        *((-1, -1), (-1, 1), (1, -1), (1, 1)),
                    ):
                        one = (f + right, e + down)
                        if one in union and (free(0, one[0]) or free(1, one[1])):
                            found.add(one)
        if len(found) == before:
            break
    for links in (forward, backward):
        for e in range(tgt):
            for f in range(src):
                if (f, e) in links and free(0, f) and free(1, e):
                    found.add((f, e))
    return found


def test_joins_two_directions_as_the_plain_algorithm_does() -> None:
    rng = random.Random(1)
    grown = 0
    for _ in range(300):
        src, tgt = rng.randint(1, 9), rng.randint(1, 9)
        forward = {(rng.randrange(src), e) for e in range(tgt)}
        near = [(f, min(tgt - 1, max(0, f + rng.randint(-1, 1)))) for f in range(src)]
        backward = set(near) | {(f, e) for f, e in forward if rng.random() < 0.4}
        wanted = plain_grow_diag_final_and(forward, backward, src, tgt)
        assert set(grow_diag_final_and(forward, backward)) == wanted
        grown += len(wanted) > len(forward & backward)
    assert grown > 200


def test_joins_a_case_worked_by_hand() -> None:
    """0-0 is in both; 0-1 and 1-1 touch it, and 1-2 touches 1-1; target word 0 of 3-0, which
    touches nothing, is taken; 4-4 touches nothing either, but both of its words are free."""
    forward = {(0, 0), (1, 1), (1, 2), (4, 4)}
    backward = {(0, 0), (0, 1), (3, 0)}
    assert grow_diag_final_and(forward, backward) == ((0, 0), (0, 1), (1, 1), (1, 2), (4, 4))
    assert grow_diag_final_and([], []) == ()
