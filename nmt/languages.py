"""Tells from a language's code how the language is written and how its words are counted."""

import re

_OTHER_CODES = {
    "zho": "zh", "cmn": "zh", "yue": "zh", "jpn": "ja", "kor": "ko",
    "tha": "th", "lao": "lo", "khm": "km", "mya": "my",
}  # fmt: skip
_WITHOUT_SPACES = {"zh", "ja", "th", "lo", "km", "my"}


def base_code(language: str) -> str:
    """The language's code without script and country, with two letters if there is one of two:
    "zh" for zh, zh-TW and zho_Hans."""
    first = re.split("[-_]", language.lower())[0]
    return _OTHER_CODES.get(first, first)


def is_written_without_spaces(language: str) -> bool:
    """Whether the language is written without spaces between words."""
    return base_code(language) in _WITHOUT_SPACES


_TOKENIZERS = {"zh": "zh", "ja": "ja-mecab", "ko": "ko-mecab"}


def tokenizer_for(language: str) -> str:
    """sacreBLEU's tokenizer for the words of a language: "13a" for most languages.

    language: a code with or without script and country, such as ja, zh-TW, zho_Hans. For a language
    without spaces for which sacreBLEU has no word tokenizer, it is "char", of characters.
    """
    without = "char" if is_written_without_spaces(language) else "13a"
    return _TOKENIZERS.get(base_code(language), without)


def unit_for(language: str) -> str:
    """The unit of sentence length: "words", or "characters" for languages without spaces."""
    return "characters" if is_written_without_spaces(language) else "words"
