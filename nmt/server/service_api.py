"""The small endpoints: /languages, /detect, /health, /frontend/settings, /spec and /metrics."""

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from nmt import __version__
from nmt.languages import language_name
from nmt.server import parameters as read
from nmt.server.files_api import suffixes
from nmt.server.limits import Refused
from nmt.server.openapi import specification
from nmt.server.state import ServerState


async def languages(request: Request) -> Response:
    """Answers GET /languages."""
    return JSONResponse(ServerState.of(request).runs.languages())


async def detect(request: Request) -> Response:
    """Answers POST /detect: one decision for a text; of a list, one for each."""
    state = ServerState.of(request)
    given = await read.read_parameters(request)
    state.keys.check(given.get("api_key"))
    texts = read.texts(given, "q")
    limits = state.limits
    if len(texts) > limits.texts or any(len(text) > limits.characters for text in texts):
        raise Refused(
            400, f"q is too much: {limits.texts} texts of {limits.characters:,} characters at most"
        )
    return JSONResponse([state.detector.detect(text).as_json() for text in texts])


async def health(request: Request) -> Response:
    """Answers GET /health."""
    return JSONResponse({"status": "ok"})


async def settings(request: Request) -> Response:
    """Answers GET /frontend/settings."""
    state = ServerState.of(request)
    first = state.runs.all[0]
    language = {
        side: {"code": code, "name": language_name(code)}
        for side, code in (("source", first.source), ("target", first.target))
    }
    return JSONResponse(
        {
            "charLimit": state.limits.characters,
            "frontendTimeout": 500,
            "apiKeys": bool(state.keys.keys),
            "keyRequired": bool(state.keys.keys),
            "suggestions": False,
            "filesTranslation": True,
            "supportedFilesFormat": suffixes(),
            "language": language,
            "runs": [
                {"name": run.name, "source": run.source, "target": run.target}
                for run in state.runs.all
            ],
        }
    )


async def spec(request: Request) -> Response:
    """Answers GET /spec."""
    return JSONResponse(specification(__version__))


async def metrics(request: Request) -> Response:
    """Answers GET /metrics."""
    text = ServerState.of(request).metrics.text()
    return PlainTextResponse(text, media_type="text/plain; version=0.0.4")
