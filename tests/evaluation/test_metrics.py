import random
from importlib import import_module

import numpy as np
import pytest
import sacrebleu
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from nmt.evaluation.metrics import Scorer, bleu_of_sums, chrf_of_sums
from tests.evaluation.corpora import corpus


@pytest.mark.parametrize("lowercase", [False, True])
@pytest.mark.parametrize("tokenize", ["13a", "none", "intl", "char", "zh"])
def test_scores_of_any_subset_are_those_of_sacrebleu(tokenize: str, lowercase: bool) -> None:
    hypotheses, references = corpus(seed=1, n=80)
    scorer = Scorer(tokenize=tokenize, lowercase=lowercase)
    statistics = scorer.count(hypotheses, references)
    rng = random.Random(2)
    for size in (1, 2, 5, 20, 80):
        chosen = rng.sample(range(80), size)
        score = scorer.corpus_score(statistics.select(chosen))

        text, refs = [hypotheses[i] for i in chosen], [[references[i] for i in chosen]]
        bleu = BLEU(tokenize=tokenize, lowercase=lowercase)
        chrf = CHRF(lowercase=lowercase)
        expected = bleu.corpus_score(text, refs)
        assert score.bleu == expected.score
        assert score.chrf == chrf.corpus_score(text, refs).score
        assert score.brevity_penalty == expected.bp
        assert score.length_ratio == (expected.ratio if expected.ref_len else None)
        assert scorer.signatures() == {
            "bleu": str(bleu.get_signature()),
            "chrf": str(chrf.get_signature()),
        }


def test_defaults_are_those_of_the_plain_sacrebleu_functions() -> None:
    hypotheses, references = corpus(seed=3, n=50)
    scorer = Scorer()
    score = scorer.corpus_score(scorer.count(hypotheses, references))
    assert score.bleu == sacrebleu.corpus_bleu(hypotheses, [references]).score > 10
    assert score.chrf == sacrebleu.corpus_chrf(hypotheses, [references]).score > 10


def test_many_sums_are_scored_as_one_by_one() -> None:
    rng = np.random.default_rng(4)
    # Sums of few and short sentences, so that every order is at times without match or n-gram.
    lengths = rng.integers(0, 9, size=(400, 2))
    totals = np.maximum(lengths[:, :1] - np.arange(4), 0)
    bleu = np.concatenate([lengths, rng.integers(0, totals + 1), totals], axis=1).astype(float)
    expected = [
        BLEU.compute_bleu(row[2:6], row[6:], row[0], row[1], smooth_method="exp").score
        for row in bleu.astype(int).tolist()
    ]
    assert 0.0 in expected
    np.testing.assert_allclose(bleu_of_sums(bleu), expected, rtol=1e-12)

    sides = rng.integers(0, 5, size=(400, 6, 2))
    chrf = np.concatenate([sides, rng.integers(0, sides.min(2, keepdims=True) + 1)], axis=2)
    chrf = chrf.reshape(400, 18).astype(float)
    one = [CHRF()._compute_f_score(row) for row in chrf.astype(int).tolist()]
    np.testing.assert_allclose(chrf_of_sums(chrf), one, rtol=1e-12)


def test_perfect_two_word_sentences_score_zero_and_bleu_says_it_is_undefined() -> None:
    scorer = Scorer()
    statistics = scorer.count(["two words"] * 40, ["two words"] * 40)
    assert scorer.corpus_score(statistics).bleu == 0.0
    assert scorer.corpus_score(statistics).chrf == 100.0
    assert not statistics.bleu_is_defined
    # Saying nothing is another matter: these zeros are earned.
    assert scorer.count([""] * 40, ["four words of text"] * 40).bleu_is_defined


def test_blank_lines_are_sentences() -> None:
    scorer = Scorer()
    both = scorer.corpus_score(scorer.count(["", "a b c d"], ["a b c d", "a b c d"]))
    assert both.length_ratio == 0.5
    assert both.bleu == sacrebleu.corpus_bleu(["", "a b c d"], [["a b c d", "a b c d"]]).score
    nothing = scorer.corpus_score(scorer.count(["word"], [""]))
    assert nothing.length_ratio is None


def test_counts_must_agree() -> None:
    with pytest.raises(ValueError, match="3 hypotheses but 2 references"):
        Scorer().count(["a"] * 3, ["a"] * 2)
    with pytest.raises(ValueError, match="no sentence"):
        Scorer().count([], [])


@pytest.mark.parametrize("wrong", ["a b", [["a"], ["b"]], ["a", None], iter(["a", "b"])])
def test_lines_must_be_strings(wrong: object) -> None:
    with pytest.raises(TypeError, match="references"):
        Scorer().count(["a", "b"], wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="hypotheses"):
        Scorer().count(wrong, ["a", "b"])  # type: ignore[arg-type]


def test_unknown_tokenizer_is_answered_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"13a.*none.*got '13b'"):
        Scorer(tokenize="13b")


@pytest.mark.parametrize("language", ["ja", "ko"])
def test_a_tokenizer_without_its_dictionary_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    module = import_module(f"sacrebleu.tokenizers.tokenizer_{language}_mecab")
    monkeypatch.setattr(module, "MeCab", None)
    with pytest.raises(ValueError, match=rf"={language}-mecab .* pip install .*\[{language}\]$"):
        Scorer(tokenize=f"{language}-mecab")
