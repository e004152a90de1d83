"""The page that people look at, and what it asks of the server while they do.

It is three files without a framework or a build step, and its policy lets it load nothing else.
"""

from collections.abc import Callable
from functools import partial
from importlib.resources import files
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from nmt.languages import language_name
from nmt.server import looking
from nmt.server.limits import Refused
from nmt.server.long_lines import estimated_tokens
from nmt.server.parameters import (
    Parameters,
    boolean,
    read_parameters,
    text,
    texts,
    whole_number,
)
from nmt.server.state import ServerState, while_connected
from nmt.translator import Translator

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
MOST_LAYERS = 1000

Question = Callable[[Translator], Any]
"""What is to be found out of a model, in a thread that owns it."""


def routes() -> list[Route]:
    """GET: the page and what it begins with. POST: its questions."""
    assets = {"/": "index.html", "/page.css": "page.css", "/page.js": "page.js"}
    questions = {"translate": translate, "continue": go_on, "attention": attend, "words": offer}
    return [
        *(Route(path, partial(asset, name)) for path, name in assets.items()),
        Route("/page/runs", described),
        *(
            Route(f"/page/{name}", partial(answer, question), methods=["POST"])
            for name, question in questions.items()
        ),
    ]


async def asset(name: str, request: Request) -> Response:
    """Answers GET of one of the page's files."""
    content = files(__package__).joinpath("page", name).read_text(encoding="utf-8")
    headers = {
        "Content-Security-Policy": POLICY,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-cache",
    }
    return Response(content, media_type=TYPES[name.rpartition(".")[2]], headers=headers)


async def described(request: Request) -> Response:
    """Answers GET /page/runs: the runs, and whether a key is needed."""
    state = ServerState.of(request)
    runs = [
        {
            "name": run.name,
            "src": run.source,
            "tgt": run.target,
            "languages": f"{language_name(run.source)} to {language_name(run.target)}",
            "about": _architecture(run.translator),
        }
        for run in state.runs.all
    ]
    return JSONResponse({"runs": runs, "key_required": bool(state.keys.keys)})


async def answer(
    question: Callable[[ServerState, Parameters], Question], request: Request
) -> Response:
    """Answers one of the page's questions about one run."""
    state = ServerState.of(request)
    asked = await read_parameters(request)
    state.keys.check(asked.get("api_key"))
    name = text(asked, "run")
    if name not in state.runs.translators:
        raise Refused(400, "run is none of this server's: reload the page")
    size = sum(estimated_tokens(value) for value in asked.values() if isinstance(value, str))
    work = state.queue.call(name, question(state, asked), size)
    try:
        return JSONResponse(await while_connected(request, work, state.limits.seconds))
    except ValueError as error:  # what the reader asks for cannot be had
        raise Refused(400, str(error)) from None


def translate(state: ServerState, asked: Parameters) -> Question:
    """A text in segments, with translations that have the required words."""
    source = _text(state, asked, "text")
    require = texts(asked, "require") if asked.get("require") else []
    if len(require) > state.limits.texts or sum(map(len, require)) > state.limits.characters:
        raise Refused(400, "require is too much: name fewer words")
    nbest = state.limits.alternatives + 1
    return lambda translator: {
        "segments": looking.translated(translator, source, require=require, nbest=nbest)
    }


def go_on(state: ServerState, asked: Parameters) -> Question:
    """One segment whose translation begins as the reader has chosen."""
    source, beginning = (_text(state, asked, name) for name in ("text", "beginning"))
    whole, nbest = boolean(asked, "whole"), state.limits.alternatives + 1
    return lambda translator: {
        "segments": [looking.continued(translator, source, beginning, whole=whole, nbest=nbest)]
    }


def attend(state: ServerState, asked: Parameters) -> Question:
    """Where the model looked while it wrote a translation."""
    source, translation = _text(state, asked, "source"), _text(state, asked, "translation", "")
    layer, head = (whole_number(asked, name, None, 1, MOST_LAYERS) for name in ("layer", "head"))
    pieces = boolean(asked, "pieces")
    return lambda translator: looking.attended(
        translator, source, translation, layer=layer, head=head, pieces=pieces
    )


def offer(state: ServerState, asked: Parameters) -> Question:
    """What the model might write after a beginning."""
    source, beginning = _text(state, asked, "source"), _text(state, asked, "beginning", "")
    return lambda translator: {"words": looking.offered(translator, source, beginning)}


def _architecture(translator: Translator) -> str:
    millions = sum(one.numel() for one in translator.model.parameters()) / 1e6
    return f"{type(translator.model).__name__}, {millions:.1f} million parameters"


def _text(state: ServerState, asked: Parameters, name: str, default: str | None = None) -> str:
    found, most = text(asked, name, default), state.limits.characters
    if len(found) > most:
        raise Refused(400, f"{name} has {len(found):,} characters: {most:,} at most")
    return found
