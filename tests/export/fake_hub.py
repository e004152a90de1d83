"""The Hugging Face hub as far as uploading and downloading a model needs it, in memory."""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

TOKEN = "hf_of_a_test"


class Hub(ThreadingHTTPServer):
    """repositories: name -> file -> content. private: names. commits: how many there were."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.repositories: dict[str, dict[str, bytes]] = {}
        self.private: set[str] = set()
        self.commits = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def sha(self) -> str:
        return hashlib.sha1(str(self.commits).encode()).hexdigest()


@contextmanager
def serving() -> Iterator[Hub]:
    with Hub() as hub:
        threading.Thread(target=hub.serve_forever, daemon=True).start()
        yield hub
        hub.shutdown()


class Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/api/validate-yaml":
            return self._answer({"errors": [], "warnings": []})
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._answer({"error": "unauthorized"}, 401)
        if self.path == "/api/repos/create":
            asked = json.loads(body)
            name = "/".join(filter(None, (asked.get("organization"), asked["name"])))
            if name in self.server.repositories:
                return self._answer({"url": f"{self.server.address}/{name}"}, 409)
            self.server.repositories[name] = {}
            if asked.get("private") or asked.get("visibility") == "private":
                self.server.private.add(name)
            return self._answer({"url": f"{self.server.address}/{name}"})
        if found := re.fullmatch(r"/api/models/(.+)/preupload/main", self.path):
            files = [
                {"path": file["path"], "uploadMode": "regular", "shouldIgnore": False}
                for file in json.loads(body)["files"]
            ]
            return self._answer({"files": files})
        if found := re.fullmatch(r"/api/models/(.+)/commit/main", self.path):
            files = self.server.repositories[found[1]]
            for line in map(json.loads, body.splitlines()):
                value = line["value"]
                if line["key"] == "file":
                    files[value["path"]] = base64.b64decode(value["content"])
                elif line["key"] == "deletedFile":
                    del files[value["path"]]
            self.server.commits += 1
            address = f"{self.server.address}/{found[1]}/commit/{self.server.sha}"
            return self._answer({"commitUrl": address, "commitOid": self.server.sha})
        return self._answer({"error": "unknown"}, 404)

    def do_GET(self) -> None:
        path = unquote(self.path).partition("?")[0]
        found = re.match(r"(?:/api/models)?/([^/]+/[^/]+)(/(revision|tree|resolve)/(.+))?", path)
        name = found[1] if found else ""
        allowed = self.headers.get("Authorization") == f"Bearer {TOKEN}"
        if not found or name not in self.server.repositories:
            return self._answer({"error": "not found"}, 404, {"X-Error-Code": "RepoNotFound"})
        if name in self.server.private and not allowed:
            return self._answer({"error": "not found"}, 401, {"X-Error-Code": "RepoNotFound"})
        files = self.server.repositories[name]
        oids = {file: hashlib.sha1(content).hexdigest() for file, content in files.items()}
        if found[3] == "tree":
            rows = [
                {"type": "file", "oid": oids[file], "size": len(content), "path": file}
                for file, content in files.items()
            ]
            return self._answer(rows)
        if found[3] == "resolve":
            file = found[4].partition("/")[2]
            if file not in files:
                return self._answer({}, 404, {"X-Error-Code": "EntryNotFound"})
            headers = {"ETag": f'"{oids[file]}"', "X-Repo-Commit": self.server.sha}
            return self._answer(files[file], 200, headers)
        siblings = [{"rfilename": file} for file in files]
        return self._answer({"id": name, "sha": self.server.sha, "siblings": siblings})

    do_HEAD = do_GET  # noqa: N815 (the name that the base class calls)

    def _answer(self, value: Any, code: int = 200, headers: dict[str, str] | None = None) -> None:
        content = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(code)
        for name, text in {"Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, text)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Says nothing."""
