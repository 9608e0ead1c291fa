"""A chat server on loopback, and folders of the user's own for every test."""

from __future__ import annotations

import html
import http.server
import json
import re
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Reply = tuple[int, dict[str, str], str]
KEY = "sk-verysecretverysecret"


@pytest.fixture(autouse=True)
def own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """No test sees or touches the packs, caches, keys and proxies of whoever runs it."""
    monkeypatch.setenv("LRM_EVAL_PACKS", str(tmp_path / "user-packs"))
    monkeypatch.setenv("LRM_EVAL_CACHE", str(tmp_path / "user-cache"))
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.delenv("GOOGLE_TRANSLATE_ENDPOINT", raising=False)


def french(text: str) -> str:
    """A stand-in of a translation: other words, same numbers and placeholders."""
    return "traduit " + "".join(f"{word[::-1]} " if word.isalpha() else f"{word} " for word in text.split()).strip()


class LoopbackServer:
    """A real HTTP server on loopback that takes and gives JSON.

    Attributes:
        translate: what it makes of a text.
        first: replies that come before it behaves, one a request.
        requests: the bodies it got.
        headers: the headers it got.
        paths: what was asked for.
    """

    def __init__(self) -> None:
        self.translate: Callable[[str], str] = french
        self.first: deque[Reply] = deque()
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self._lock = threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with outer._lock:
                    outer.requests.append(body)
                    outer.headers.append(dict(self.headers))
                    outer.paths.append(self.path)
                    status, headers, text = outer.first.popleft() if outer.first else outer.answer(body)
                data = text.encode("utf-8")
                self.send_response(status)
                for name, value in ({"Content-Length": str(len(data))} | headers).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def answer(self, body: dict[str, Any]) -> Reply:
        """A good answer."""
        raise NotImplementedError

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class ChatServer(LoopbackServer):
    """An OpenAI-compatible server."""

    @property
    def url(self) -> str:
        """Its address, /v1 included."""
        return f"http://{self.host}/v1"

    def answer(self, body: dict[str, Any]) -> Reply:
        """A good answer."""
        texts = json.loads(body["messages"][1]["content"])
        return self.says(json.dumps([self.translate(text) for text in texts], ensure_ascii=False))

    @staticmethod
    def says(content: str) -> Reply:
        """An answer with this content."""
        return 200, {}, json.dumps({"choices": [{"message": {"role": "assistant", "content": content}}]})


class GoogleServer(LoopbackServer):
    """Google Cloud Translation's REST form, v3 `translateText`: HTML in, HTML out, as Google's own answers it."""

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{self.host}"

    def answer(self, body: dict[str, Any]) -> Reply:
        """A good answer."""
        return self.says([self._html(text) for text in body["contents"]])

    def _html(self, text: str) -> str:
        """Translates around `translate="no"`, escapes what it likes to escape, and puts blanks about spans."""
        parts = re.split(r'(<span translate="no">.*?</span>|<br>)', text)
        made = [
            part if number % 2 else html.escape(self.translate(html.unescape(part.strip())), quote=True)
            for number, part in enumerate(parts)
            if part.strip()
        ]
        return " ".join(made)

    @staticmethod
    def says(texts: list[str]) -> Reply:
        """An answer with these texts."""
        return (
            200,
            {"Content-Type": "application/json"},
            json.dumps({"translations": [{"translatedText": text} for text in texts]}),
        )


@pytest.fixture
def google() -> Iterator[GoogleServer]:
    """A running server of Google's form."""
    running = GoogleServer()
    yield running
    running.close()


@pytest.fixture
def server() -> Iterator[ChatServer]:
    """A running chat server."""
    running = ChatServer()
    yield running
    running.close()
