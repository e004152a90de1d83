"""What a language's code says of its writing, and so of how its words are counted."""

import re

_OTHER_CODES = {
    "zho": "zh", "cmn": "zh", "yue": "zh", "jpn": "ja", "kor": "ko",
    "tha": "th", "lao": "lo", "khm": "km", "mya": "my",
}  # fmt: skip
_WITHOUT_SPACES = {"zh", "ja", "th", "lo", "km", "my"}


def base_code(language: str) -> str:
    """The two-letter code, where there is one, of a code with or without script and country:
    "zh" of zh, zh-TW and zho_Hans."""
    first = re.split("[-_]", language.lower())[0]
    return _OTHER_CODES.get(first, first)


def is_written_without_spaces(language: str) -> bool:
    """Whether no spaces part the words of this language."""
    return base_code(language) in _WITHOUT_SPACES


_TOKENIZERS = {"zh": "zh", "ja": "ja-mecab", "ko": "ko-mecab"}


def tokenizer_for(language: str) -> str:
    """sacreBLEU's tokenizer that BLEU counts this language's words with: "13a" for most.

    language: a code with or without script and country, such as ja, zh-TW, zho_Hans. Languages
    without spaces for which sacreBLEU has no tokenizer of words are counted in characters.
    """
    without = "char" if is_written_without_spaces(language) else "13a"
    return _TOKENIZERS.get(base_code(language), without)


def unit_for(language: str) -> str:
    """What sentence length is counted in: "words", or "characters" where no spaces part words."""
    return "characters" if is_written_without_spaces(language) else "words"
