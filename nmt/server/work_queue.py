"""A few threads own the models. Requests meet in a queue in front of them and take turns.

A request enters as units: lines, or parts of a long one. A turn is one call of a translator, with
units of all requests that want the same run and options, one of each after the other, until it
would take about half a second. That is large enough to keep a processor busy. A turn with short
requests is filled up with long ones by as much again only. So a short text leaves with the next
turn, however long those are that came before it, and does not wait for much of them.

On a CPU several turns go on side by side, each in a thread of its own with its share of the
processors: two batches by one processor each are done sooner than one after the other by both,
which wait for each other at every step. A turn takes no more than its share of all that is here,
and leaves the rest to the other threads. A thread that has answered lingers a little, as those whom
it answered may come again at once: a turn with the first of them would keep the others waiting.
"""

import asyncio
import logging
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, TypeVar

import torch

from nmt.device import return_freed_memory
from nmt.parallel import at_once
from nmt.search.base import Search
from nmt.server.limits import Refused
from nmt.server.long_lines import LineCutter
from nmt.server.turns import PLAIN, Job, TranslateOptions, Unit, take_turn
from nmt.translator import Terms, Translation, Translator
from nmt.translator.inference import LEAST_BATCH, SHORTEST

log = logging.getLogger(__name__)

T = TypeVar("T")

TURN_SECONDS = 0.5
LINGER = 0.2  # of the time that the turn before took
MOST_SEARCHES = 16  # kept of each run besides its own
CUT_AT_ONCE = 20_000  # characters; more are cut beside the event loop
TRIM_SECONDS = 2.0


