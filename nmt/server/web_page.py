"""The page that people look at, and what it asks of the server while they do.

It is three files without a framework or a build step, and its policy lets it load nothing else.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from nmt.languages import language_name
from nmt.server import looking
from nmt.server.limits import ApiKeys, Limits, Refused
from nmt.server.parameters import Parameters, boolean, read_parameters, text, texts
from nmt.server.served_runs import ServedRun, ServedRuns
from nmt.server.work_queue import WorkQueue, estimated_tokens
from nmt.translator import Translator

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
MOST_LAYERS = 1000


@dataclass(frozen=True)
class WebPage:
    """The page and its questions, for these runs."""

    runs: ServedRuns
    queue: WorkQueue
    limits: Limits
    keys: ApiKeys

    def routes(self) -> list[Route]:
        """GET: the page and what it begins with. POST: its questions, in JSON."""
        assets = {"/": "index.html", "/page.css": "page.css", "/page.js": "page.js"}
        questions = {
            "translate": self.translate,
            "continue": self.go_on,
            "attention": self.attention,
            "words": self.words,
        }
        return [
            *(Route(path, partial(asset, name)) for path, name in assets.items()),
            Route("/page/runs", self.described),
            *(
                Route(f"/page/{name}", partial(self._answer, question), methods=["POST"])
                for name, question in questions.items()
            ),
        ]

    async def described(self, _: Request) -> Response:
        """The runs, and whether a key is needed."""
        runs = [
            {
                "name": run.name,
                "src": run.source,
                "tgt": run.target,
                "languages": f"{language_name(run.source)} to {language_name(run.target)}",
                "about": described(run.translator),
            }
            for run in self.runs.all
        ]
        return JSONResponse({"runs": runs, "key_required": bool(self.keys.keys)})

    async def translate(self, run: ServedRun, asked: Parameters) -> Any:
        """A text in segments, with translations that have the required words."""
        source = self._text(asked, "text")
        require = texts(asked, "require") if asked.get("require") else []
        nbest = self.limits.alternatives + 1
        return {
            "segments": await self._ask(
                run, looking.translated, source, require=require, nbest=nbest
            )
        }

    async def go_on(self, run: ServedRun, asked: Parameters) -> Any:
        """One segment whose translation begins as the reader has chosen."""
        source, beginning = self._text(asked, "text"), self._text(asked, "beginning")
        whole, nbest = boolean(asked, "whole"), self.limits.alternatives + 1
        found = await self._ask(run, looking.continued, source, beginning, whole=whole, nbest=nbest)
        return {"segments": [found]}

    async def attention(self, run: ServedRun, asked: Parameters) -> Any:
        """Where the model looked."""
        source, translation = self._text(asked, "source"), self._text(asked, "translation", "")
        reading = {name: _number(asked, name) for name in ("layer", "head")}
        pieces = boolean(asked, "pieces")
        return await self._ask(run, looking.attended, source, translation, **reading, pieces=pieces)

    async def words(self, run: ServedRun, asked: Parameters) -> Any:
        """What the model might write after a beginning."""
        source, beginning = self._text(asked, "source"), self._text(asked, "beginning", "")
        return {"words": await self._ask(run, looking.offered, source, beginning)}

    async def _answer(
        self, question: Callable[[ServedRun, Parameters], Awaitable[Any]], request: Request
    ) -> Response:
        asked = await read_parameters(request)
        self.keys.check(asked.get("api_key"))
        name = text(asked, "run")
        run = next((one for one in self.runs.all if one.name == name), None)
        if run is None:
            raise Refused(400, "run is none of this server's: reload the page")
        try:
            async with asyncio.timeout(self.limits.seconds):
                return JSONResponse(await question(run, asked))
        except TimeoutError:
            raise Refused(503, f"no answer within {self.limits.seconds:g} seconds") from None
        except ValueError as error:  # what a reader asked for cannot be had
            raise Refused(400, str(error)) from None

    async def _ask(
        self, run: ServedRun, work: Callable[..., Any], *texts: str, **options: Any
    ) -> Any:
        def of(translator: Translator) -> Any:
            return work(translator, *texts, **options)

        return await self.queue.call(run.name, of, sum(map(estimated_tokens, texts)))

    def _text(self, asked: Parameters, name: str, default: str | None = None) -> str:
        found = text(asked, name, default)
        if len(found) > self.limits.characters:
            most = f"{self.limits.characters:,}"
            raise Refused(400, f"{name} has {len(found):,} characters: at most {most} are allowed")
        return found


def asset(name: str, _: Request) -> Response:
    """One of the page's files."""
    content = files(__package__).joinpath("page", name).read_text(encoding="utf-8")
    headers = {
        "Content-Security-Policy": POLICY,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-cache",
    }
    return Response(content, media_type=TYPES[name.rpartition(".")[2]], headers=headers)


def described(translator: Translator) -> str:
    """The architecture and the number of parameters."""
    model = translator.model
    millions = sum(one.numel() for one in model.parameters()) / 1e6
    return f"{type(model).__name__}, {millions:.1f} million parameters"


def _number(asked: Parameters, name: str) -> int | None:
    value = asked.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MOST_LAYERS:
        raise Refused(400, f"{name} must be a whole number from 1")
    return value
