"""Finds pairs with a side that is clearly in another language, by a detector that works offline."""

from functools import cache
from importlib.metadata import version
from typing import Any

from nmt.checks import OptionError, field
from nmt.languages import base_code

_CONFIDENCE = 0.95
_LETTERS = 30  # text with fewer is not judged: names and loan words look like any language
_LETTERS_OF_WORDS = 10  # the same for scripts in which one letter is a syllable or a word
_FIRST_OF_WORDS = "\u0e00"  # Thai and all that follows it: Tibetan, kana, Hangul, Chinese

_ALIKE = (
    {"no", "nb", "nn", "da", "sv"}, {"hr", "sr", "bs", "sl", "mk", "bg"}, {"id", "ms", "jv"},
    {"pt", "gl", "es", "ca", "an"}, {"cs", "sk"}, {"ru", "uk", "be", "bg"}, {"af", "nl"},
    {"hi", "mr", "ne"}, {"de", "lb"},
    {"fr", "wa", "oc"}, {"fa", "ps", "ur", "ar", "ug"}, {"fi", "et"}, {"tr", "az"},
    {"is", "fo"}, {"ga", "cy"}, {"zh", "ja"}, {"kk", "ky"}, {"it", "co", "sc"}, {"xh", "zu"},
)  # fmt: skip
"""Languages that the detector confuses, or that share much of their text."""


class LanguageCheck:
    """Judges pairs of two languages. A side is clearly in another language if the detector is sure
    of one that is not like its own. It says nothing of short text.

    Raises OptionError where the detector is not installed, and where it knows neither language.
    """

    def __init__(self, src_lang: str, tgt_lang: str) -> None:
        known = set(map(base_code, _detector().labels))
        codes = (base_code(src_lang), base_code(tgt_lang))
        self._allowed = [_alike(code) if code in known else None for code in codes]
        if self._allowed == [None, None]:
            raise OptionError(
                f"{field('languages')}=true needs codes of languages that its detector knows, such"
                f" as en, and got {src_lang} and {tgt_lang}; it knows {', '.join(sorted(known))}"
            )

    def rejects(self, src: str, tgt: str) -> bool:
        """Whether a side is clearly in another language than its own."""
        sides = zip((src, tgt), self._allowed, strict=True)
        return any(
            allowed is not None
            and (found := language_of(side)) is not None
            and found not in allowed
            for side, allowed in sides
        )

    @staticmethod
    def identity() -> str:
        """The detector, for the key of a cache: another version judges otherwise."""
        return f"py3langid {version('py3langid')}, {_CONFIDENCE}, {_LETTERS}"


def language_of(text: str) -> str | None:
    """The code of the language, or of one like it, that a text is clearly in; None where that is
    not clear."""
    letters = sum(letter.isalpha() for letter in text)
    dense = sum(letter >= _FIRST_OF_WORDS and letter.isalpha() for letter in text)
    if letters < _LETTERS and dense < _LETTERS_OF_WORDS:
        return None
    # Small letters: the detector takes short capitals for other languages.
    text = text.lower() if text.isupper() else text
    found, confidence = _detector().classify(text)
    code = base_code(found)
    if confidence < _CONFIDENCE:
        alike = _alike(code)
        ranked = _detector().rank(text)
        confidence = sum(share for other, share in ranked if base_code(other) in alike)
    return code if confidence >= _CONFIDENCE else None


def _alike(code: str) -> set[str]:
    return {code}.union(*(group for group in _ALIKE if code in group))


@cache
def _detector() -> Any:
    try:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier
    except ImportError:
        raise OptionError(
            f"{field('languages')}=true needs a detector that is not installed: in the directory of"
            " the sources, pip install '.[languages]'"
        ) from None
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
