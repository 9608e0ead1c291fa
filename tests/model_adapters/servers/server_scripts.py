"""A real HTTP server on loopback that follows a script of faults: an OpenAI-compatible server on a bad day."""

from __future__ import annotations

import http.server
import json
import socket
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "sk-verysecretverysecret-0123456789"
MODEL = "tiny-model"


def completion(text: str | None, finish: str | None = "stop", **message: Any) -> dict[str, Any]:
    """A chat completion as OpenAI's reference describes it."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": MODEL,
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": text, **message}, "finish_reason": finish}
        ],
        "usage": {"prompt_tokens": 100, "completion_tokens": 2, "total_tokens": 102},
    }


@dataclass
class Reply:
    """What the server does with one request.

    Attributes:
        status: of the answer.
        body: of the answer; an object becomes JSON.
        headers: beside length and type.
        delay: seconds before it answers.
        hang: it answers nothing and keeps the connection open until the server is closed.
        cut: bytes of the body after which the connection is closed.
        drop: the connection is closed without an answer.
        raw: bytes in place of a whole answer.
    """

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    hang: bool = False
    cut: int | None = None
    drop: bool = False
    raw: bytes | None = None


def error(status: int, message: str, **more: Any) -> Reply:
    """An error as OpenAI words one."""
    headers = more.pop("headers", {})
    return Reply(status, {"error": {"message": message, "type": "x", "param": None, "code": None, **more}}, headers)


class FaultServer:
    """Answers "yes", after the script is done.

    Attributes:
        script: replies to the first requests, in the order in which they come.
        rule: makes the reply to a request from its body; None: it answers "yes".
        asked: the bodies that came.
        headers: the headers that came with them.
        at_once: most requests that were open together.
        models: what it lists.
    """

    def __init__(self) -> None:
        self.script: deque[Reply] = deque()
        self.rule: Callable[[dict[str, Any]], Reply | None] = lambda body: None
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.models: Reply = Reply(body={"object": "list", "data": [{"id": MODEL, "owned_by": "us"}]})
        self.at_once = self._open = 0
        self._closing = threading.Event()
        self._lock = threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # A test that ends must not wait for a client that keeps its connection.
            timeout: ClassVar[float] = 5.0

            def do_GET(self) -> None:
                outer._send(self, outer.models)

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with outer._lock:
                    outer._open += 1
                    outer.at_once = max(outer.at_once, outer._open)
                    outer.asked.append(body)
                    outer.headers.append({name.lower(): value for name, value in self.headers.items()})
                    reply = outer.script.popleft() if outer.script else outer.rule(body) or Reply()
                try:
                    outer._send(self, reply)
                finally:
                    with outer._lock:
                        outer._open -= 1

            def log_message(self, *args: object) -> None:
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """A client that hangs up is part of the play."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.host}/v1"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def _send(self, handler: http.server.BaseHTTPRequestHandler, reply: Reply) -> None:
        if reply.hang:
            self._closing.wait(30)
        if reply.delay:
            time.sleep(reply.delay)
        if reply.raw is not None:
            handler.wfile.write(reply.raw)
        # A server that is gone answers nothing on connections that were kept either.
        if reply.drop or reply.hang or reply.raw or self._closing.is_set():
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
            return
        body = completion("yes") if reply.body is None else reply.body
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        handler.send_response(reply.status)
        for name, value in (
            {"Content-Type": "application/json", "Content-Length": str(len(data))} | reply.headers
        ).items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(data if reply.cut is None else data[: reply.cut])
        if reply.cut is not None:
            handler.wfile.flush()
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Stop: the next connection is refused."""
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def question_of(body: dict[str, Any]) -> str:
    """The text of the last turn."""
    return str(next(part["text"] for part in body["messages"][-1]["content"] if part["type"] == "text"))
