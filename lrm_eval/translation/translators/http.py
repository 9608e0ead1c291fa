"""One JSON request to a chat server, asked again with back-off when that may help. Never shows the key."""

from __future__ import annotations

import email.utils
import json
import random
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

from lrm_eval.errors import RunError, UsageError

if TYPE_CHECKING:
    from email.message import Message

ATTEMPTS = 6
_FIRST_WAIT = 1.0
_LONGEST_WAIT = 60.0
# A server that wants a longer rest has a quota by the hour or day: waiting for it in silence helps nobody.
LONGEST_ASKED = 300.0
_AGAIN = {408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529}
_SHOWN = 200


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
        key: sent as a bearer token; "" for a server without one. Never part of a message.
        key_variable: where the key came from, for messages.
        timeout: seconds for one answer.
        first_wait: seconds before the second attempt; each further one waits twice as long.
    """

    base_url: str
    key: str = field(repr=False)
    key_variable: str
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
                    text = self._shown(error.read(20_000))
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
                problem = f"cannot be reached ({self._shown(str(reason)) or type(error).__name__})"
            except ValueError as error:
                problem = f"the answer is no JSON ({self._shown(str(error))})"
            if attempt + 1 < ATTEMPTS:
                time.sleep(wait)
        raise RunError(f"{self.base_url}: {problem}, {ATTEMPTS} times; what is translated is kept: type the same again")

    def _once(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
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
            state = f"the key in ${self.key_variable}" if self.key else f"no key: set ${self.key_variable}"
            raise UsageError(f"{self.base_url}: {problem} ({state})") from None
        if status in (400, 413, 422):
            raise BadRequestError(problem) from None
        if status not in _AGAIN:
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

    def _shown(self, content: bytes | str) -> str:
        """What the server says, in one line; servers repeat wrong keys in their messages."""
        text = content.decode("utf-8", "replace") if isinstance(content, bytes) else content
        try:
            value = json.loads(text)
            inner = value.get("error", value) if isinstance(value, dict) else value
            text = str(inner.get("message", inner) if isinstance(inner, dict) else inner)
        except ValueError:
            pass
        line = " ".join(text.split())
        for secret in (self.key, self.key[:12], self.key[-6:]):
            if len(secret) >= 6:
                line = line.replace(secret, "***")
        return line[:_SHOWN]


def back_off(attempt: int, first: float) -> float:
    """Seconds to wait after an attempt (counted from 0): twice as long each time, at most about a minute."""
    return min(first * 2.0**attempt, _LONGEST_WAIT) * random.uniform(0.75, 1.25)


def retry_after(headers: Message) -> float | None:
    """Seconds that `Retry-After` asks for, or None."""
    return retry_after_text(headers.get("Retry-After") or "")


def retry_after_text(text: str) -> float | None:
    """Seconds of a `Retry-After` value (RFC 9110, 10.2.3: a number or a date), or None."""
    value = text.strip()
    if not value:
        return None
    try:
        return max(float(value), 0.0)
    except ValueError:
        pass
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max((moment - datetime.now(UTC)).total_seconds(), 0.0)
