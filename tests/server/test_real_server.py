"""nmt-serve as a process of its own, spoken to by the clients that people use."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from deep_translator import LibreTranslator
from libretranslate_aio import AsyncLibreTranslate, BadRequestError
from libretranslatepy import LibreTranslateAPI

from nmt.search.greedy import GreedySearch
from nmt.translator import Translator
from tests.runs import untrained_run

START = "from nmt.commands import launch_serve; launch_serve()"
SHORT = ["search=greedy", "search.max_length=0.5", "search.extra_length=2"]
TEXTS = ["the cat sat", "a dog ran home", "the dog", "a cat"]


class Process:
    """url: where it serves."""

    def __init__(self, at: Path, *options: str) -> None:
        def obey() -> None:
            signal.signal(signal.SIGINT, signal.SIG_DFL)

        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-c", START, "run=run", "port=0", "device=cpu", "threads=1"]
        self.popen = subprocess.Popen(
            [*command, *SHORT, *options],
            cwd=at,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            preexec_fn=obey,
        )
        assert self.popen.stderr is not None
        said = ""
        while not (found := re.search(r"serving at (http://\S+)", said)):
            line = self.popen.stderr.readline()
            assert line, said
            said += line
        self.url = found[1]

    def translated(self, texts: list[str]) -> list[str]:
        body = json.dumps({"q": texts, "source": "en", "target": "fr"}).encode()
        with urlopen(Request(f"{self.url}/translate", body), timeout=300) as response:
            found: list[str] = json.load(response)["translatedText"]
            return found

    def ended(self, number: int) -> tuple[int, str]:
        """The exit code and the rest of stderr, after a signal."""
        self.popen.send_signal(number)
        _, said = self.popen.communicate(timeout=300)
        return self.popen.returncode, said


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("served")
    untrained_run(place / "run")
    return place


@pytest.fixture(scope="module")
def wanted(at: Path) -> dict[str, str]:
    """What the model makes of each text."""
    search = GreedySearch(max_length=0.5, extra_length=2)
    translator = Translator.load(at / "run", search=search, device="cpu")
    found = translator.translate(TEXTS)
    return {text: one.text for text, one in zip(TEXTS, found, strict=True)}


@pytest.fixture(scope="module")
def process(at: Path) -> Iterator[Process]:
    started = Process(at)
    yield started
    assert started.ended(signal.SIGINT) == (130, "")  # Ctrl-C ends without a word


def test_libretranslatepy(process: Process, wanted: dict[str, str]) -> None:
    api = LibreTranslateAPI(process.url)
    assert api.translate(TEXTS[0], "en", "fr") == wanted[TEXTS[0]]
    assert api.languages()[0] == {"code": "en", "name": "English", "targets": ["fr"]}
    assert api.detect("the cat and the dog")[0]["language"] == "en"


def test_deep_translator(process: Process, wanted: dict[str, str]) -> None:
    translator = LibreTranslator("en", "fr", api_key="x", custom_url=f"{process.url}/")
    assert translator.translate(TEXTS[1]) == wanted[TEXTS[1]]
    assert translator.translate_batch(TEXTS) == [wanted[text] for text in TEXTS]


def test_libretranslate_aio(process: Process, wanted: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("\n".join(TEXTS))

    async def talk() -> None:
        async with AsyncLibreTranslate(process.url) as client:
            assert await client.health()
            codes = [one.code for one in await client.languages()]
            assert codes == ["en", "fr"]
            assert (await client.detect("the cat and the dog"))[0].language == "en"
            one = await client.translate(TEXTS[0], "auto", "fr", alternatives=1)
            assert one.detected_language is not None
            several = await client.translate(TEXTS, "en", "fr")
            assert several.translated_text == [wanted[text] for text in TEXTS]
            settings = await client.frontend_settings()
            assert settings.char_limit == 10_000
            assert settings.language.target.name == "French"
            file = await client.translate_file(path, "en", "fr")
            with urlopen(file.translated_file_url) as response:
                assert response.read().decode() == "\n".join(wanted[text] for text in TEXTS)
            with pytest.raises(BadRequestError, match="target is no language"):
                await client.translate("a", "en", "xx")

    asyncio.run(talk())


def test_many_at_once_get_what_one_alone_gets(process: Process, wanted: dict[str, str]) -> None:
    asked = [[TEXTS[number % 4], TEXTS[(number + 1) % 4]] for number in range(128)]
    with ThreadPoolExecutor(64) as pool:
        found = list(pool.map(process.translated, asked))
    assert found == [[wanted[text] for text in texts] for texts in asked]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.slow
def test_memory_stays_flat(process: Process) -> None:
    def resident() -> int:
        status = Path(f"/proc/{process.popen.pid}/status").read_text()
        found = re.search(r"RssAnon:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1])

    def ask(times: int) -> None:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda number: process.translated([f"a cat {number}"]), range(times)))

    ask(200)
    before = resident()
    ask(400)
    assert resident() - before < 8_000


def test_sigterm_finishes_what_was_accepted(at: Path) -> None:
    process = Process(at)
    texts = [f"the cat sat on the dog {number}" for number in range(128)]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(process.translated, texts)
        while b"nmt_waiting 1" not in urlopen(f"{process.url}/metrics").read():
            assert not waiting.done()
            time.sleep(0.01)
        code, said = process.ended(signal.SIGTERM)
        assert len(waiting.result()) == 128
    assert (code, said) == (0, "served what was accepted\n")
