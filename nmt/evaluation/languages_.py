"""What the language written decides: how its words are counted."""

from nmt.languages import base_code, is_written_without_spaces

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
