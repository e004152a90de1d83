import pytest

from nmt.evaluation.metrics import Scorer
from nmt.languages import tokenizer_for, unit_for


@pytest.mark.parametrize(
    ("language", "tokenizer", "unit"),
    [
        ("fr", "13a", "words"),
        ("target", "13a", "words"),
        ("zh", "zh", "characters"),
        ("zh-TW", "zh", "characters"),
        ("zho_Hans", "zh", "characters"),
        ("JA", "ja-mecab", "characters"),
        ("ko", "ko-mecab", "words"),
        ("th", "char", "characters"),
        ("khm", "char", "characters"),
        ("zhuang", "13a", "words"),
    ],
)
def test_a_language_says_how_its_words_are_counted(
    language: str, tokenizer: str, unit: str
) -> None:
    assert tokenizer_for(language) == tokenizer
    assert unit_for(language) == unit


@pytest.mark.parametrize(
    ("language", "text", "words"),
    [
        ("zh", "我喜欢红色的猫。", 8),
        ("ja", "猫が好きです。", 5),
        ("ko", "고양이를 좋아해요.", 6),
        ("my", "ကခဂ", 3),
        ("en", "I like cats.", 4),
    ],
)
def test_its_words_are_counted(language: str, text: str, words: int) -> None:
    statistics = Scorer(tokenize=tokenizer_for(language)).count([text], [text])
    assert statistics.bleu[0, :2].tolist() == [words, words]
