"""What a failure means: ask again, this question only, or stop. Pure functions."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urljoin, urlsplit

from lrm_eval.errors import LrmEvalError, RunError, UsageError, nearest
from lrm_eval.remote.waiting import AGAIN, LONGEST_ASKED, retry_after_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lrm_eval.remote.address import Key

_FILTER_WORDS = ("content_filter", "content filter", "content_policy", "content policy", "responsibleaipolicy",
                 "moderation", "flagged", "safety system")  # fmt: skip
_EMPTY_PURSE = ("insufficient_quota", "billing", "payment", "credit balance", "out of credits")
_PASSING = ("rate_limit_exceeded", "rate limit reached")
_LARGE_WORDS = ("too large", "image size", "exceeds the maximum", "payload", "maximum size", "too big")


@dataclass(frozen=True, slots=True)
class Again:
    """Another attempt may help.

    Attributes:
        problem: one line.
        reached: the server answered something, so it is there.
        crowded: it has too much to do: ask less at once.
        wait: seconds that it asks to wait, or None.
    """

    problem: str
    reached: bool
    crowded: bool = False
    wait: float | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The server does not take this question; others it may."""

    problem: str


@dataclass(frozen=True, slots=True)
class Filtered:
    """A content filter stood in the way: an outcome, no fault."""

    problem: str


@dataclass(frozen=True, slots=True)
class TooLarge:
    """The images are more than the server takes."""

    problem: str


@dataclass(frozen=True, slots=True)
class Missing:
    """There is nothing of that name: no such model, or no such path."""

    problem: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Nothing can be asked any longer."""

    error: LrmEvalError


Fault: TypeAlias = Again | Refused | Filtered | TooLarge | Missing | Stop


def fault_of(status: int, headers: Mapping[str, str], body: bytes, url: str, key: Key) -> Fault:
    """What a status means.

    Args:
        status: of the answer; not a good one.
        headers: of the answer.
        body: of the answer.
        url: the server's address, for messages.
        key: hidden from every message.
    """
    said = key.said(body)
    problem = f"status {status}{': ' + said if said else ''}"
    low = body[:4000].decode("utf-8", "replace").lower()
    if 300 <= status < 400:
        return Stop(redirected(headers.get("location", ""), url, key))
    if any(word in low for word in _FILTER_WORDS) and status in (400, 403, 422, 451):
        return Filtered(problem)
    if status in (401, 403):
        return Stop(UsageError(f"{url}: {problem} ({key.state})"))
    # OpenAI's limit a minute advises to add a payment method; the purse is not empty for that.
    passing = any(word in low for word in _PASSING)
    if status == 402 or (status == 429 and not passing and any(word in low for word in _EMPTY_PURSE)):
        return Stop(RunError(f"{url}: {problem}; the account has nothing left to spend"))
    if status == 413 or (status in (400, 422) and "image" in low and any(word in low for word in _LARGE_WORDS)):
        return TooLarge(problem)
    if status in AGAIN:
        wait = retry_after_text(headers.get("retry-after", ""))
        if wait is not None and wait > LONGEST_ASKED:
            return Stop(RunError(f"{url}: {problem}; it asks to wait {wait:.0f} s: go on later"))
        return Again(problem, reached=True, crowded=status in (429, 503, 529), wait=wait)
    if status >= 500:
        return Again(problem, reached=True)
    if status in (404, 405, 410):
        return Missing(problem)
    return Refused(problem)


def redirected(location: str, url: str, key: Key) -> UsageError:
    """A redirect is never followed: it could carry key and questions to somebody else."""
    target = urlsplit(urljoin(url + "/", location))
    path = target.path.removesuffix("/chat/completions").removesuffix("/models").rstrip("/")
    shown = key.hide(f"{target.scheme}://{target.hostname or '?'}{f':{target.port}' if target.port else ''}{path}")
    old = urlsplit(url)
    if (old.scheme, old.hostname, old.port) == (target.scheme, target.hostname, target.port):
        return UsageError(f"{url}: answers with a redirect to {shown}: type that address after --base-url")
    return UsageError(
        f"{url}: answers with a redirect to another host, {shown}, which is refused: it would get the key and the "
        "questions; if that is the right server, type its address after --base-url"
    )


def unknown_model(model: str, known: Sequence[str], url: str, problem: str) -> UsageError:
    """The server has no model of that name; the nearest that it has.

    Args:
        model: what was asked for.
        known: what it lists.
        url: its address.
        problem: what it says.
    """
    close = nearest(model, known)
    if close:
        hint = f"did you mean {' or '.join(repr(name) for name in close)}?"
    elif 0 < len(known) <= 20:
        hint = f"it has {', '.join(known)}"
    elif known:
        hint = f"it lists {len(known)} models, the first is {known[0]!r}"
    else:
        hint = "it lists no models; is the address right, up to and including /v1?"
    return UsageError(f"{url}: has no model {model!r} ({problem}); {hint}")


def no_such_path(url: str, problem: str) -> UsageError:
    """The server has nothing under that address."""
    return UsageError(
        f"{url}: {problem}; give the address up to and including /v1 with --base-url, and a model that this server has"
    )


def names_model(body: bytes, model: str) -> bool:
    """Whether a refusal is about the model's name."""
    text = body.decode("utf-8", "replace")
    try:
        error = json.loads(text).get("error", {})
        if isinstance(error, dict) and (error.get("param") == "model" or error.get("code") == "model_not_found"):
            return True
    except (ValueError, AttributeError, RecursionError):
        pass
    return re.search(rf"(?<!\w){re.escape(model)}(?!\w)", text) is not None
