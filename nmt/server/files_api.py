"""/translate_file and /download_file: whole files in and out.

A file is translated like text, line by line; row by row where it is JSON lines; and with its layout
kept where it is a document (``translator/documents.py``).
"""

import asyncio
import secrets
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import PurePath
from urllib.parse import quote

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from nmt.server import parameters as read
from nmt.server.layout import PlainText
from nmt.server.limits import Limits, Refused
from nmt.server.served_runs import AUTO, ServedRun
from nmt.server.state import ServerState, while_connected
from nmt.translator import Terms
from nmt.translator.documents import ENDINGS, translated_document
from nmt.translator.json_rows import request_of_json, row_of_translation
from nmt.translator.translation import without_line_breaks

_SAMPLE = 4000  # characters from which a file's language is told


def suffixes() -> list[str]:
    """Of the files that can be translated."""
    return [".txt", ".jsonl", *ENDINGS]


@dataclass(frozen=True)
class _Kept:
    """A translated file. until: when it is deleted, by the monotonic clock."""

    name: str
    data: bytes
    until: float


class KeptFiles:
    """Translated files in memory, until they have been fetched once or have waited too long."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._files: dict[str, _Kept] = {}  # the oldest first

    def add(self, name: str, data: bytes) -> str:
        """Keeps a file and returns the random name under which it is fetched. Refused where those
        that nobody has fetched yet take too much memory."""
        self._drop_old()
        if len(data) + sum(len(one.data) for one in self._files.values()) > self._limits.kept_bytes:
            raise Refused(429, "too many translated files wait to be fetched", 60)
        key = secrets.token_urlsafe(16) + PurePath(name).suffix
        self._files[key] = _Kept(name, data, time.monotonic() + 60 * self._limits.kept_minutes)
        return key

    def take(self, key: str) -> tuple[str, bytes]:
        """The name and content of a file, which is deleted by that. Refused where it is none."""
        self._drop_old()
        kept = self._files.pop(key, None)
        if kept is None:
            raise Refused(404, "there is no such file, or it was fetched, or it waited too long")
        return kept.name, kept.data

    def _drop_old(self) -> None:
        now = time.monotonic()
        self._files = {key: one for key, one in self._files.items() if one.until > now}


async def translate_file(request: Request) -> Response:
    """Answers POST /translate_file."""
    state = ServerState.of(request)
    given = await read.read_parameters(request)
    state.keys.check(given.get("api_key"))
    file = given.get("file")
    if not isinstance(file, UploadFile):
        raise Refused(400, "file is missing: send a form of the kind multipart/form-data")
    name = PurePath((file.filename or "").replace("\\", "/")).name
    suffix = PurePath(name).suffix.lower()
    if suffix not in suffixes():
        raise Refused(400, f"file must be one of {', '.join(suffixes())}")
    data = await file.read()
    source, target = read.text(given, "source"), read.text(given, "target")
    target = state.runs.code("target", target)
    if source.lower() == AUTO:
        sample = data[: 4 * _SAMPLE].decode("utf-8", "ignore")[:_SAMPLE]
        source = state.detector.source(sample, state.runs.sources(target), target).language
    source = state.runs.code("source", source)
    chosen = None if given.get("run") is None else read.text(given, "run")
    run = state.runs.run(source, target, chosen)
    work = _translated_file(state, run, data, name)
    made = await while_connected(request, work, state.limits.file_seconds)
    key = request.app.state.files.add(f"{PurePath(name).stem}_{target}{suffix}", made)
    url = f"{str(request.base_url).rstrip('/')}/download_file/{key}"
    return JSONResponse({"translatedFileUrl": url})


async def download_file(request: Request) -> Response:
    """Answers GET /download_file/NAME, once."""
    name, data = request.app.state.files.take(request.path_params["name"])
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(data, media_type="application/octet-stream", headers=headers)


async def _translated_file(state: ServerState, run: ServedRun, data: bytes, name: str) -> bytes:
    """The translation of a file with this name."""
    suffix = PurePath(name).suffix.lower()
    if suffix == ".txt":
        layout = PlainText(_decoded(data))
        return layout.filled(await _lines(state, run, layout.lines)).encode()
    if suffix == ".jsonl":
        return await _rows(state, run, _decoded(data).split("\n"))
    loop, calls, waits = asyncio.get_running_loop(), list[Future[list[str]]](), True

    def translate(lines: Sequence[str]) -> list[str]:
        call = asyncio.run_coroutine_threadsafe(_lines(state, run, lines), loop)
        calls.append(call)
        if not waits:
            call.cancel()
        return call.result()

    languages = {"src_lang": run.source, "tgt_lang": run.target}
    work = partial(translated_document, data, name, translate, **languages)
    try:
        return await asyncio.to_thread(work)
    except ValueError as error:
        raise Refused(400, str(error)) from None
    finally:  # if nobody waits for it any longer, the thread ends at its next call
        waits = False
        for call in calls:
            call.cancel()


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(400, "file is no text in UTF-8") from None


async def _lines(state: ServerState, run: ServedRun, lines: Sequence[str]) -> list[str]:
    found = await state.queue.translate(run.name, lines)
    flagged = sum(bool(one.flags) for one in found)
    state.metrics.translated(run.name, len(lines), sum(map(len, lines)), flagged)
    return [without_line_breaks(one.text) for one in found]


async def _rows(state: ServerState, run: ServedRun, lines: Sequence[str]) -> bytes:
    """Rows as ``nmt-translate format=jsonl`` reads and writes them."""
    requests = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                requests.append(request_of_json(number, line, Terms()))
            except ValueError as error:
                raise Refused(400, f"file:{number}: {error}") from None
    sources, terms = [one.src for one in requests], [one.terms for one in requests]
    found = await state.queue.translate(run.name, sources, terms=terms)
    rows = map(row_of_translation, requests, found)
    return "".join(f"{row}\n" for row in rows).encode()
