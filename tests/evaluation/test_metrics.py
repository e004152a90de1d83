import random
from importlib import import_module

import numpy as np
import pytest
import sacrebleu
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.metrics.ter import TER

from nmt.evaluation.metrics import METRICS, VARYING, Bleu, Chrf, ChrfPlusPlus, Ter, TokenizerMissing
from nmt.evaluation.scorer import Scorer, number_of_references, reference_texts
from tests.evaluation.corpora import corpus

METRICS_OF_SACREBLEU = {
    "bleu": lambda tokenize, lowercase: BLEU(tokenize=tokenize, lowercase=lowercase),
    "chrf": lambda tokenize, lowercase: CHRF(lowercase=lowercase),
    "chrf++": lambda tokenize, lowercase: CHRF(word_order=2, lowercase=lowercase),
    "ter": lambda tokenize, lowercase: (
        TER(normalized=True, asian_support=True) if tokenize in ("char", "zh") else TER()
    ),
}
ALL = tuple(METRICS)


@pytest.mark.parametrize("lowercase", [False, True])
@pytest.mark.parametrize("tokenize", ["13a", "none", "intl", "char", "zh"])
def test_scores_of_any_subset_are_those_of_sacrebleu(tokenize: str, lowercase: bool) -> None:
    hypotheses, references = corpus(seed=1, n=80)
    scorer = Scorer(metrics=ALL, tokenize=tokenize, lowercase=lowercase)
    statistics = scorer.count(hypotheses, references)
    rng = random.Random(2)
    for size in (1, 2, 5, 20, 80):
        chosen = rng.sample(range(80), size)
        score = scorer.corpus_score(statistics.select(chosen))

        text, refs = [hypotheses[i] for i in chosen], [[references[i] for i in chosen]]
        theirs = {name: make(tokenize, lowercase) for name, make in METRICS_OF_SACREBLEU.items()}
        expected = {name: metric.corpus_score(text, refs) for name, metric in theirs.items()}
        assert score.scores == {name: one.score for name, one in expected.items()}
        assert score.bleu == expected["bleu"].score
        assert score.brevity_penalty == expected["bleu"].bp
        assert score.length_ratio == (expected["bleu"].ratio if expected["bleu"].ref_len else None)
        signatures = {name: str(metric.get_signature()) for name, metric in theirs.items()}
        assert scorer.signatures() == signatures


@pytest.mark.parametrize("missing", [0.0, 0.3])
@pytest.mark.parametrize("n", [2, 3])
def test_scores_with_several_references_are_those_of_sacrebleu(n: int, missing: float) -> None:
    rng = random.Random(n)
    hypotheses, first = corpus(seed=5, n=60)
    texts = [first, *(corpus(seed=5 + k, n=60)[1] for k in range(1, n))]
    texts = [[line or "cat" if rng.random() >= missing else "" for line in t] for t in texts]
    scorer = Scorer(metrics=ALL)
    score = scorer.corpus_score(scorer.count(hypotheses, *texts))
    # A blank reference is none, but where the sentence has no other.
    rows = list(zip(*texts, strict=True))
    theirs = [[row[k] or (None if any(row) else "") for row in rows] for k in range(len(texts))]
    number = number_of_references(reference_texts(texts))
    assert (number == VARYING) == bool(missing)
    for name, make in METRICS_OF_SACREBLEU.items():
        metric = make("13a", False)
        assert score.scores[name] == metric.corpus_score(hypotheses, theirs).score
        assert scorer.signatures(number)[name] == str(metric.get_signature())
    assert f"nrefs:{'var' if missing else n}|" in scorer.signatures(number)["ter"]


def test_defaults_are_those_of_the_plain_sacrebleu_functions() -> None:
    hypotheses, references = corpus(seed=3, n=50)
    scorer = Scorer(metrics=ALL)
    scores = scorer.corpus_score(scorer.count(hypotheses, references)).scores
    assert scores["bleu"] == sacrebleu.corpus_bleu(hypotheses, [references]).score > 10
    assert scores["chrf"] == sacrebleu.corpus_chrf(hypotheses, [references]).score > 10
    assert scores["ter"] == sacrebleu.corpus_ter(hypotheses, [references]).score > 10


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
    np.testing.assert_allclose(Bleu().of_sums(bleu), expected, rtol=1e-12)

    for ours, theirs in ((Chrf(), CHRF()), (ChrfPlusPlus(), CHRF(word_order=2))):
        sides = rng.integers(0, 5, size=(400, theirs.order, 2))
        shared = rng.integers(0, sides.min(2, keepdims=True) + 1)
        chrf = np.concatenate([sides, shared], axis=2).reshape(400, -1).astype(float)
        one = [theirs._compute_f_score(row) for row in chrf.astype(int).tolist()]
        np.testing.assert_allclose(ours.of_sums(chrf), one, rtol=1e-12)

    ter = rng.integers(0, 4, size=(400, 2)).astype(float)
    one = [TER()._compute_score_from_stats(row).score for row in ter.tolist()]
    assert {0.0, 100.0} < set(one)
    np.testing.assert_allclose(Ter().of_sums(ter), one, rtol=1e-12)


def test_perfect_two_word_sentences_score_zero_and_bleu_says_it_is_undefined() -> None:
    scorer = Scorer()
    statistics = scorer.count(["two words"] * 40, ["two words"] * 40)
    assert scorer.corpus_score(statistics).bleu == 0.0
    assert scorer.corpus_score(statistics).scores["chrf"] == 100.0
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
    with pytest.raises(ValueError, match="references of 2 lines and 3 lines"):
        Scorer().count(["a"] * 2, ["a"] * 2, ["a"] * 3)
    with pytest.raises(ValueError, match="no reference"):
        Scorer().count(["a"])


@pytest.mark.parametrize("wrong", ["a b", [["a"], ["b"]], ["a", None], iter(["a", "b"])])
def test_lines_must_be_strings(wrong: object) -> None:
    with pytest.raises(TypeError, match="references"):
        Scorer().count(["a", "b"], wrong)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(TypeError, match="hypotheses"):
        Scorer().count(wrong, ["a", "b"])  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize("wrong", [["bleu", "meteor"], ["chrf"], ["bleu", "bleu"], []])
def test_metrics_that_cannot_be_asked_for_are_named(wrong: list[str]) -> None:
    with pytest.raises(ValueError, match="metrics must"):
        Scorer(metrics=wrong)


def test_unknown_tokenizer_is_answered_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"13a.*none.*got '13b'"):
        Scorer(tokenize="13b")


@pytest.mark.parametrize("language", ["ja", "ko"])
def test_a_tokenizer_without_its_dictionary_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    module = import_module(f"sacrebleu.tokenizers.tokenizer_{language}_mecab")
    monkeypatch.setattr(module, "MeCab", None)
    with pytest.raises(
        TokenizerMissing, match=rf"={language}-mecab .* pip install .*\[{language}\]$"
    ):
        Scorer(tokenize=f"{language}-mecab")
