"""The page as a reader uses it, in a real browser."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from nmt.server.application import build_app
from nmt.server.limits import Limits
from nmt.server.served_runs import ServedRuns
from nmt.translator import Translator, build_model
from tests.browsing import browser, needs_browser, new_page
from tests.runs import MODEL

pytestmark = needs_browser

FROZEN = Path(__file__).parents[1] / "frozen_run"
PAIRS = [line.split("\t") for line in (FROZEN / "pairs.tsv").read_text().splitlines()[1:]]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A server of the frozen run and of a model without attention."""
    frozen = Translator.load(FROZEN / "format_1", device="cpu", precision="fp32")
    size = frozen.tokenizer.tgt_vocab_size
    attention = {"_target_": "nmt.models.attention.FixedContext"}
    blind = build_model(MODEL | {"attention": attention}, src_vocab_size=size, tgt_vocab_size=size)
    runs = ServedRuns(
        {
            "frozen": frozen,
            "blind": Translator(
                blind.eval(), frozen.tokenizer, frozen.search, src_lang="en", tgt_lang="fr"
            ),
        }
    )
    app = build_app(runs, Limits(characters=500), threads=1)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    while not server.started:
        assert thread.is_alive()
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}/"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def opened_browser() -> Iterator[Any]:
    with browser() as opened:
        yield opened


@pytest.fixture
def page(opened_browser: Any, address: str) -> Iterator[Any]:
    with new_page(opened_browser, address) as opened:
        yield opened


def typed(page: Any, text: str) -> None:
    """Types the text, and waits until every run has translated it."""
    page.fill("#text", text)
    page.locator("#status", has_text="Translated by 2 models").wait_for()
    page.wait_for_selector(".run.waiting", state="detached")


FROZEN_RUN, BLIND = "section[aria-label=frozen]", "section[aria-label=blind]"


def test_typing_pointing_and_choosing_another_word(page: Any) -> None:
    source, target = PAIRS[0]
    typed(page, source)
    shown = page.locator(f"{FROZEN_RUN} .target")
    assert shown.inner_text() == target
    words = page.locator(f"{FROZEN_RUN} .target button")
    words.nth(0).hover()
    page.locator("#status", has_text="looked at").wait_for()
    lit = page.locator(f"{FROZEN_RUN} .source .strong").all_inner_texts()
    assert lit and set(lit) < set(source.split())

    words.nth(1).click()
    choices = page.locator(f"{FROZEN_RUN} .choices button")
    choices.nth(1).wait_for()
    offered = choices.all_inner_texts()
    assert offered[0].startswith(target.split()[1])
    assert offered[-1] == "Close"
    other = page.locator(f"{FROZEN_RUN} .choices button[lang]").nth(1)
    chosen = other.inner_text().rsplit(maxsplit=3 if "under" in other.inner_text() else 2)[0]
    other.click()
    back = page.locator(f"{FROZEN_RUN} button.plain")
    back.wait_for()
    given = page.locator(f"{FROZEN_RUN} .target .given").all_inner_texts()
    expected = [target.split()[0]] if chosen == "(end)" else [target.split()[0], chosen]
    assert given[: len(expected)] == expected
    back.click()
    assert shown.inner_text() == target


def test_keys_do_what_the_pointer_does(page: Any) -> None:
    typed(page, PAIRS[1][0])
    page.locator(f"{FROZEN_RUN} .target button").nth(0).focus()
    page.keyboard.press("ArrowRight")
    focused = "() => document.activeElement.textContent"
    assert page.evaluate(focused) == PAIRS[1][1].split()[1]
    page.locator("#status", has_text="looked at").wait_for()
    page.keyboard.press("Enter")
    page.locator(f"{FROZEN_RUN} .choices button").nth(0).wait_for()
    page.keyboard.press("Escape")
    assert page.locator(f"{FROZEN_RUN} .choices").is_hidden()
    assert page.evaluate(focused) == PAIRS[1][1].split()[1]


def test_attention_as_a_table_of_words_and_of_pieces(page: Any) -> None:
    source, target = PAIRS[0]
    typed(page, source)
    page.locator(f"{FROZEN_RUN} summary").last.click()
    table = page.locator(f"{FROZEN_RUN} table")
    table.wait_for()
    assert table.locator("thead th").all_inner_texts() == [*source.split(), "end"]
    assert table.locator("tbody th").all_inner_texts()[: len(target.split())] == target.split()
    words = table.locator("thead th").count()
    page.check("#pieces")
    page.locator(f"{FROZEN_RUN} thead th", has_text="\u2581").first.wait_for()
    assert table.locator("thead th").count() > words
    page.locator(f"{BLIND} summary").last.click()
    page.locator(f"{BLIND} .note", has_text="no attention").wait_for()


def test_errors_are_shown_and_go_away(page: Any) -> None:
    page.fill("#text", "a" * 501)
    problem = page.locator("#problem")
    problem.wait_for()
    assert "500 at most" in problem.inner_text()
    typed(page, PAIRS[0][0])
    assert problem.is_hidden()


def test_it_fits_a_phone(page: Any) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    typed(page, f"{PAIRS[0][0]} {'x' * 200}")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
