"""What a text is recognised by."""

import hashlib
from collections.abc import Iterable


class Fingerprint:
    """sha256 of lines in UTF-8, each ended by "\\n": what sha256sum says of the plain file."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def add(self, lines: Iterable[str]) -> None:
        self._digest.update("".join(f"{line}\n" for line in lines).encode("utf-8"))

    def hexdigest(self) -> str:
        return self._digest.hexdigest()


def fingerprint(lines: Iterable[str]) -> str:
    """The fingerprint of all these lines."""
    whole = Fingerprint()
    whole.add(lines)
    return whole.hexdigest()
