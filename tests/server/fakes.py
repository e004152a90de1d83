"""A translator without a model, which writes in capitals, and servers of it."""

import re
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from starlette.testclient import TestClient

from nmt.search.base import Search
from nmt.search.beam import BeamSearch
from nmt.server.application import build_app
from nmt.server.limits import ApiKeys, Limits
from nmt.server.served_runs import ServedRuns
from nmt.translator import Alternative, Terms, Translation

BAD = "boom"
DROPS = "drops"
UNALIGNED = "unaligned"


@dataclass(eq=False)
class FakeTranslator:
    """Translates by capitals. A line with ``boom`` fails, one with ``drops`` loses a tag, one with
    ``unaligned`` has no alignment.

    seconds: that each character takes. calls: the lines of each call. terms: that each had.
    """

    src_lang: str = "en"
    tgt_lang: str = "fr"
    search: Search = field(default_factory=BeamSearch)
    seconds: float = 0.0
    tokens_at_once: int = 4096
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    calls: list[list[str]] = field(default_factory=list)
    terms: list[Terms] = field(default_factory=list)
    options: list[dict[str, Any]] = field(default_factory=list)
    threads: set[int] = field(default_factory=set)

    def translate(
        self, lines: Sequence[str], *, terms: Sequence[Terms] | None, **options: Any
    ) -> list[Translation]:
        self.calls.append(list(lines))
        self.terms += terms or []
        self.options.append({"search": self.search, **options})
        self.threads.add(threading.get_ident())
        if any(BAD in line for line in lines):
            raise RuntimeError(f"cannot translate {lines}")
        time.sleep(self.seconds * sum(map(len, lines)))
        return [self._translated(line, options) for line in lines]

    def _translated(self, line: str, options: dict[str, Any]) -> Translation:
        text = re.sub(
            r"(?:<[^<>]*>|&\w+;)|(.)", lambda one: one[1].upper() if one[1] else one[0], line
        )
        if DROPS in line:
            text = text.replace("<g1>", "", 1)
        words = range(0 if UNALIGNED in line else len(line.split()))
        links = tuple((word, word) for word in words) if options["align"] else None
        one = Alternative(text=text, score=-0.5, tokens=3, alignment=links)
        count = options["nbest"]
        others = [one, *(replace(one, text=f"{text} {n}") for n in range(2, count + 1))]
        return Translation(**vars(one), nbest=tuple(others[:count]))


def served(*translators: FakeTranslator, names: Sequence[str] = ()) -> ServedRuns:
    given = translators or (FakeTranslator(),)
    names = names or [f"run{number}" for number in range(1, len(given) + 1)]
    return ServedRuns(dict(zip(names, given, strict=True)))  # type: ignore[arg-type]  # fakes


def client(
    *translators: FakeTranslator, limits: Limits | None = None, keys: str = "", **options: Any
) -> TestClient:
    """A client of a server of these; to be entered, so that the server starts and ends."""
    accepted = ApiKeys(tuple(key.encode() for key in keys.split()))
    app = build_app(served(*translators), limits, keys=accepted, threads=1, **options)
    return TestClient(app, raise_server_exceptions=True)
