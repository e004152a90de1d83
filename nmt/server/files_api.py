"""/translate_file and /download_file: whole files in and out.

Text is translated line by line, and JSON lines row by row, while the file is downloaded: chunk by
chunk, so that it begins soon and little is in memory. A document is translated as a whole, with its
layout kept (``translator/documents.py``), before its address is told.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import PurePath
from urllib.parse import quote

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from nmt.server import parameters as read
from nmt.server.limits import Limits, Refused
from nmt.server.long_lines import PlainText
from nmt.server.served_runs import AUTO, ServedRun
from nmt.server.state import ServerState, while_connected
from nmt.translator import Terms, Translation
from nmt.translator.documents import ENDINGS, read_document
from nmt.translator.json_rows import TranslationRequest, request_of_json, row_of_translation
from nmt.translator.translation import without_line_breaks

CHUNK = 8_000  # characters that are translated at once
_SAMPLE = 4000  # characters from which a file's language is told


def suffixes() -> list[str]:
    """Of the files that can be translated."""
    return [".txt", ".jsonl", *ENDINGS]


@dataclass(frozen=True)
class KeptFile:
    """A file to be fetched. run: what translates it while it is; None where it is translated.
    until: when it is deleted, by the monotonic clock."""

    name: str
    data: bytes
    run: ServedRun | None
    until: float


class KeptFiles:
    """Files in memory, until they have been fetched once or have waited too long."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._files: dict[str, KeptFile] = {}  # the oldest first

    def add(self, name: str, data: bytes, run: ServedRun | None = None) -> str:
        """Keeps a file and returns the random name under which it is fetched. Refused where those
        that nobody has fetched yet take too much memory."""
        self._drop_old()
        if len(data) + sum(len(one.data) for one in self._files.values()) > self._limits.kept_bytes:
            raise Refused(429, "too many files wait to be fetched", 60)
        key = secrets.token_urlsafe(16) + PurePath(name).suffix
        until = time.monotonic() + 60 * self._limits.kept_minutes
        self._files[key] = KeptFile(name, data, run, until)
        return key

    def find(self, key: str) -> KeptFile:
        """A file. Refused where there is none."""
        self._drop_old()
        if key not in self._files:
            raise Refused(404, "there is no such file, or it was fetched, or it waited too long")
        return self._files[key]

    def drop(self, key: str) -> None:
        """Deletes a file, if it is still there."""
        self._files.pop(key, None)

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
    own: ServedRun | None = run
    if suffix in (".txt", ".jsonl"):
        list(_pieces(data, suffix))  # what cannot be read is refused now
    else:
        work = _document(state, run, data, name)
        data, own = await while_connected(request, work, state.limits.file_seconds), None
    key = request.app.state.files.add(f"{PurePath(name).stem}_{target}{suffix}", data, own)
    url = f"{str(request.base_url).rstrip('/')}/download_file/{key}"
    return JSONResponse({"translatedFileUrl": url})


async def download_file(request: Request) -> Response:
    """Answers GET /download_file/NAME, until it was sent once, and HEAD."""
    files, key = request.app.state.files, request.path_params["name"]
    file = files.find(key)
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name)}",
        "X-Content-Type-Options": "nosniff",
    }
    kind = "application/octet-stream"
    if request.method == "HEAD":
        return Response(headers=headers, media_type=kind)
    if file.run is None:
        files.drop(key)
        return Response(file.data, media_type=kind, headers=headers)
    state = ServerState.of(request)
    stream = _stream(state, file.run, file)
    first = await while_connected(request, _next(stream), state.limits.file_seconds)

    async def content() -> AsyncIterator[bytes]:
        async with aclosing(stream):
            yield first
            async for chunk in stream:
                yield chunk
            files.drop(key)

    return StreamingResponse(content(), media_type=kind, headers=headers)


async def _next(stream: AsyncIterator[bytes]) -> bytes:
    return await anext(stream, b"")


async def _stream(state: ServerState, run: ServedRun, file: KeptFile) -> AsyncGenerator[bytes]:
    """The translation of a file of text or rows, in chunks. One more is translated while a chunk is
    sent. Whoever closes this stops the work."""
    end = time.monotonic() + state.limits.file_seconds
    ahead: asyncio.Task[bytes] | None = None
    try:
        for piece in _pieces(file.data, PurePath(file.name).suffix.lower()):
            this, ahead = ahead, asyncio.create_task(_translated(state, run, piece))
            if this:
                yield await _before(end, this)
        if ahead:
            yield await _before(end, ahead)
    finally:
        if ahead:
            ahead.cancel()


async def _before(end: float, work: asyncio.Task[bytes]) -> bytes:
    try:
        return await asyncio.wait_for(work, end - time.monotonic())
    except TimeoutError:
        raise Refused(503, "this file takes too long: divide it") from None


@dataclass(frozen=True)
class _Piece:
    """A piece of a file. written: its translation, from those of its lines."""

    lines: Sequence[str]
    terms: Sequence[Terms] | None
    written: Callable[[Sequence[Translation]], str]


def _pieces(data: bytes, suffix: str) -> Iterator[_Piece]:
    """The pieces of a file of text or rows. Refused where it is neither."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(400, "file is no text in UTF-8") from None
    if suffix == ".txt":
        for chunk in _chunks(text.splitlines(keepends=True)):
            layout = PlainText("".join(chunk))
            yield _Piece(layout.texts, None, partial(_text, layout))
        return
    numbers = count(1)
    for chunk in _chunks(text.removeprefix("\ufeff").split("\n")):
        rows = zip(chunk, numbers, strict=False)
        asked = [_request(number, line) for line, number in rows if line.strip()]
        sources, terms = [one.src for one in asked], [one.terms for one in asked]
        yield _Piece(sources, terms, partial(_rows, asked))


def _text(layout: PlainText, made: Sequence[Translation]) -> str:
    return layout.filled([without_line_breaks(one.text) for one in made])


def _rows(asked: Sequence[TranslationRequest], made: Sequence[Translation]) -> str:
    return "".join(f"{row_of_translation(*pair)}\n" for pair in zip(asked, made, strict=True))


def _chunks(lines: Sequence[str]) -> Iterator[list[str]]:
    chunk, size = list[str](), 0
    for line in lines:
        chunk.append(line)
        size += len(line)
        if size >= CHUNK:
            yield chunk
            chunk, size = [], 0
    yield chunk


def _request(number: int, line: str) -> TranslationRequest:
    """A row as ``nmt-translate input_format=jsonl`` reads it."""
    try:
        return request_of_json(number, line, Terms())
    except ValueError as error:
        raise Refused(400, f"file:{number}: {error}") from None


async def _translated(state: ServerState, run: ServedRun, piece: _Piece) -> bytes:
    """The translation of a piece. It waits while the server has too much to do."""
    while True:
        try:
            made = await state.translated(run, piece.lines, terms=piece.terms)
            return piece.written(made).encode()
        except Refused as error:
            if error.status != 429:
                raise
            await asyncio.sleep(error.retry_after or 1)


async def _document(state: ServerState, run: ServedRun, data: bytes, name: str) -> bytes:
    """The translation of a document with this name."""
    try:
        document = await asyncio.to_thread(read_document, data, name, run.source, run.target)
        made, _ = await state.answered(run, document.filling())
    except ValueError as error:
        raise Refused(400, str(error)) from None
    return made
