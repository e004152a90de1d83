"""/translate, as its clients call it and as nobody should."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.testclient import TestClient

from nmt.search.beam import BeamSearch
from nmt.search.greedy import GreedySearch
from nmt.server.limits import Limits
from nmt.translator import Terms
from nmt.translator.glossary import Glossary
from tests.server.fakes import FakeTranslator, client

PAIR = {"source": "en", "target": "fr"}


@pytest.fixture(scope="module")
def fake() -> FakeTranslator:
    return FakeTranslator()


@pytest.fixture(scope="module")
def server(fake: FakeTranslator) -> Iterator[TestClient]:
    """A server with small limits."""
    limits = Limits(characters=500, texts=3, alternatives=3, beam_size=4, body_bytes=20_000)
    with client(fake, limits=limits) as opened:
        yield opened


def answer(server: TestClient, **parameters: Any) -> dict[str, Any]:
    response = server.post("/translate", json=PAIR | parameters)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def refused(server: TestClient, status: int = 400, **request: Any) -> str:
    response = server.post("/translate", **request)
    assert response.status_code == status, response.text
    assert list(response.json()) == ["error"]
    message: str = response.json()["error"]
    return message


@pytest.mark.parametrize(
    "request_",
    [
        {"json": PAIR | {"q": "one"}},
        {"data": PAIR | {"q": "one", "api_key": ""}},
        {"files": {"q": (None, "one"), "source": (None, "en"), "target": (None, "fr")}},
        {"params": PAIR | {"q": "one", "api_key": "x", "format": "text"}},
        {"json": {"q": "one", "source": "EN", "target": "Fr", "apiKey": None, "api_key": None}},
        {"content": json.dumps(PAIR | {"q": "one"})},  # without a content type
        {"params": PAIR | {"q": "two"}, "json": {"q": "one"}},
    ],
)
def test_parameters_come_in_every_way(server: TestClient, request_: Mapping[str, Any]) -> None:
    response = server.post("/translate", **request_)
    assert response.json() == {"translatedText": "ONE"}


@pytest.mark.parametrize(
    "request_",
    [
        {"json": PAIR | {"q": ["one", "two", "one"]}},
        {"data": PAIR | {"q": ["one", "two", "one"]}},
        {"params": PAIR | {"q": ["one", "two", "one"]}},
    ],
)
def test_a_list_is_answered_by_a_list(server: TestClient, request_: Mapping[str, Any]) -> None:
    response = server.post("/translate", **request_)
    assert response.json() == {"translatedText": ["ONE", "TWO", "ONE"]}


def test_much_text_at_once() -> None:
    with client() as server:
        texts = ["a line of some text\n" * 200] * 10
        assert answer(server, q=texts)["translatedText"] == [text.upper() for text in texts]


def test_a_list_of_none_and_of_one(server: TestClient) -> None:
    assert answer(server, q=[]) == {"translatedText": []}
    assert answer(server, q=["one"], alternatives=1) == {
        "translatedText": ["ONE"],
        "alternatives": [["ONE 2"]],
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\n",
        "one\n\n\r\n two \n",
        "\tone\r\ntwo  three\rfour\u2028five",
        "  one",
        "12 : 30",
    ],
)
def test_line_breaks_and_spacing_stay(server: TestClient, text: str) -> None:
    assert answer(server, q=text) == {"translatedText": text.upper()}


def test_alternatives_are_different(server: TestClient) -> None:
    found = answer(server, q="one\ntwo", alternatives="2")
    assert found["translatedText"] == "ONE\nTWO"
    assert found["alternatives"] == ["ONE 2\nTWO 2", "ONE 3\nTWO 3"]


def test_html_keeps_its_tags(server: TestClient) -> None:
    text = '<p class="a">one <b>two</b> &amp; &eacute;<br/>three</p>\n<pre>x &lt; 1</pre>'
    wanted = '<p class="a">ONE <b>TWO</b> &amp; É<br/>THREE</p>\n<pre>x &lt; 1</pre>'
    assert answer(server, q=text, format="html") == {"translatedText": wanted}


def test_html_keeps_the_tags_that_the_translator_loses(
    server: TestClient, fake: FakeTranslator
) -> None:
    text = "<p>one <i>drops</i> two &lt; <i>three</i>.</p><p>four</p>"
    fake.calls.clear()
    found = answer(server, q=[text], format="html", alternatives=1)
    wanted = "<p>ONE <i>DROPS</i> TWO &lt; <i>THREE</i>.</p><p>FOUR</p>"
    assert found["translatedText"] == [wanted]
    assert fake.calls[1:] == [["one drops two < three."]]  # and the tags put in
    fake.calls.clear()
    text = "one <i>drops</i> an <b>unaligned</b> one"
    assert answer(server, q=text, format="html")["translatedText"] == (
        "ONE <i>DROPS</i> AN <b>UNALIGNED</b> ONE"
    )
    assert fake.calls[2:] == [["one", "drops", "an", "unaligned", "one"]]


def test_the_source_is_detected_for_each_text(server: TestClient) -> None:
    french = "Voici une longue phrase qui est écrite en français, comme on le voit."
    found = answer(server, source="auto", q=["This is a sentence of English.", french])
    assert found["translatedText"] == ["THIS IS A SENTENCE OF ENGLISH.", french]
    assert [one["language"] for one in found["detectedLanguage"]] == ["en", "fr"]
    assert all(50 < one["confidence"] <= 100 for one in found["detectedLanguage"])
    single = answer(server, source="auto", q="Perfect")
    assert single["translatedText"] == "PERFECT"
    assert single["detectedLanguage"]["language"] == "en"


def test_details_are_an_additional_field(server: TestClient) -> None:
    found = answer(server, q="one\n\ntwo", align=True)
    assert found["details"] == [
        {"src": "one", "text": "ONE", "score": -0.5, "tokens": 3, "alignment": "0-0", "flags": []},
        {"src": "two", "text": "TWO", "score": -0.5, "tokens": 3, "alignment": "0-0", "flags": []},
    ]
    assert len(answer(server, q=["one", ""], details=True)["details"]) == 2


def test_terms_reach_the_translator(server: TestClient, fake: FakeTranslator) -> None:
    fake.terms.clear()
    answer(server, q="a\nb", prefix="P", forbid="f", glossary={"cat": "chat"})
    cats = Glossary.of({"cat": ("chat",)})
    first = Terms(prefix="P", forbid=("f",), glossary=cats)
    assert fake.terms == [first, Terms(forbid=("f",), glossary=cats)]
    fake.terms.clear()
    assert server.post("/translate", data=PAIR | {"q": "a", "require": ["x", "y"]}).is_success
    assert fake.terms == [Terms(require=("x", "y"))]


def test_options_of_search_reach_the_translator(server: TestClient, fake: FakeTranslator) -> None:
    answer(server, q="a", beam_size=2, length_penalty=0.5, max_length="3", sentences="split")
    options = fake.options[-1]
    assert options["search"] == BeamSearch(beam_size=2, length_penalty=0.5, max_length=3.0)
    assert options["sentences"] == "split"
    answer(server, q="a", beam_size=2, alternatives=3)
    assert fake.options[-1]["search"].beam_size == 4


def test_a_greedy_server_finds_alternatives_and_terms() -> None:
    greedy = FakeTranslator(search=GreedySearch(max_length=3.0))
    with client(greedy) as server:
        answer(server, q="a", alternatives=1)
        assert greedy.options[-1]["search"] == BeamSearch(beam_size=2, max_length=3.0)
        assert "beam_size" not in refused(server, json=PAIR | {"q": "a", "require": ["b"]})
        answer(server, q="a", require=["b"], beam_size=3)
        assert refused(server, json=PAIR | {"q": "a", "length_penalty": 1})


def test_several_runs() -> None:
    en_fr, other, fr_de = FakeTranslator(), FakeTranslator(), FakeTranslator("fr", "de")
    with client(en_fr, other, fr_de) as server:
        answer(server, q="a")
        answer(server, q="b", run="run2")
        answer(server, q="c", source="fr", target="de")
        assert [one.calls for one in (en_fr, other, fr_de)] == [[["a"]], [["b"]], [["c"]]]
        assert "run3" in refused(server, json=PAIR | {"q": "a", "run": "run3"})
        assert "run1, run2" in refused(server, json=PAIR | {"q": "a", "run": "../run1"})
        assert "/languages" in refused(server, json=PAIR | {"q": "a", "target": "de"})
        assert server.get("/languages").json() == [
            {"code": "en", "name": "English", "targets": ["fr"]},
            {"code": "fr", "name": "French", "targets": ["de"]},
            {"code": "de", "name": "German", "targets": []},
        ]


DEEP = b"[" * 9000 + b"]" * 9000


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"json": PAIR}, "q is missing"),
        ({"json": PAIR | {"q": None}}, "q is missing"),
        ({"json": {"q": "a", "target": "fr"}}, "source is missing"),
        ({"json": {"q": "a", "source": "en"}}, "target is missing"),
        ({"json": PAIR | {"q": "a", "target": "xx"}}, "target is no language"),
        ({"json": PAIR | {"q": "a", "source": "xx"}}, "source is no language"),
        ({"json": PAIR | {"q": "a", "source": 5}}, "source must be text"),
        ({"json": PAIR | {"q": 5}}, "q must be text"),
        ({"json": PAIR | {"q": {"a": 1}}}, "q must be text"),
        ({"json": PAIR | {"q": [["a"]]}}, "q must be text"),
        ({"json": PAIR | {"q": ["a", None]}}, "q must be text"),
        ({"json": PAIR | {"q": "a" * 501}}, "501 characters"),
        ({"json": PAIR | {"q": ["a"] * 4}}, "4 texts"),
        ({"json": PAIR | {"q": "a", "format": "xml"}}, "format must be"),
        ({"json": PAIR | {"q": "a", "alternatives": 4}}, "from 0 to 3"),
        ({"json": PAIR | {"q": "a", "alternatives": -1}}, "from 0 to 3"),
        ({"json": PAIR | {"q": "a", "alternatives": 1.5}}, "from 0 to 3"),
        ({"json": PAIR | {"q": "a", "alternatives": True}}, "from 0 to 3"),
        ({"json": PAIR | {"q": "a", "alternatives": [1]}}, "from 0 to 3"),
        ({"json": PAIR | {"q": "a", "alternatives": "1e400"}}, "from 0 to 3"),
        ({"data": PAIR | {"q": "a", "alternatives": "many"}}, "from 0 to 3"),
        ({"json": PAIR | {"q": "a", "beam_size": 5}}, "from 1 to 4"),
        ({"json": PAIR | {"q": "a", "max_length": 0}}, "max_length must be"),
        ({"json": PAIR | {"q": "a", "max_length": 1e300}}, "max_length must be"),
        ({"json": PAIR | {"q": "a", "details": "perhaps"}}, "details must be"),
        ({"json": PAIR | {"q": "a", "details": 1, "format": "html"}}, "format=text"),
        ({"json": PAIR | {"q": "a", "sentences": "all"}}, "sentences must be"),
        ({"json": PAIR | {"q": "a", "require": 5}}, "require"),
        ({"json": PAIR | {"q": "a", "glossary": ["b"]}}, "glossary"),
        ({"json": PAIR | {"q": "a", "require": ["b"], "forbid": ["b"]}}, "forbidden"),
        ({"json": PAIR | {"q": "a", "require": ["b"] * 17}}, "require"),
        ({"json": PAIR | {"q": "a", "forbid": ["b" * 5001]}}, "5,000 characters"),
        ({"json": PAIR | {"q": "a\nb", "require": ["c"]}}, "one line"),
        ({"json": [1]}, "JSON object"),
        ({"content": b'{"q": "\\ud800", "source": "en", "target": "fr"}'}, "q must be text"),
        ({"content": b'{"q": "\xff"}', "headers": {"content-type": "application/json"}}, "UTF-8"),
        ({"content": b"{", "headers": {"content-type": "application/json"}}, "read"),
        ({"content": DEEP, "headers": {"content-type": "application/json"}}, "read"),
        ({"content": b'{"a":' + b"9" * 5000 + b"}"}, "read"),
        ({"content": b"NaN"}, "JSON object"),
        ({"content": b'{"q":"a","source":"en","target":"fr","alternatives":NaN}'}, "from 0 to 3"),
        ({"content": b"\x00\x01"}, "read"),
        (
            {
                "content": b"q=%ff&source=en&target=fr",
                "headers": {"content-type": "application/x-www-form-urlencoded"},
            },
            "UTF-8",
        ),
        (
            {
                "content": b"&".join([b"q=a"] * 1001),
                "headers": {"content-type": "application/x-www-form-urlencoded"},
            },
            "1000 parameters",
        ),
        ({"content": b"x", "headers": {"content-type": "multipart/form-data"}}, "boundary"),
    ],
)
def test_whatever_is_wrong_has_a_clean_answer(
    server: TestClient, request_: Mapping[str, Any], said: str
) -> None:
    assert said in refused(server, **request_)


def test_the_query_string_may_be_anything(server: TestClient) -> None:
    for query, said in (("q=%ff&source=en&target=fr", "UTF-8"), ("&&=&q", "source is missing")):
        response = server.post(f"/translate?{query}")
        assert response.status_code == 400
        assert said in response.json()["error"]


def test_a_body_that_is_too_large_is_not_read(server: TestClient) -> None:
    assert "20,000 bytes" in refused(
        server, 413, json=PAIR | {"q": ["a" * 499] * 3, "x": "y" * 20_000}
    )

    def parts() -> Iterator[bytes]:
        for _ in range(10):
            yield b"x" * 4096

    assert refused(server, 413, content=parts())  # without a length


def test_what_fails_is_no_fault_of_others_and_is_not_logged_with_its_text(
    server: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    message = refused(server, 500, json=PAIR | {"q": "boom goes my secret"})
    assert "boom" not in message
    assert "RuntimeError" in caplog.text
    assert "boom" not in caplog.text
    assert answer(server, q="one") == {"translatedText": "ONE"}


def test_what_takes_too_long_is_given_up() -> None:
    slow = FakeTranslator(seconds=0.3)
    with client(slow, limits=Limits(seconds=0.05)) as server:
        response = server.post("/translate", json=PAIR | {"q": "ab"})
        assert response.status_code == 503
        assert int(response.headers["retry-after"]) >= 1


def test_too_many_requests_are_told_to_come_again() -> None:
    event = threading.Event()
    with client(FakeTranslator(), limits=Limits(waiting=1)) as server:
        queue = server.app.state.server.queue  # type: ignore[attr-defined]  # ours
        assert server.portal is not None
        held = server.portal.start_task_soon(queue.call, "run1", lambda _: event.wait(10), 1)
        while not queue.waiting:
            time.sleep(0.01)
        response = server.post("/translate", json=PAIR | {"q": "one"})
        assert response.status_code == 429
        assert int(response.headers["retry-after"]) >= 1
        event.set()
        assert held.result()
        assert answer(server, q="one")


def test_keys() -> None:
    with client(keys="first sécond") as server:
        asked = PAIR | {"q": "one"}
        assert "missing" in refused(server, json=asked)
        assert "missing" in refused(server, json=asked | {"api_key": None})
        for wrong in ("firs", "first ", 5, ["first"], "\ud800"):
            content = json.dumps(asked | {"api_key": wrong})
            assert "none of" in refused(server, 403, content=content)
        for right in ("first", "sécond"):
            assert answer(server, q="one", api_key=right) == {"translatedText": "ONE"}
            query = urlencode(asked | {"api_key": right})
            assert server.post(f"/translate?{query}").is_success
        assert server.post("/detect", json={"q": "one"}).status_code == 400
        assert server.get("/languages").is_success


def test_other_origins_may_read_only_if_they_are_named() -> None:
    headers = {"origin": "https://example.org"}
    with client() as server:
        response = server.post("/translate", json=PAIR | {"q": "one"}, headers=headers)
        assert "access-control-allow-origin" not in response.headers
    with client(cors=["https://example.org"]) as server:
        response = server.post("/translate", json=PAIR | {"q": "one"}, headers=headers)
        assert response.headers["access-control-allow-origin"] == "https://example.org"
        assert server.post("/translate", json=PAIR, headers=headers).status_code == 400
        other = server.get("/health", headers={"origin": "https://example.com"})
        assert "access-control-allow-origin" not in other.headers


def test_many_requests_at_once_lose_nothing(server: TestClient) -> None:
    def one(number: int) -> str:
        text: str = answer(server, q=f"text {number}")["translatedText"]
        return text

    with ThreadPoolExecutor(64) as pool:
        assert list(pool.map(one, range(640))) == [f"TEXT {number}" for number in range(640)]
