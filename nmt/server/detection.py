"""Tells which of the served languages a text is in, one decision for each text."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from nmt.languages import base_code
from nmt.server.limits import Refused

_SURE = 0.95
_LETTERS = 30  # text with fewer says little: names and loan words look like any language


@dataclass(frozen=True)
class Detected:
    """confidence: in percent, as a share among the served languages."""

    language: str
    confidence: float

    def as_json(self) -> dict[str, object]:
        return {"confidence": round(self.confidence, 1), "language": self.language}


class Detector:
    """Ranks the served languages for a text. Those that the detector does not know are never found.

    codes: of the served languages, as their runs have them.
    """

    def __init__(self, codes: Sequence[str]) -> None:
        identifier = copy(_identifier())
        known = set(identifier.labels)
        self._codes: dict[str, str] = {}  # the detector's code -> ours, the first that has it
        for code in codes:
            if base_code(code) in known:
                self._codes.setdefault(base_code(code), code)
        if self._codes:
            identifier.set_languages(list(self._codes))
        self._identifier = identifier

    def ranked(self, text: str) -> list[Detected]:
        """All that is possible, the likeliest first. Refused where no language can be told."""
        if not self._codes:
            raise Refused(
                400, "this server's languages are none that its detector knows: say which"
            )
        # Small letters: the detector takes short capitals for other languages.
        found = self._identifier.rank(text.lower() if text.isupper() else text)
        return [Detected(self._codes[code], 100 * float(share)) for code, share in found]

    def detect(self, text: str) -> Detected:
        """The likeliest language."""
        return self.ranked(text)[0]

    def source(self, text: str, sources: Sequence[str], target: str) -> Detected:
        """The language to translate a text from: the likeliest of ``sources``; or ``target`` where
        a text of some length clearly is in it already."""
        ranked = self.ranked(text)
        letters = sum(map(str.isalpha, text))
        if (
            ranked[0].language == target
            and ranked[0].confidence >= 100 * _SURE
            and letters >= _LETTERS
        ):
            return ranked[0]
        for one in ranked:
            if one.language in sources:
                return one
        raise Refused(400, f"nothing is translated into {target} that can be detected: say source")


@cache
def _identifier() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
