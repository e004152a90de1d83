"""What a language's code says of its writing."""

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
