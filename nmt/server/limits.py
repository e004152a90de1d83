"""How much one request, and all of them together, may ask of a server; and who may ask at all."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from nmt.checks import non_negative_int, positive, positive_int


class Refused(Exception):
    """A request that is answered by an error.

    status: of HTTP. message: for the client, without any of its text. retry_after: seconds after
    which the same request may be answered; None where it never will.
    """

    def __init__(self, status: int, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.retry_after = retry_after


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Most that requests may ask for.

    characters: of one text.
    texts: of one request.
    alternatives: besides the best translation.
    beam_size: of the search that a request asks for.
    waiting: requests that are worked on or wait for it; the next ones are answered by 429.
    seconds: until a request is answered by 503.
    body_bytes: of a request but for files.
    file_bytes, file_seconds: the same two of a file to translate.
    kept_bytes, kept_minutes: of translated files that nobody has fetched yet, all of them together.

    Raises ValueError for numbers below 1; only ``alternatives`` may be 0.
    """

    characters: int = 10_000
    texts: int = 128
    alternatives: int = 8
    beam_size: int = 16
    waiting: int = 256
    seconds: float = 60.0
    body_bytes: int = 2**20
    file_bytes: int = 4 * 2**20
    file_seconds: float = 600.0
    kept_bytes: int = 64 * 2**20
    kept_minutes: float = 10.0

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if one.type is float:
                positive(one.name, value)
            elif one.name == "alternatives":
                non_negative_int(one.name, value)
            else:
                positive_int(one.name, value)


@dataclass(frozen=True)
class ApiKeys:
    """The keys that requests may bear; none at all: no request needs one."""

    keys: tuple[bytes, ...] = ()

    @classmethod
    def read(cls, path: str | Path) -> "ApiKeys":
        """A key a line; blank lines and those that begin with # do not count. Raises OSError, and
        ValueError for a file without keys: it would let everybody in."""
        try:
            lines = Path(path).expanduser().read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            raise ValueError(
                f"{path} is no text in UTF-8: it must hold an API key a line"
            ) from None
        keys = [line.strip() for line in lines]
        keys = [key for key in keys if key and not key.startswith("#")]
        if not keys:
            raise ValueError(f"{path} holds no API key: write one a line")
        return cls(tuple(key.encode() for key in keys))

    def check(self, key: object) -> None:
        """Raises Refused for a request whose key is missing (400) or none of these (403)."""
        if not self.keys:
            return
        if key is None or key == "":
            raise Refused(400, "api_key is missing: this server answers holders of a key only")
        given = str(key).encode("utf-8", "surrogatepass")
        # Every key is compared, each in a time that does not tell how much of it is right.
        if sum(hmac.compare_digest(given, one) for one in self.keys) == 0:
            raise Refused(403, "api_key is none of this server's")


def check_origins(origins: Sequence[str]) -> tuple[str, ...]:
    """Origins of web pages that may read answers, such as https://example.org, or * for all.
    Raises ValueError for what is no origin."""
    for origin in origins:
        scheme, _, host = origin.partition("://")
        if origin != "*" and (scheme not in ("http", "https") or not host or "/" in host):
            raise ValueError(
                f"cors must be a list of origins such as https://example.org, or *, got {origin!r}"
            )
    return tuple(origins)
