"""The small endpoints, files, and what a server takes from its options."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from nmt.server import web_page
from nmt.server.files_api import KeptFiles
from nmt.server.limits import ApiKeys, Limits, Refused, check_origins
from nmt.server.served_runs import ServedRuns
from tests.runs import untrained_run
from tests.server.fakes import FakeTranslator, client

PAIR = {"source": "en", "target": "fr"}


@pytest.fixture(scope="module")
def server() -> Iterator[TestClient]:
    limits = Limits(characters=500, texts=3, file_bytes=20_000, body_bytes=2000)
    with client(FakeTranslator(), limits=limits) as opened:
        yield opened


def test_languages_also_with_a_body(server: TestClient) -> None:
    wanted = [
        {"code": "en", "name": "English", "targets": ["fr"]},
        {"code": "fr", "name": "French", "targets": []},
    ]
    assert server.get("/languages").json() == wanted
    assert server.request("GET", "/languages", data={"api_key": "x"}).json() == wanted


def test_detect_decides_once_for_each_text(server: TestClient) -> None:
    (found,) = server.post("/detect", data={"q": "the cat and the dog"}).json()
    assert found["language"] == "en"
    assert 90 < found["confidence"] <= 100
    texts = ["le chat et le chien", "the cat and the dog", ""]
    codes = [one["language"] for one in server.post("/detect", json={"q": texts}).json()]
    assert codes[:2] == ["fr", "en"]
    assert codes[2] in ("en", "fr")
    assert server.post("/detect", json={}).status_code == 400
    assert server.post("/detect", json={"q": "x" * 501}).status_code == 400


def test_what_cannot_be_detected_has_to_be_said() -> None:
    with client(FakeTranslator("tlh", "")) as server:
        assert server.post("/detect", json={"q": "nuqneH"}).status_code == 400
        asked = {"q": "nuqneH", "source": "auto", "target": "und"}
        assert "say" in server.post("/translate", json=asked).json()["error"]
        assert server.post("/translate", json=asked | {"source": "TLH"}).is_success


def test_settings_health_and_specification(server: TestClient) -> None:
    settings = server.get("/frontend/settings").json()
    assert settings["charLimit"] == 500
    assert {".txt", ".jsonl", ".srt", ".docx"} < set(settings["supportedFilesFormat"])
    assert settings["language"]["source"] == {"code": "en", "name": "English"}
    assert server.get("/health").json() == {"status": "ok"}
    app = server.app
    assert isinstance(app, Starlette)
    described = server.get("/spec").json()
    paths = {route.path for route in app.routes if isinstance(route, Route)}
    paths -= {route.path for route in web_page.routes()}  # nobody else is to rely on these
    assert set(described["paths"]) == paths
    answer = server.post("/translate", json=PAIR | {"q": "a", "alternatives": 1, "details": True})
    schema = described["paths"]["/translate"]["post"]["responses"]["200"]["content"]
    assert set(answer.json()) < set(schema["application/json"]["schema"]["properties"])


def test_metrics_count(server: TestClient) -> None:
    def values() -> dict[str, float]:
        lines = server.get("/metrics").text.splitlines()
        pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
        return {name: float(value) for name, _, value in pairs}

    before = values()
    server.post("/translate", json=PAIR | {"q": ["one", "two\nthree"]})
    server.post("/translate", json={"q": "secret"})
    server.get('/no"such/path')
    after = values()
    grown = {name: value - before.get(name, 0) for name, value in after.items()}
    assert grown['nmt_requests_total{path="/translate",status="200"}'] == 1
    assert grown['nmt_requests_total{path="/translate",status="400"}'] == 1
    assert grown['nmt_requests_total{path="other",status="404"}'] == 1
    assert grown['nmt_lines_total{run="run1"}'] == 3
    assert grown['nmt_characters_total{run="run1"}'] == 11
    assert grown['nmt_translate_seconds_bucket{le="+Inf"}'] == 2
    assert after["nmt_waiting"] == 0
    assert "secret" not in server.get("/metrics").text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("GET", "/translate", 405), ("GET", "/download_file/x", 404)],
)
def test_errors_are_json(server: TestClient, method: str, path: str, status: int) -> None:
    response = server.request(method, path)
    assert response.status_code == status
    assert list(response.json()) == ["error"]


def sent(server: TestClient, name: str, data: bytes, **fields: Any) -> Any:
    return server.post("/translate_file", files={"file": (name, data)}, data=PAIR | fields)


def fetched(server: TestClient, name: str, data: bytes, **fields: Any) -> tuple[str, bytes]:
    response = sent(server, name, data, **fields)
    assert response.status_code == 200, response.text
    url = response.json()["translatedFileUrl"]
    assert url.startswith("http://testserver/download_file/")
    file = server.get(url)
    assert server.get(url).status_code == 404  # it is fetched once
    return file.headers["content-disposition"], file.content


def test_a_text_file_keeps_its_lines(server: TestClient) -> None:
    text = "\ufeffone\r\n\r\n  two\n\nthrée"
    said, content = fetched(server, "été.txt", text.encode(), source="auto")
    assert content == text.upper().encode()
    assert said == "attachment; filename*=UTF-8''%C3%A9t%C3%A9_fr.txt"


def test_rows_come_back_as_rows(server: TestClient) -> None:
    rows = b'{"id": "x", "src": "one"}\n\n{"src": "two", "require": ["y"]}\n'
    _, content = fetched(server, "rows.JSONL", rows)
    found = [json.loads(line) for line in content.splitlines()]
    assert [(one["id"], one["text"]) for one in found] == [("x", "ONE"), (3, "TWO")]
    assert "file:2" in sent(server, "a.jsonl", b'{"src": "a"}\n{"source": "b"}').json()["error"]


@pytest.mark.parametrize(
    ("name", "data", "status", "said"),
    [
        ("a.exe", b"x", 400, ".txt, .jsonl"),
        ("a", b"x", 400, ".txt"),
        ("../../a.txt", b"\xff\xfe", 400, "UTF-8"),
        ("a.txt", b"x" * 20_000, 413, "20,000 bytes"),
    ],
)
def test_files_that_are_refused(
    server: TestClient, name: str, data: bytes, status: int, said: str
) -> None:
    response = sent(server, name, data)
    assert response.status_code == status
    assert said in response.json()["error"]


def test_a_file_has_to_be_a_file(server: TestClient) -> None:
    requests: list[dict[str, Any]] = [{"data": PAIR | {"file": "a.txt"}}, {"json": PAIR}]
    for request in requests:
        assert "file is missing" in server.post("/translate_file", **request).json()["error"]


def test_documents_keep_their_layout(server: TestClient) -> None:
    page = b"<!doctype html><p>one <b>two</b></p><script>three</script>"
    wanted = b"<!doctype html><p>ONE <b>TWO</b></p><script>three</script>"
    assert fetched(server, "a.html", page)[1] == wanted
    assert "a.docx" in sent(server, "a.docx", b"broken").json()["error"]


def test_a_document_that_takes_too_long_is_given_up() -> None:
    slow = FakeTranslator(seconds=0.01)
    cues = "".join(f"00:{n:02}:00.000 --> 00:{n:02}:01.000\nline {n}.\n\n" for n in range(60))
    with client(slow, limits=Limits(file_seconds=0.2)) as server:
        assert sent(server, "a.vtt", f"WEBVTT\n\n{cues}".encode()).status_code == 503
    assert len(slow.calls) < 60


LONG = "".join(f"line {number} of a text\r\n\n" for number in range(2000))


def test_a_long_file_is_translated_while_it_is_fetched() -> None:
    translator = FakeTranslator()
    with client(translator) as server:
        url = sent(server, "a.txt", LONG.encode()).json()["translatedFileUrl"]
        assert translator.calls == []
        assert server.head(url).status_code == 200
        assert server.head(url).headers["content-disposition"].endswith("a_fr.txt")
        got = b""
        with server.stream("GET", url) as response:
            for chunk in response.iter_bytes():
                got += chunk
        assert got == LONG.upper().encode()
        assert server.get(url).status_code == 404
        rows = "".join(f'{{"src": "line {n} of a text"}}\n\n' for n in range(1000))
        content = fetched(server, "a.jsonl", ("\ufeff" + rows).encode())[1]
        found = [json.loads(line) for line in content.splitlines()]
        assert [one["id"] for one in found] == list(range(1, 2000, 2))
        assert [one["text"] for one in found] == [f"LINE {n} OF A TEXT" for n in range(1000)]


def test_a_file_that_takes_too_long_ends_before_its_end() -> None:
    with client(FakeTranslator(seconds=1e-5), limits=Limits(file_seconds=0.4)) as server:
        url = sent(server, "a.txt", LONG.encode()).json()["translatedFileUrl"]
        with server.stream("GET", url) as response:
            assert len(b"".join(response.iter_bytes())) < len(LONG)


def test_files_nobody_fetches_are_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    kept = KeptFiles(Limits(kept_bytes=10, kept_minutes=1))
    first = kept.add("a.txt", b"12345678")
    with pytest.raises(Refused):
        kept.add("b.txt", b"123")
    now = 59
    second = kept.add("b.txt", b"12")
    now = 61
    with pytest.raises(Refused):
        kept.find(first)
    assert (kept.find(second).name, kept.find(second).data) == ("b.txt", b"12")
    assert len({first, second}) == 2
    kept.drop(second)
    assert kept.add("c.txt", b"1234567890")


def test_keys_are_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text("# ours\none\n\n two \n", encoding="utf-8")
    assert ApiKeys.read(path).keys == (b"one", b"two")
    path.write_text("# none\n")
    with pytest.raises(ValueError, match="holds no API key"):
        ApiKeys.read(path)
    path.write_bytes(b"\xff")
    with pytest.raises(ValueError, match="UTF-8"):
        ApiKeys.read(path)


@pytest.mark.parametrize("value", [0, -1, True, "5", 1.5])
def test_limits_are_whole_numbers_of_at_least_1(value: Any) -> None:
    with pytest.raises(ValueError, match="characters must be"):
        Limits(characters=value)


def test_origins() -> None:
    assert check_origins(["*", "http://localhost:3000"]) == ("*", "http://localhost:3000")
    for wrong in ("example.org", "https://example.org/", "ftp://x"):
        with pytest.raises(ValueError, match="cors"):
            check_origins([wrong])


def test_runs_are_named_by_their_directories(tmp_path: Path) -> None:
    paths = [untrained_run(tmp_path / "a"), untrained_run(tmp_path / "b", languages=("fr", "de"))]
    runs = ServedRuns.load(paths)
    assert [(run.name, run.source, run.target) for run in runs.all] == [
        ("a", "en", "fr"),
        ("b", "fr", "de"),
    ]
    other = untrained_run(tmp_path / "other" / "a")
    with pytest.raises(ValueError, match="rename one"):
        ServedRuns.load([*paths, other])
    with pytest.raises(ValueError, match="names no run"):
        ServedRuns.load([])


def test_runs_of_the_hub_are_named_without_their_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def local_run(run: str | Path) -> Path:
        asked.append(str(run))
        return untrained_run(tmp_path / "copy")

    monkeypatch.setattr("nmt.run_directory.local_run", local_run)
    (run,) = ServedRuns.load(["hub:me/en-fr"]).all
    assert (run.name, run.source, asked) == ("en-fr", "en", ["hub:me/en-fr"])
    with pytest.raises(ValueError, match="hub:me/a and hub:you/a are both called a"):
        ServedRuns.load(["hub:me/a", "hub:you/a"])
