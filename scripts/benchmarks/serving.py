"""nmt-serve under load on this machine: throughput, latency, fairness and memory; beside it the
same sentences by nmt-translate's way and, for a transformer, by CTranslate2."""

import asyncio
import itertools
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import torch

from nmt.data.text_files import read_lines
from nmt.export.to_ctranslate2 import convert
from nmt.models.transformer import TransformerSeq2Seq
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


Way = Callable[[Sequence[str]], list[str]]
"""Translates sentences."""


class Others:
    """What translates the sentences without a server: as many at once as connections, and all."""

    def __init__(self, run: Path, lines: Sequence[str], connections: int, threads: int) -> None:
        self._lines, self._threads = lines, threads
        self._at_once = (len(lines), connections)
        translator = Translator.load(run, search=BeamSearch(), device="cpu")
        self._ways: dict[str, Way] = {
            "nmt-translate": lambda lines: [one.text for one in translator.translate(lines)]
        }
        if isinstance(translator.model, TransformerSeq2Seq):
            self._ways["CTranslate2"] = _ctranslate2(translator, threads)
        self._seconds: dict[tuple[str, int], list[float]] = {}
        self._texts: dict[tuple[str, int], list[str]] = {}

    def measure(self) -> None:
        """Once more. Before the load and after it, as a machine drifts."""
        for name, translated in self._ways.items():
            torch.set_num_threads(self._threads)  # CTranslate2 sets it too
            translated(self._lines[:WARM])
            for size in self._at_once:
                batches = [self._lines[at : at + size] for at in range(0, len(self._lines), size)]
                start = time.perf_counter()
                texts = [text for batch in batches for text in translated(batch)]
                self._seconds.setdefault((name, size), []).append(time.perf_counter() - start)
                self._texts[name, size] = texts

    def rows(self, answers: Mapping[str, str], served: float) -> list[dict[str, Any]]:
        """Beside a server that gave these answers, so many a second."""
        rows = []
        for (name, size), seconds in self._seconds.items():
            rate = len(self._lines) / statistics.mean(seconds)
            pairs = zip(self._lines, self._texts[name, size], strict=True)
            same = [text == answers[line] for line, text in pairs if line in answers]
            rows.append(
                {
                    "by": name,
                    "at_once": size,
                    "sentences_per_second": round(rate, 1),
                    "share_served": round(served / rate, 2),
                    "same_lines": round(statistics.mean(same), 3),
                }
            )
        return rows


def _ctranslate2(translator: Translator, threads: int) -> Way:
    """CTranslate2 with the weights of a transformer in fp32, the same pieces and the same beam,
    without detecting and copying spans. Batches go on side by side, each by one thread, which is
    its fastest way."""
    import ctranslate2

    model, tokenizer = translator.model, translator.tokenizer
    assert isinstance(model, TransformerSeq2Seq)
    assert isinstance(translator.search, BeamSearch)
    with tempfile.TemporaryDirectory() as directory:
        convert(model, tokenizer, Path(directory))
        program = ctranslate2.Translator(
            directory, device="cpu", inter_threads=threads, intra_threads=1
        )
    beam_size = translator.search.beam_size
    ids = {
        piece: i for i, piece in enumerate(tokenizer.tgt_pieces(range(tokenizer.tgt_vocab_size)))
    }

    def translated(lines: Sequence[str]) -> list[str]:
        sources = tokenizer.encode_src(lines)
        results = program.translate_batch(
            [tokenizer.src_pieces(source) for source in sources],
            beam_size=beam_size,
            max_batch_size=max(1, min(256, len(lines) // threads)),
            max_decoding_length=2 * max(map(len, sources)) + 10,
        )
        rows = [[ids[piece] for piece in result.hypotheses[0]] for result in results]
        return tokenizer.decode_tgt(rows)

    return translated


def measure(
    *, run: Path, source: Path, connections: int, seconds: float, requests: int, threads: int
) -> list[dict[str, Any]]:
    """Rows of one sitting, on the lines of ``source``:

    - so many connections for so many seconds, each with one sentence after the other;
    - the same sentences by ``Translator.translate``, as nmt-translate calls it, and by CTranslate2
      with the same weights, both all at once and as many at once as there were connections;
    - single sentences while nothing else goes on, and while the server translates a book;
    - anonymous memory after a tenth of so many requests, and after all of them.

    lost: answers that did not come, or were no translation. share_served: the server's sentences a
    second over those. same_lines: how many were served with that text: with other neighbours,
    rounding decides a few otherwise.
    """
    lines = [line for line in read_lines(source) if line.strip()]
    rows, others = [], Others(run, list(dict.fromkeys(lines)), connections, threads)
    with _served(run, threads) as (url, process):
        asyncio.run(_loaded(url, lines[:WARM], 8, count=WARM))
        others.measure()
        load_of_all, elapsed = asyncio.run(_loaded(url, lines, connections, seconds=seconds))
        others.measure()
        served = load_of_all.row(elapsed)
        rows.append({"connections": connections, **served})
        rows += others.rows(load_of_all.answers, served["sentences_per_second"])
        for name, book in (("alone", 0), ("beside a book", BOOK_LINES)):
            load, elapsed = asyncio.run(_beside_a_book(url, lines, book, seconds / 4))
            rows.append({"single sentences": name, **load.row(elapsed)})
        load, _ = asyncio.run(_loaded(url, lines, 16, count=max(1, requests // 10)))
        lost = load.lost
        before = _anonymous_mb(process.pid)
        load, _ = asyncio.run(_loaded(url, lines, 16, count=requests - requests // 10))
        after = _anonymous_mb(process.pid)
        rows.append({"requests": requests, "mb_at_a_tenth": before, "mb_at_the_end": after})
        rows[-1]["lost"] = lost + load.lost
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
