"""What the endpoints of one server share, and what they all do around their work."""

import asyncio
import logging
import time
import traceback
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nmt.server.detection import Detector
from nmt.server.limits import ApiKeys, Limits, Refused
from nmt.server.prometheus import Metrics
from nmt.server.served_runs import ServedRun, ServedRuns
from nmt.server.turns import PLAIN, TranslateOptions
from nmt.server.work_queue import WorkQueue
from nmt.translator import Terms, Translation
from nmt.translator.questions import Question, Steps, advanced

log = logging.getLogger(__name__)

T = TypeVar("T")
FILES = "/translate_file"


@dataclass(frozen=True)
class ServerState:
    """What requests share; ``of`` finds it."""

    runs: ServedRuns
    limits: Limits
    keys: ApiKeys
    queue: WorkQueue
    detector: Detector
    metrics: Metrics = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "metrics", Metrics(lambda: self.queue.waiting))

    async def translated(
        self,
        run: ServedRun,
        lines: Sequence[str],
        options: TranslateOptions = PLAIN,
        terms: Sequence[Terms] | None = None,
    ) -> list[Translation]:
        """A translation of each line. Counts them; else as ``WorkQueue.translate``."""
        made = await self.queue.translate(run.name, lines, options, terms)
        flagged = sum(bool(one.flags) for one in made)
        self.metrics.translated(run.name, len(lines), sum(map(len, lines)), flagged)
        return made

    async def answered(
        self,
        run: ServedRun,
        steps: Steps[T],
        options: TranslateOptions = PLAIN,
        terms: Sequence[Terms] = (),
    ) -> T:
        """The result of work that asks this run for translations. terms: of each of its texts, if
        they have any; what their parts must have nobody knows."""
        single = replace(options, nbest=0, confidence=False)
        reached = await asyncio.to_thread(advanced, steps)
        while isinstance(reached, Question):
            own = [terms[place] for place in reached.places] if terms else None
            if own and reached.parts:
                own = [replace(one, prefix="", require=()) for one in own]
            first = not (reached.align or reached.parts)
            how = options if first else replace(single, align=reached.align)
            made = await self.translated(run, reached.lines, how, own)
            reached = await asyncio.to_thread(advanced, steps, made)
        return reached.result

    @staticmethod
    def of(request: Request) -> "ServerState":
        state = request.app.state.server
        assert isinstance(state, ServerState)
        return state


async def while_connected(request: Request, work: Coroutine[Any, Any, T], seconds: float) -> T:
    """What ``work`` gives; it is cancelled when the client goes away. Refused with 503 once that
    takes longer than this. Call it once the body has been read."""

    async def gone() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    working, leaving = asyncio.ensure_future(work), asyncio.ensure_future(gone())
    try:
        done, _ = await asyncio.wait(
            {working, leaving}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
        )
        if working in done:
            return working.result()
        if leaving in done:
            raise Refused(499, "the client has gone away")
        wait = ServerState.of(request).queue.seconds_to_wait()
        raise Refused(503, f"this takes longer than {seconds:g} seconds", wait)
    finally:
        for task in (working, leaving):
            if not task.done():
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task


def refusal(error: Refused) -> Response:
    """The answer to a request that is refused."""
    headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    return JSONResponse({"error": error.message}, error.status, headers)


Endpoint = Callable[[Request], Awaitable[Response]]


class Guard:
    """Stands around all endpoints: bounds the body, answers what is refused and what fails, counts.

    What fails is logged by its place in the code and never by its message, which may quote a text.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status, read = time.perf_counter(), 0, 0
        limits = self._limits
        most = limits.file_bytes if scope["path"] == FILES else limits.body_bytes

        async def bounded() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > most:
                raise Refused(413, f"the request is larger than {most:,} bytes")
            return message

        async def noted(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        response = None
        try:
            await self._app(scope, bounded, noted)
        except Refused as error:
            response = refusal(error)
        except Exception as error:
            log.error("%s at\n%s", type(error).__name__, _places(error))
            response = JSONResponse({"error": "the server failed at this request"}, 500)
        if response is not None and not status:
            await response(scope, receive, noted)
        path = getattr(scope.get("route"), "path", "other")
        state = scope["app"].state.server
        state.metrics.answered(path, status, time.perf_counter() - start)


def _places(error: BaseException) -> str:
    return "".join(traceback.format_tb(error.__traceback__)).rstrip()