class WorkQueue:
    """Lets requests take turns at the models of several runs.

    translators: by the names of their runs.
    most_waiting: requests that are here at once; another is Refused with 429.
    threads: of the processor; None: as many as torch takes in the thread that makes this.
    """

    def __init__(
        self,
        translators: Mapping[str, Translator],
        *,
        most_waiting: int = 256,
        threads: int | None = None,
    ) -> None:
        self._translators = dict(translators)
        self._most_waiting = most_waiting
        threads = threads or torch.get_num_threads()
        turns = min(at_once(one.device, threads) for one in translators.values())
        self._threads_each = threads // turns
        self._jobs: set[Job] = set()  # all that are here
        self._turns: deque[Job] = deque()  # those with units that no turn has taken yet
        self._under_way = 0  # cost of the turns that go on
        self._changed = threading.Condition()
        self._closing = False
        self._searching: dict[str, OrderedDict[Search, Translator]] = {
            name: OrderedDict() for name in self._translators
        }
        self._speed = {  # cost a second, a guess until turns have been timed
            name: 4 * LEAST_BATCH * one.search.most_hypotheses / TURN_SECONDS
            for name, one in self._translators.items()
        }
        self._trimmed = 0.0
        self._workers = [
            threading.Thread(target=self._work, name=f"models {number}", daemon=True)
            for number in range(turns)
        ]

    def start(self) -> None:
        """Starts the threads. Requests may come before it."""
        for worker in self._workers:
            worker.start()

    def close(self) -> None:
        """Waits until all that was accepted is done, and ends the threads."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        for worker in self._workers:
            if worker.is_alive():
                worker.join()

    @property
    def waiting(self) -> int:
        """How many requests are here."""
        return len(self._jobs)

    def seconds_to_wait(self) -> int:
        """About how long it takes until what is here is done; at least 1."""
        with self._changed:
            costs = [(job.run, job.cost) for job in self._turns]
        seconds = sum(cost / self._speed[run] for run, cost in costs)
        return max(1, round(seconds / len(self._workers)))

    async def translate(
        self,
        run: str,
        lines: Sequence[str],
        options: TranslateOptions = PLAIN,
        terms: Sequence[Terms] | None = None,
    ) -> list[Translation]:
        """Translates each line, in order, by this run. terms: of each line.

        Cancelling it takes back what no turn has taken yet. Raises Refused where too many requests
        wait, and what ``Translator.translate`` raises.
        """
        terms = [Terms()] * len(lines) if terms is None else terms
        translator = self._translators[run]
        cutter = LineCutter(translator.src_lang, translator.tgt_lang, options.sentences)
        if sum(map(len, lines)) > CUT_AT_ONCE:
            cuts = await asyncio.to_thread(cutter.cut, lines, terms)
        else:
            cuts = cutter.cut(lines, terms)
        hypotheses = (options.search or translator.search).most_hypotheses
        parts = [(part, own) for cut, own in zip(cuts, terms, strict=True) for part in cut]
        units = deque(
            Unit(place, part.text, own, max(SHORTEST, part.tokens) * hypotheses)
            for place, (part, own) in enumerate(parts)
        )
        if not units:
            return []
        found: list[Translation] = await self._done(run, options, units)
        made = iter(found)
        return [
            cutter.joined(line, cut, list(islice(made, len(cut))))
            for line, cut in zip(lines, cuts, strict=True)
        ]

    async def call(self, run: str, work: Callable[[Translator], T], tokens: int) -> T:
        """What ``work`` gives for the translator of this run. It is called in a thread that owns
        the models, as a turn, and must not keep the translator. tokens: how much work it is, about.
        """
        unit = Unit(0, "", Terms(), tokens)
        result: T = await self._done(run, PLAIN, deque([unit]), work)
        return result

    async def _done(
        self,
        run: str,
        options: TranslateOptions,
        units: deque[Unit],
        work: Callable[[Translator], Any] | None = None,
    ) -> Any:
        loop = asyncio.get_running_loop()
        job = Job(run, options, loop, loop.create_future(), units, work)
        if self._closing or len(self._jobs) >= self._most_waiting:
            status, why = (503, "shuts down") if self._closing else (429, "has too much to do")
            raise Refused(status, f"this server {why}: try again later", self.seconds_to_wait())
        with self._changed:
            self._jobs.add(job)
            self._turns.append(job)
            self._changed.notify_all()
        try:
            return await job.future
        finally:
            with self._changed:
                self._jobs.discard(job)
                if job in self._turns:
                    self._turns.remove(job)
                    self._changed.notify_all()

    # What follows runs in the threads of the models.

    def _work(self) -> None:
        torch.set_num_threads(self._threads_each)
        answered, seconds = 0, 0.0
        while turn := self._next_turn(answered, LINGER * seconds):
            start = time.monotonic()
            answered = self._take(turn)
            end = time.monotonic()
            seconds = end - start
            with self._changed:
                self._under_way -= sum(unit.cost for _, unit in turn)
            if end > self._trimmed + TRIM_SECONDS:
                self._trimmed = end
                return_freed_memory()

    def _next_turn(self, answered: int, linger: float) -> list[tuple[Job, Unit]]:
        """Waits for the units of the next turn; none once the queue is closed and empty.

        It lingers so many seconds for as many requests as were answered by the turn before.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._closing or len(self._turns) >= answered, linger)
            self._changed.wait_for(lambda: self._closing or self._turns)
            if not self._turns:
                return []
            first = self._turns[0]
            most = max(self._share, self._least(first))
            turn = take_turn(self._turns, self._budget(first), most)
            self._under_way += sum(unit.cost for _, unit in turn)
            taken = dict.fromkeys(job for job, _ in turn)
            others = [job for job in self._turns if job not in taken]
            self._turns = deque([*others, *(job for job in taken if job.units)])
            return turn

    def _budget(self, job: Job) -> float:
        """The most that a turn costs: what takes about TURN_SECONDS, but no more than fits into
        one batch of the translator."""
        translator = self._translators[job.run]
        most = max(LEAST_BATCH, translator.tokens_at_once) * self._hypotheses(job)
        return min(max(self._speed[job.run] * TURN_SECONDS, self._least(job)), most)

    def _least(self, job: Job) -> int:
        """What a turn may cost however little there is."""
        return LEAST_BATCH * self._hypotheses(job)

    def _hypotheses(self, job: Job) -> int:
        return (job.options.search or self._translators[job.run].search).most_hypotheses

    @property
    def _share(self) -> float:
        """What each thread would have to do if it were dealt out."""
        here = self._under_way + sum(job.cost for job in self._turns)
        return here / len(self._workers)

    def _take(self, turn: Sequence[tuple[Job, Unit]]) -> int:
        """Translates the units of a turn and returns how many requests are done by it. Where that
        fails, each request's are tried alone, so that only the one fails that is to blame."""
        jobs = list(dict.fromkeys(job for job, _ in turn))
        jobs = [job for job in jobs if job in self._jobs]
        turn = [(job, unit) for job, unit in turn if job in self._jobs]
        if not turn:
            return 0
        start, cost = time.monotonic(), sum(unit.cost for _, unit in turn)
        try:
            results = self._computed(turn[0][0], [unit for _, unit in turn])
        except BaseException as error:  # also a panic of Rust; the thread must live on
            if len(jobs) > 1:
                return sum(
                    self._take([(one, unit) for one, unit in turn if one is job]) for job in jobs
                )
            self._fail(jobs[0], error)
            return 1
        seconds = max(time.monotonic() - start, 1e-6)
        run = jobs[0].run
        with self._changed:
            if not jobs[0].work and cost >= self._budget(jobs[0]) / 2:
                self._speed[run] = 0.7 * self._speed[run] + 0.3 * cost / seconds
            for (job, unit), result in zip(turn, results, strict=True):
                job.found[unit.place] = result
                job.left -= 1
            done = [job for job in jobs if not job.left]
        for job in done:
            found = [job.found[place] for place in range(len(job.found))]
            job.finish(found[0] if job.work else found)
        return len(done)

    def _fail(self, job: Job, error: BaseException) -> None:
        with self._changed:
            if job in self._turns:
                self._turns.remove(job)
        if not isinstance(error, Exception):
            error = RuntimeError(type(error).__name__)
        job.finish(error)

    def _computed(self, job: Job, units: Sequence[Unit]) -> list[Any]:
        translator = self._translator(job.run, job.options.search)
        if job.work:
            return [job.work(translator)]
        options, terms = job.options, [unit.terms for unit in units]
        return translator.translate(
            [unit.text for unit in units],
            terms=terms if any(one != Terms() for one in terms) else None,  # None is faster
            nbest=options.nbest,
            align=options.align,
            confidence=options.confidence,
            sentences=options.sentences,
        )

    def _translator(self, run: str, search: Search | None) -> Translator:
        """The translator of a run with this search; the last ones that were asked for are kept."""
        own = self._translators[run]
        if search is None or search == own.search:
            return own
        with self._changed:
            kept = self._searching[run]
            translator = kept.pop(search, None) or replace(own, search=search)
            kept[search] = translator
            if len(kept) > MOST_SEARCHES:
                kept.popitem(last=False)
        return translator
