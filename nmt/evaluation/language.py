"""What a language's name decides: how its words are counted."""

import re

_OTHER_NAMES = {
    "zho": "zh", "cmn": "zh", "yue": "zh", "jpn": "ja", "kor": "ko",
    "tha": "th", "lao": "lo", "khm": "km", "mya": "my",
}  # fmt: skip
_TOKENIZERS = {"zh": "zh", "ja": "ja-mecab", "ko": "ko-mecab"} | dict.fromkeys(
    ("th", "lo", "km", "my"), "char"
)
_WITHOUT_SPACES = {"zh", "ja", "th", "lo", "km", "my"}


def tokenizer_for(language: str) -> str:
    """sacreBLEU's tokenizer that BLEU counts this language's words with: "13a" for most.

    language: a code with or without script and country, such as ja, zh-TW, zho_Hans. Languages
    without spaces for which sacreBLEU has no tokenizer of words are counted in characters.
    """
    return _TOKENIZERS.get(_code(language), "13a")


def unit_for(language: str) -> str:
    """What sentence length is counted in: "words", or "characters" where no spaces part words."""
    return "characters" if _code(language) in _WITHOUT_SPACES else "words"


def _code(language: str) -> str:
    first = re.split("[-_]", language.lower())[0]
    return _OTHER_NAMES.get(first, first)
