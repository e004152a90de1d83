import pytest

from nmt.evaluation.scorer import Scorer
from nmt.languages import _ISO_639_1, language_name, language_of_script, tokenizer_for, unit_for


@pytest.mark.parametrize(
    ("language", "tokenizer", "unit"),
    [
        ("fr", "13a", "words"),
        ("target", "13a", "words"),
        ("zh", "zh", "characters"),
        ("zh-TW", "zh", "characters"),
        ("zho_Hans", "zh", "characters"),
        ("lzh", "zh", "characters"),
        ("JA", "ja-mecab", "characters"),
        ("ko", "ko-mecab", "words"),
        ("th", "char", "characters"),
        ("khm", "char", "characters"),
        ("bod_Tibt", "char", "characters"),
        ("ksw_Mymr", "char", "characters"),
        ("eng_Latn", "13a", "words"),
        ("zhuang", "13a", "words"),
    ],
)
def test_a_language_says_how_its_words_are_counted(
    language: str, tokenizer: str, unit: str
) -> None:
    assert tokenizer_for(language) == tokenizer
    assert unit_for(language) == unit


@pytest.mark.parametrize(
    ("text", "tokenizer", "unit"),
    [
        ("我喜欢红色的猫。", "zh", "characters"),
        ("使用 PyTorch 和 TensorFlow 训练模型", "zh", "characters"),
        ("猫が好きです。", "ja-mecab", "characters"),
        ("東京都知事選挙ノ結果", "ja-mecab", "characters"),
        ("ｶﾀｶﾅ", "ja-mecab", "characters"),
        ("고양이를 좋아해요.", "ko-mecab", "words"),
        ("แมวดำวิ่ง", "char", "characters"),
        ("ແມວດຳ", "char", "characters"),
        ("ឆ្មាខ្មៅ", "char", "characters"),
        ("ကြောင်နက်", "char", "characters"),
        ("ཞི་མི་ནག་པོ།", "char", "characters"),
        ("The film is called 臥虎藏龍 in Chinese.", "13a", "words"),
        ("Чёрный кот, μαύρη γάτα, חתול שחור, قطة سوداء, काली बिल्ली", "13a", "words"),
        ("12 + 3 = 15 !", "13a", "words"),
        ("", "13a", "words"),
    ],
)
def test_the_script_decides_where_the_language_is_unknown(
    text: str, tokenizer: str, unit: str
) -> None:
    for unknown in ("", "target", "xx", "src"):
        assert tokenizer_for(unknown, [text]) == tokenizer
        assert unit_for(unknown, [text]) == unit
    assert tokenizer_for("fr", [text]) == "13a"
    assert tokenizer_for("zho_Hant", [text]) == "zh"


def test_mixed_text_counts_by_share_of_letters() -> None:
    english, chinese = "I like the red cat a lot", "我喜欢红色的猫"
    assert language_of_script([english] * 9 + [chinese]) == ""
    assert language_of_script([english, chinese] * 5) == "zh"
    assert language_of_script([chinese] * 9 + ["ネコ"]) == "zh"  # one name in kana
    assert language_of_script([]) == ""


def test_a_large_text_is_sampled_evenly() -> None:
    assert language_of_script(["English first"] * 20_000 + ["我喜欢红色的猫"] * 20_000) == "zh"


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
    scorer = Scorer(metrics=["bleu"], tokenize=tokenizer_for(language))
    statistics = scorer.count([text], [text])
    assert statistics["bleu"][0, :2].tolist() == [words, words]


@pytest.mark.parametrize(
    ("language", "name"),
    [("fr", "French"), ("EN", "English"), ("zho_Hans", "Chinese (Hans)"), ("x-my", "x-my")],
)
def test_a_language_has_a_name(language: str, name: str) -> None:
    assert language_name(language) == name


def test_every_code_of_two_letters_has_a_name() -> None:
    assert [code for code in _ISO_639_1.split() if language_name(code) == code] == []
