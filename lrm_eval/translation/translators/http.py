"""One JSON request to a chat server, asked again with back-off when that may help. Never shows the key."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

from lrm_eval.errors import RunError, UsageError
from lrm_eval.remote.waiting import AGAIN, LONGEST_ASKED, back_off, retry_after_text

if TYPE_CHECKING:
    from email.message import Message

    from lrm_eval.remote.address import Key

ATTEMPTS = 6
_FIRST_WAIT = 1.0


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirected POST would become a GET and carry the key to another host."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> None:
        """Follow nothing: the status is told as it is."""


class BadRequestError(Exception):
    """The server refused one request (status 400, 413 or 422); another one may be taken."""


@dataclass
class JsonServer:
    """A server that takes and gives JSON.

    Attributes:
        base_url: address of the API, without a slash at its end.
        key: sent as a bearer token, unless it is empty. Never part of a message.
        timeout: seconds for one answer.
        first_wait: seconds before the second attempt; each further one waits twice as long.
    """

    base_url: str
    key: Key
    timeout: float
    first_wait: float = _FIRST_WAIT

    def __post_init__(self) -> None:
        self._opener = urllib.request.build_opener(_NoRedirect)
        self._lock = threading.Lock()
        self._not_before = 0.0

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The JSON object that the server answers.

        Raises:
            BadRequestError: it does not take this request.
            UsageError: address, key or model are wrong.
            RunError: it cannot be reached, or fails again and again.
        """
        problem = ""
        for attempt in range(ATTEMPTS):
            self._wait()
            wait = back_off(attempt, self.first_wait)
            try:
                return self._once(path, body)
            except urllib.error.HTTPError as error:
                with error:
                    text = self.key.said(error.read(20_000))
                problem = f"status {error.code}{': ' + text if text else ''}"
                self._give_up(error.code, problem)
                asked = retry_after(error.headers)
                if asked is not None and asked > LONGEST_ASKED:
                    raise RunError(f"{self.base_url}: {problem}; it asks to wait {asked:.0f} s: go on later") from None
                if asked is not None:
                    wait = asked
                    # A limit of requests holds for all threads.
                    self._rest(asked)
            except (OSError, HTTPException) as error:
                reason = getattr(error, "reason", error)
                problem = f"cannot be reached ({self.key.said(str(reason)) or type(error).__name__})"
            except ValueError as error:
                problem = f"the answer is no JSON ({self.key.said(str(error))})"
            if attempt + 1 < ATTEMPTS:
                time.sleep(wait)
        raise RunError(f"{self.base_url}: {problem}, {ATTEMPTS} times; what is translated is kept: type the same again")

    def _once(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.key.value:
            headers["Authorization"] = f"Bearer {self.key.value}"
        data = json.dumps(body, ensure_ascii=False).encode("utf-8")
        request = urllib.request.Request(f"{self.base_url}{path}", data, headers, method="POST")  # noqa: S310
        with self._opener.open(request, timeout=self.timeout) as answer:
            content = answer.read()
        value = json.loads(content.decode("utf-8"))
        if not isinstance(value, dict):
            raise ValueError("expected an object")
        return value

    def _give_up(self, status: int, problem: str) -> None:
        if status in (401, 403):
            raise UsageError(f"{self.base_url}: {problem} ({self.key.state})") from None
        if status in (400, 413, 422):
            raise BadRequestError(problem) from None
        if status not in AGAIN:
            raise UsageError(
                f"{self.base_url}: {problem}; give the address up to and including /v1 with --base-url, and a model "
                "that this server has"
            ) from None

    def _wait(self) -> None:
        with self._lock:
            left = self._not_before - time.monotonic()
        if left > 0:
            time.sleep(left)

    def _rest(self, seconds: float) -> None:
        with self._lock:
            self._not_before = max(self._not_before, time.monotonic() + seconds)


def retry_after(headers: Message) -> float | None:
    """Seconds that `Retry-After` asks for, or None."""
    return retry_after_text(headers.get("Retry-After") or "")
