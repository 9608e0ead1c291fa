"""The JSON that a server answers -> text, finish reason, tokens. Pure functions."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lrm_eval.types import FinishReason

# Servers have words of their own: vLLM and OpenAI's, TGI's ("eos_token"), Mistral's, Anthropic's behind gateways.
_STOPPED = frozenset({"stop", "eos", "eos_token", "stop_sequence", "end_turn", "tool_calls", "function_call", "abort"})
_CUT = frozenset({"length", "max_tokens", "model_length", "max_length"})
_FILTERED = frozenset({"content_filter", "safety", "refusal", "recitation", "prohibited_content"})


class AnswerError(Exception):
    """What came is no answer; the message is one line."""


class ReportedError(Exception):
    """A gateway reports an error inside a good status (OpenRouter and others do).

    Attributes:
        status: the status that it reports, or 500.
        text: what it says.
    """

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


@dataclass(frozen=True, slots=True)
class Answer:
    """A good answer.

    Attributes:
        text: as it came.
        finish: "stop", "length" or "content_filter".
        prompt_tokens: tokens read, as the server counts them; None if it does not.
        completion_tokens: tokens written.
        model: what the server calls the model; "" if it does not say.
    """

    text: str
    finish: FinishReason
    prompt_tokens: int | None
    completion_tokens: int | None
    model: str


def read_answer(body: bytes, budget: int) -> Answer:
    """A chat completion.

    Args:
        body: what came.
        budget: the token budget of the request, to tell a cut answer where the server does not.

    Raises:
        AnswerError: no JSON, no object, no choice, a message of another shape.
        ReportedError: it is an error that the server reports under status 200.
    """
    value = read_object(body)
    error = value.get("error")
    if error:
        raise _reported(error)
    choices = value.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise AnswerError("the answer holds no choice")
    # One choice is asked for; a server that gives more numbers them.
    choice = min((one for one in choices if isinstance(one, dict)), key=_index)
    if choice.get("error"):
        raise _reported(choice["error"])
    message = choice.get("message")
    if not isinstance(message, dict):
        raise AnswerError("the answer's choice holds no message")
    usage = value.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    written = _count(usage.get("completion_tokens"))
    text = _content(message.get("content"))
    refusal = message.get("refusal")
    finish = _finish(choice.get("finish_reason"), written, budget)
    if isinstance(refusal, str) and refusal and not text:
        text, finish = refusal, "content_filter"
    if text is None:
        if "content" not in message and not message.get("tool_calls") and "reasoning_content" not in message:
            raise AnswerError("the answer's message holds no content")
        text = ""
    model = value.get("model")
    return Answer(text, finish, _count(usage.get("prompt_tokens")), written, model if isinstance(model, str) else "")


def read_object(body: bytes) -> dict[str, Any]:
    """A JSON object.

    Raises:
        AnswerError: anything else; a web page is called one.
    """
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        begin = body[:200].lstrip().lower()
        if begin.startswith((b"<!doctype", b"<html", b"<head", b"<body", b"<?xml")):
            raise AnswerError("the answer is a web page, not JSON") from None
        what = "is empty" if not body.strip() else "is no JSON"
        raise AnswerError(f"the answer {what}") from None
    if not isinstance(value, dict):
        raise AnswerError("the answer is JSON of another kind than an object")
    return value


def model_names(body: bytes) -> tuple[list[str], list[str]]:
    """(names, owners) of `GET /models`; what has another shape is left out.

    Raises:
        AnswerError: no JSON object.
    """
    data = read_object(body).get("data")
    rows = [row for row in data if isinstance(row, dict)] if isinstance(data, list) else []
    names = [row["id"] for row in rows if isinstance(row.get("id"), str)]
    return names, [str(row.get("owned_by") or "") for row in rows if isinstance(row.get("id"), str)]


def _reported(error: Any) -> ReportedError:
    inner = error if isinstance(error, dict) else {"message": error}
    code = inner.get("code") or inner.get("status")
    status = int(code) if isinstance(code, int | str) and re.fullmatch(r"[0-9]{3}", str(code)) else 500
    return ReportedError(status if 400 <= status < 600 else 500, json.dumps({"error": inner}, default=str))


def _index(choice: dict[str, Any]) -> int:
    index = choice.get("index", 0)
    return index if isinstance(index, int) else 0


def _content(content: Any) -> str | None:
    if isinstance(content, list):
        parts = [part for part in content if isinstance(part, dict) and part.get("type", "text") == "text"]
        return "".join(str(part.get("text") or "") for part in parts)
    return content if isinstance(content, str) else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _finish(reason: Any, written: int | None, budget: int) -> FinishReason:
    word = reason.lower() if isinstance(reason, str) else ""
    if word in _CUT:
        return "length"
    if word in _FILTERED:
        return "content_filter"
    if word in _STOPPED:
        return "stop"
    # The server does not say (null), or in a word of its own: an answer that used its whole budget was cut.
    return "length" if written is not None and written >= budget else "stop"
