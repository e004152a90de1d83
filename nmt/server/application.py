"""The application: which path is answered where, from the start of a server to its end."""

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from nmt.server import files_api, service_api, translate_api, web_page
from nmt.server.detection import Detector
from nmt.server.files_api import KeptFiles
from nmt.server.limits import ApiKeys, Limits
from nmt.server.served_runs import ServedRuns
from nmt.server.state import Guard, ServerState
from nmt.server.work_queue import WorkQueue

log = logging.getLogger(__name__)

GET, POST = ["GET"], ["POST"]


def build_app(
    runs: ServedRuns,
    limits: Limits | None = None,
    *,
    keys: ApiKeys | None = None,
    cors: Sequence[str] = (),
    threads: int | None = None,
) -> Starlette:
    """The application that serves these runs.

    cors: origins of web pages that may read the answers. threads: of torch; None: its own choice.
    """
    limits = limits or Limits()
    queue = WorkQueue(runs.translators, most_waiting=limits.waiting, threads=threads)
    state = ServerState(runs, limits, keys or ApiKeys(), queue, Detector(runs.codes))

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        queue.start()
        yield
        await asyncio.to_thread(queue.close)

    middleware = [Middleware(Guard, limits=limits)]
    if cors:
        allowed = Middleware(
            CORSMiddleware, allow_origins=list(cors), allow_methods=["*"], allow_headers=["*"]
        )
        middleware.insert(0, allowed)
    app = Starlette(
        routes=[
            Route("/translate", translate_api.translate, methods=POST),
            Route("/translate_file", files_api.translate_file, methods=POST),
            Route("/download_file/{name}", files_api.download_file, methods=GET),
            Route("/detect", service_api.detect, methods=POST),
            Route("/languages", service_api.languages, methods=GET),
            Route("/health", service_api.health, methods=GET),
            Route("/frontend/settings", service_api.settings, methods=GET),
            Route("/spec", service_api.spec, methods=GET),
            Route("/metrics", service_api.metrics, methods=GET),
            *web_page.routes(),
        ],
        middleware=middleware,
        exception_handlers={HTTPException: _http_error},
        lifespan=lifespan,
    )
    app.state.server = state
    app.state.files = KeptFiles(limits)
    return app


async def _http_error(request: Request, error: Exception) -> Response:
    """Paths and methods that there are not, and forms that cannot be read."""
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


def listening(host: str, port: int) -> socket.socket:
    """A socket that accepts connections; port 0 takes a free one. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        # Python's own words would hold the address too.
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        raise OSError(error.errno, reason, f"{host}:{port}") from error


def server_of(app: Starlette, limits: Limits) -> uvicorn.Server:
    """A server whose ``run([socket])`` answers requests until SIGTERM or Ctrl-C. It finishes what
    it has accepted by then, unless a second signal comes. At its end it raises the signal again,
    for whoever handles it outside."""
    config = uvicorn.Config(
        app,
        log_config=None,  # ours stands
        log_level="warning",
        access_log=False,  # it would hold texts, which may come in the query string
        lifespan="on",
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=int(max(limits.seconds, limits.file_seconds)) + 1,
    )
    return uvicorn.Server(config)
