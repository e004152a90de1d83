"""Real connections: clients that go away, that stop half-way, and many at once."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection

import pytest
import uvicorn

from nmt.server.application import build_app, listening, server_of
from nmt.server.limits import Limits
from nmt.server.state import ServerState
from tests.server.fakes import FakeTranslator, served

PAIR = {"source": "en", "target": "fr"}


class Served:
    """A server in a thread of this process. port: where it listens."""

    def __init__(self) -> None:
        limits = Limits(seconds=20)
        app = build_app(served(FakeTranslator(seconds=1e-5)), limits, threads=1)
        self.listener = listening("127.0.0.1", 0)
        self.port: int = self.listener.getsockname()[1]
        self.state: ServerState = app.state.server
        self.server: uvicorn.Server = server_of(app, limits)
        self.thread = threading.Thread(target=self.server.run, args=([self.listener],))
        self.thread.start()

    def connection(self) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self.port, timeout=20)

    def text(self, text: str) -> str:
        connection = self.connection()
        connection.request("POST", "/translate", json.dumps(PAIR | {"q": text}))
        translated: str = json.loads(connection.getresponse().read())["translatedText"]
        connection.close()
        return translated

    def held(self) -> threading.Event:
        """Keeps the models busy until the event is set."""
        event = threading.Event()
        queue = self.state.queue
        work = queue.call("run1", lambda _: event.wait(10), 1)
        threading.Thread(target=asyncio.run, args=(work,)).start()
        until(lambda: queue.waiting == 1)
        return event


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    served = Served()
    yield served
    served.server.should_exit = True
    served.thread.join()


def test_who_goes_away_leaves_the_queue(server: Served) -> None:
    event = server.held()
    connection = server.connection()
    connection.request("POST", "/translate", json.dumps(PAIR | {"q": "one"}))
    until(lambda: server.state.queue.waiting == 2)
    connection.close()
    until(lambda: server.state.queue.waiting == 1)
    event.set()
    until(lambda: server.state.queue.waiting == 0)


def test_who_stops_fetching_a_file_stops_its_translation(server: Served) -> None:
    event = server.held()
    connection = server.connection()
    lines = "".join(f"line {number} of a text\n" for number in range(3000))
    fields = "".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in PAIR.items()
    )
    head = '--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    body = f"{fields}{head}{lines}\r\n--x--\r\n"
    connection.request("POST", "/translate_file", body, kind)
    url = json.loads(connection.getresponse().read())["translatedFileUrl"]
    path = url.partition(f":{server.port}")[2]
    connection.request("GET", path)
    until(lambda: server.state.queue.waiting == 3)  # two pieces of the file, and what holds them up
    connection.close()
    until(lambda: server.state.queue.waiting == 1)
    event.set()
    until(lambda: server.state.queue.waiting == 0)
    connection.request("GET", path)  # it may be fetched again
    response = connection.getresponse()
    begun = response.read(100)
    assert begun and lines.upper().encode().startswith(begun)
    connection.close()
    until(lambda: server.state.queue.waiting == 0)
    connection.request("GET", path)
    assert connection.getresponse().read() == lines.upper().encode()
    connection.close()


def test_who_stops_half_way_holds_nobody_up(server: Served) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as half:
        half.sendall(b"POST /translate HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
        assert server.text("one") == "ONE"
    with socket.create_connection(("127.0.0.1", server.port)) as none:
        none.sendall(b"\x00\xff no HTTP\r\n\r\n")
        assert b" 400 " in none.recv(1000)


def test_64_connections_lose_nothing(server: Served) -> None:
    def one_connection(number: int) -> list[str]:
        connection = server.connection()
        found = []
        for turn in range(10):
            connection.request(
                "POST", "/translate", json.dumps(PAIR | {"q": f"line {number} of turn {turn}"})
            )
            found.append(json.loads(connection.getresponse().read())["translatedText"])
        connection.close()
        return found

    with ThreadPoolExecutor(64) as pool:
        found = list(pool.map(one_connection, range(64)))
    assert found == [[f"LINE {n} OF TURN {turn}" for turn in range(10)] for n in range(64)]


def test_a_port_that_is_taken_is_named(server: Served) -> None:
    with pytest.raises(OSError, match="in use") as error:
        listening("127.0.0.1", server.port)
    assert error.value.filename == f"127.0.0.1:{server.port}"
