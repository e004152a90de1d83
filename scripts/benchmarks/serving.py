"""nmt-serve under load on this machine: throughput, latency, fairness and memory."""

import asyncio
import itertools
import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import torch

from nmt.data.text_files import read_lines
from nmt.search.beam import BeamSearch
from nmt.translator import Translator

START = "from nmt.commands import launch_serve; launch_serve()"
UNBOUND = ["limits.waiting=4096", "limits.seconds=600.0", "limits.file_seconds=3600.0"]
PAIR = {"source": "en", "target": "fr"}
BOOK_LINES = 2000
WARM = 64  # sentences before anything is measured


@dataclass
class Load:
    """What clients have seen: seconds of each answer, and what went wrong."""

    seconds: list[float] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    lost: int = 0

    def row(self, elapsed: float) -> dict[str, Any]:
        milliseconds = sorted(1000 * one for one in self.seconds)
        return {
            "sentences_per_second": round(len(milliseconds) / elapsed, 1),
            "p50_ms": round(statistics.median(milliseconds), 1),
            "p99_ms": round(milliseconds[int(0.99 * (len(milliseconds) - 1))], 1),
            "lost": self.lost,
        }


def measure(
    *, run: Path, source: Path, connections: int, seconds: float, requests: int, threads: int
) -> list[dict[str, Any]]:
    """Rows of one sitting, on the lines of ``source``:

    - so many connections for so many seconds, each with one sentence after the other, beside the
      same sentences by ``Translator.translate``, as nmt-translate calls it;
    - single sentences while nothing else goes on, and while the server translates a book;
    - anonymous memory after a tenth of so many requests, and after all of them.

    lost: answers that did not come, or were no translation.
    """
    lines = [line for line in read_lines(source) if line.strip()]
    rows = []
    with _served(run, threads) as (url, process):
        asyncio.run(_loaded(url, lines[:WARM], 8, count=WARM))
        load, elapsed = asyncio.run(_loaded(url, lines, connections, seconds=seconds))
        row = {"connections": connections, **load.row(elapsed)}
        rows.append(row | _beside(run, list(load.answers), load, threads, row))
        for name, book in (("alone", 0), ("beside a book", BOOK_LINES)):
            load, elapsed = asyncio.run(_beside_a_book(url, lines, book, seconds / 4))
            rows.append({"single sentences": name, **load.row(elapsed)})
        asyncio.run(_loaded(url, lines, 16, count=max(1, requests // 10)))
        before = _anonymous_mb(process.pid)
        load, _ = asyncio.run(_loaded(url, lines, 16, count=requests - requests // 10))
        after = _anonymous_mb(process.pid)
        rows.append({"requests": requests, "mb_at_a_tenth": before, "mb_at_the_end": after})
        rows[-1]["lost"] = load.lost
    return rows


@contextmanager
def _served(run: Path, threads: int) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """A server of the run in a process of its own."""
    options = [f"run={run}", "port=0", "device=cpu", f"threads={threads}", *UNBOUND]
    process = subprocess.Popen(
        [sys.executable, "-c", START, *options], stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    said = ""
    try:
        while not (found := re.search(r"serving at (\S+)", said)):
            line = process.stderr.readline()
            if not line:
                raise RuntimeError(f"nmt-serve does not start: {said}")
            said += line
        yield found[1], process
    finally:
        process.terminate()
        process.communicate()


async def _loaded(
    url: str,
    lines: Sequence[str],
    connections: int,
    *,
    seconds: float | None = None,
    count: int | None = None,
) -> tuple[Load, float]:
    """Sentences by so many connections, until the time is over or so many are sent; and the
    seconds until the last answer."""
    load, upcoming = Load(), iter(itertools.cycle(lines))
    sentences = upcoming if count is None else itertools.islice(upcoming, count)
    start = time.perf_counter()
    end = None if seconds is None else start + seconds
    await asyncio.gather(*(_client(url, sentences, end, load) for _ in range(connections)))
    return load, time.perf_counter() - start


async def _client(url: str, sentences: Iterator[str], end: float | None, load: Load) -> None:
    """One connection that is kept."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    for sentence in sentences:
        if end is not None and time.perf_counter() >= end:
            break
        start = time.perf_counter()
        body = json.dumps(PAIR | {"q": sentence}).encode()
        head = f"POST /translate HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            size = re.search(r"content-length: (\d+)", head)
            assert size is not None
            answer = json.loads(await reader.readexactly(int(size[1])))
        except (OSError, asyncio.IncompleteReadError):
            load.lost += 1
            break
        if "translatedText" in answer:
            load.seconds.append(time.perf_counter() - start)
            load.answers[sentence] = answer["translatedText"]
        else:
            load.lost += 1
    writer.close()


def _beside(
    run: Path, lines: Sequence[str], load: Load, threads: int, row: dict[str, Any]
) -> dict[str, Any]:
    """The speed of the translator alone on the sentences that were served, and how many it
    translates alike: with other neighbours, rounding decides a few otherwise."""
    torch.set_num_threads(threads)
    translator = Translator.load(run, search=BeamSearch(), device="cpu")
    translator.translate(lines[:WARM])
    start = time.perf_counter()
    texts = [one.text for one in translator.translate(lines)]
    rate = len(lines) / (time.perf_counter() - start)
    same = sum(text == load.answers[line] for line, text in zip(lines, texts, strict=True))
    return {
        "nmt_translate": round(rate, 1),
        "share_of_it": round(row["sentences_per_second"] / rate, 2),
        "same_lines": round(same / len(lines), 3),
    }


async def _beside_a_book(
    url: str, lines: Sequence[str], book: int, seconds: float
) -> tuple[Load, float]:
    """One client's sentences while a list of so many others is translated, in one request."""
    texts = list(itertools.islice(itertools.cycle(lines), book))
    reading = asyncio.create_task(_read_book(url, texts)) if texts else None
    await asyncio.sleep(0.5)
    found = await _loaded(url, lines, 1, seconds=seconds)
    if reading:
        reading.cancel()
        await asyncio.wait([reading])
    return found


async def _read_book(url: str, texts: Sequence[str]) -> None:
    """Sends a file and waits for its translation."""
    address, mark = urlsplit(url), "----book"
    parts = [
        f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in PAIR.items()
    ]
    file = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="book.txt"\r\n\r\n'
    body = "".join([*parts, file, "\n".join(texts), f"\r\n--{mark}--\r\n"]).encode()
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    head = (
        "POST /translate_file HTTP/1.1\r\nHost: x\r\n"
        f"Content-Type: multipart/form-data; boundary={mark}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    try:
        await reader.readuntil(b"\r\n\r\n")
    finally:
        writer.close()


def _anonymous_mb(process: int) -> float:
    """Resident memory but for mapped files; NaN where there is no /proc."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return float("nan")
    found = re.search(r"RssAnon:\s+(\d+)", status)
    return round(int(found[1]) / 1024, 1) if found else float("nan")
