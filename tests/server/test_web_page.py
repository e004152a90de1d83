"""What the page asks of the server, and what it may load."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from nmt.server.application import build_app
from nmt.server.limits import ApiKeys, Limits
from nmt.server.served_runs import ServedRuns
from nmt.translator import Translator

FROZEN = Path(__file__).parents[1] / "frozen_run"
SOURCE, TARGET = (FROZEN / "pairs.tsv").read_text().splitlines()[1].split("\t")
RUN = {"run": "frozen"}


@pytest.fixture(scope="module")
def translator() -> Translator:
    return Translator.load(FROZEN / "format_1", device="cpu", precision="fp32")


@pytest.fixture(scope="module")
def server(translator: Translator) -> Iterator[TestClient]:
    app = build_app(ServedRuns({"frozen": translator}), Limits(characters=300, texts=3), threads=1)
    with TestClient(app) as opened:
        yield opened


def test_its_files_load_nothing_from_elsewhere(server: TestClient) -> None:
    for path, kind in (("/", "html"), ("/page.css", "css"), ("/page.js", "javascript")):
        answer = server.get(path)
        assert kind in answer.headers["content-type"]
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "://" not in answer.text
        assert 'style="' not in answer.text


def test_it_begins_with_the_runs(server: TestClient) -> None:
    found = server.get("/page/runs").json()
    assert found["key_required"] is False
    (run,) = found["runs"]
    assert (run["name"], run["src"], run["tgt"]) == ("frozen", "en", "fr")
    assert run["languages"] == "English to French"


def test_its_questions_are_answered(server: TestClient) -> None:
    (one,) = server.post("/page/translate", json=RUN | {"text": SOURCE}).json()["segments"]
    assert (one["source"], one["text"]) == (SOURCE, TARGET)
    pair = {"source": SOURCE, "translation": TARGET}
    looked = server.post("/page/attention", json=RUN | pair).json()
    assert looked["source"] == [*SOURCE.split(), None]
    first, *_ = server.post("/page/words", json=RUN | {"source": SOURCE}).json()["words"]
    assert first["text"] == TARGET.split()[0]
    beginning = {"text": SOURCE, "beginning": TARGET.split()[0]}
    (one,) = server.post("/page/continue", json=RUN | beginning).json()["segments"]
    assert one["text"] == TARGET


@pytest.mark.parametrize(
    ("question", "asked", "says"),
    [
        ("translate", {}, "text is missing"),
        ("translate", {"text": "a" * 301}, "300 at most"),
        ("translate", {"text": "a", "run": "other"}, "reload the page"),
        ("translate", {"text": "a", "require": ["b"] * 4}, "fewer words"),
        ("translate", {"text": "a", "require": [" "]}, "no text"),
        ("attention", {"source": "a", "translation": "b", "layer": 9}, "layer=9"),
        ("attention", {"source": "a", "translation": "b", "head": 2}, "head=2"),
        ("attention", {"source": "a", "head": "x"}, "whole number"),
        ("continue", {"text": "a"}, "beginning is missing"),
        ("words", {"source": ["a"]}, "must be text"),
    ],
)
def test_what_cannot_be_answered_is_said(
    server: TestClient, question: str, asked: dict[str, Any], says: str
) -> None:
    answer = server.post(f"/page/{question}", json=RUN | asked)
    assert answer.status_code == 400
    assert says in answer.json()["error"]


def test_questions_need_the_key_and_the_page_does_not(translator: Translator) -> None:
    app = build_app(ServedRuns({"frozen": translator}), keys=ApiKeys((b"secret",)), threads=1)
    with TestClient(app) as server:
        assert server.get("/").is_success
        assert server.get("/page/runs").json()["key_required"] is True
        asked = RUN | {"text": SOURCE}
        assert server.post("/page/translate", json=asked).status_code == 400
        assert server.post("/page/translate", json=asked | {"api_key": "no"}).status_code == 403
        assert server.post("/page/translate", json=asked | {"api_key": "secret"}).is_success
