"""Counts what a server does, in the text format of Prometheus. Nothing of any text is in it."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator

BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Seconds: upper ends of the ranges that answers are counted by."""


class Metrics:
    """waiting: tells how many requests are at the models or wait for them."""

    def __init__(self, waiting: Callable[[], int]) -> None:
        self._waiting = waiting
        self._answers: Counter[tuple[str, int]] = Counter()  # path, status
        self._ranges = [0] * (len(BOUNDS) + 1)
        self._seconds = 0.0
        self._translated: Counter[tuple[str, str]] = Counter()  # what, run

    def answered(self, path: str, status: int, seconds: float) -> None:
        """path: of a route, never one that a client makes up. Each combination is kept."""
        self._answers[path, status] += 1
        if path == "/translate":
            self._ranges[bisect_left(BOUNDS, seconds)] += 1
            self._seconds += seconds

    def translated(self, run: str, lines: int, characters: int, flagged: int) -> None:
        """flagged: how many of the lines' translations have a flag."""
        for what, number in (("lines", lines), ("characters", characters), ("flagged", flagged)):
            self._translated[what, run] += number

    def text(self) -> str:
        """What /metrics answers."""
        return "\n".join([*self._lines(), ""])

    def _lines(self) -> Iterator[str]:
        yield from _head("nmt_requests_total", "counter", "Answers, by path and HTTP status.")
        for (path, status), number in sorted(self._answers.items()):
            yield f'nmt_requests_total{{path="{path}",status="{status}"}} {number}'
        yield from _head("nmt_translate_seconds", "histogram", "Time to answer /translate.")
        below = 0
        for bound, number in zip((*map(str, BOUNDS), "+Inf"), self._ranges, strict=True):
            below += number
            yield f'nmt_translate_seconds_bucket{{le="{bound}"}} {below}'
        yield f"nmt_translate_seconds_sum {self._seconds:.6f}"
        yield f"nmt_translate_seconds_count {below}"
        for what, meaning in (
            ("lines", "Lines translated."),
            ("characters", "Characters of their sources."),
            ("flagged", "Translations that bear a flag."),
        ):
            yield from _head(f"nmt_{what}_total", "counter", meaning)
            for (kind, run), number in sorted(self._translated.items()):
                if kind == what:
                    yield f'nmt_{what}_total{{run="{_escaped(run)}"}} {number}'
        yield from _head("nmt_waiting", "gauge", "Requests at the models or waiting for them.")
        yield f"nmt_waiting {self._waiting()}"


def _head(name: str, kind: str, meaning: str) -> Iterator[str]:
    yield f"# HELP {name} {meaning}"
    yield f"# TYPE {name} {kind}"


def _escaped(label: str) -> str:
    return label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
