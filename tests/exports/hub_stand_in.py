"""The endpoints of the hub that a push uses, on this machine: real HTTP, answered as huggingface.co does.

POST /api/repos/create                                make a repository
HEAD /datasets/<repo>/resolve/<revision>/<path>       is a file there
POST /api/datasets/<repo>/preupload/<revision>        which files go to the large-file store: none here
POST /api/datasets/<repo>/commit/<revision>           one commit as JSON lines
"""

from __future__ import annotations

import base64
import contextlib
import http.server
import json
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "hf_abcdefghijklmnopqrstuvwxyz0123456789"


class Hub:
    """What the stand-in was told.

    Attributes:
        files: content by path, of all commits.
        commits: how many.
        private: of the repository that was made.
        tokens: the bearer tokens that came.
        refuse: status that every request is answered with, or None.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.commits = 0
        self.private: bool | None = None
        self.tokens: set[str] = set()
        self.refuse: int | None = None
        self.endpoint = ""


def _handler(hub: Hub) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.refused():
                return
            if self.path == "/api/repos/create":
                asked = json.loads(body)
                hub.private = asked.get("private", asked.get("visibility") == "private")
                return self.answer({"url": f"{hub.endpoint}/datasets/{asked.get('organization')}/{asked['name']}"})
            if self.path == "/api/validate-yaml":
                return self.answer({"errors": [], "warnings": []})
            if "/preupload/" in self.path:
                files = [
                    {"path": file["path"], "uploadMode": "regular", "shouldIgnore": False}
                    for file in json.loads(body)["files"]
                ]
                return self.answer({"files": files})
            if "/commit/" in self.path:
                return self.commit(body)
            return self.answer({}, 404)

        def commit(self, body: bytes) -> None:
            for line in body.decode().splitlines():
                part = json.loads(line)
                if part["key"] == "file":
                    hub.files[part["value"]["path"]] = base64.b64decode(part["value"]["content"])
            hub.commits += 1
            repository = self.path.removeprefix("/api/").partition("/commit/")[0]
            oid = f"{hub.commits:040x}"
            self.answer({"success": True, "commitOid": oid, "commitUrl": f"{hub.endpoint}/{repository}/commit/{oid}"})

        def do_HEAD(self) -> None:
            if self.refused():
                return
            path = self.path.partition("/resolve/")[2].partition("/")[2]
            there = path in hub.files
            self.send_response(200 if there else 404)
            self.send_header("Content-Length", str(len(hub.files.get(path, b""))))
            self.send_header("X-Repo-Commit", f"{hub.commits:040x}")
            self.send_header("ETag", f'"{path}"') if there else self.send_header("X-Error-Code", "EntryNotFound")
            self.end_headers()

        def do_GET(self) -> None:
            if not self.refused():
                self.answer({"sha": f"{hub.commits:040x}", "id": "x/y", "siblings": []})

        def refused(self) -> bool:
            hub.tokens.add((self.headers.get("Authorization") or "").removeprefix("Bearer "))
            if hub.refuse is not None:
                self.answer({"error": f"no, {self.headers.get('Authorization')}"}, hub.refuse)
            return hub.refuse is not None

        def answer(self, data: Any, status: int = 200) -> None:
            content = json.dumps(data).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@contextlib.contextmanager
def stand_in() -> Iterator[Hub]:
    """A hub of its own, gone afterwards."""
    hub = Hub()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub)) as server:
        hub.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()
