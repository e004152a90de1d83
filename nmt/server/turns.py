"""Requests that wait for a turn at the models, and which of their units the next turn takes."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from nmt.search.base import Search
from nmt.translator import Terms, Translation, Translator

SHORT = 0.25  # of a turn: requests of at most this size go first


@dataclass(frozen=True)
class TranslateOptions:
    """How a request is translated; requests with equal options share a turn. search: None: the
    run's own. The others are those of ``Translator.translate``."""

    search: Search | None = None
    nbest: int = 0
    align: bool = False
    confidence: bool = False
    sentences: str = "auto"


PLAIN = TranslateOptions()


@dataclass(frozen=True)
class Unit:
    """A line or a part of one. place: among the results. cost: estimated tokens, times the
    hypotheses of the search."""

    place: int
    text: str
    terms: Terms
    cost: int


@dataclass(eq=False)
class Job:
    """A request on its way.

    units: that no turn has taken yet. work: what to call instead of translating. left: how many
    results are missing. cost: of the units.
    """

    run: str
    options: TranslateOptions
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[Any]"
    units: deque[Unit]
    work: Callable[[Translator], Any] | None = None
    found: dict[int, Translation] = field(default_factory=dict)
    left: int = field(init=False)
    cost: int = field(init=False)

    def __post_init__(self) -> None:
        self.left = len(self.units)
        self.cost = sum(unit.cost for unit in self.units)

    @property
    def key(self) -> object:
        """Equal for requests that may share a turn."""
        return self if self.work else (self.run, self.options)

    def next_unit(self) -> Unit:
        unit = self.units.popleft()
        self.cost -= unit.cost
        return unit

    def finish(self, result: object) -> None:
        """Hands the result, or the error, to whoever waits for it, if anybody still does."""

        def set_result() -> None:
            if self.future.done():
                return
            if isinstance(result, BaseException):
                self.future.set_exception(result)
            else:
                self.future.set_result(result)

        with suppress(RuntimeError):  # the loop has ended
            self.loop.call_soon_threadsafe(set_result)


def take_turn(waiting: Sequence[Job], budget: float, most: float) -> list[tuple[Job, Unit]]:
    """Takes the units of a turn from the first request that waits and from those that may share it:
    from the short ones before all, and then no more of the long ones than as much again.

    budget: what a turn usually costs at most, by which short and long are told apart. most: what
    this one costs at most, if that is less.
    """
    first = waiting[0]
    same = [job for job in waiting if job.key == first.key]
    short = [job for job in same if job.cost <= SHORT * budget]
    long = [job for job in same if job.cost > SHORT * budget]
    if short and long:
        budget = min(budget, 2 * sum(job.cost for job in short))
    budget = min(budget, most)
    turn: list[tuple[Job, Unit]] = []
    together, cost = [*short, *long], 0
    while together and cost + together[0].units[0].cost <= budget:
        for job in together:
            if cost + job.units[0].cost > budget:
                break
            turn.append((job, unit := job.next_unit()))
            cost += unit.cost
        together = [job for job in together if job.units]
    if not any(job is first for job, _ in turn):  # its unit is large; yet its turn has come
        turn.append((first, first.next_unit()))
    return turn
