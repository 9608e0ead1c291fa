"""A request as the JSON that an OpenAI-compatible server takes."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lrm_eval.errors import UsageError
from lrm_eval.types import ImagePart
from model_adapters.decoding import request_seed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lrm_eval.types import ImageRef, Part, Request
    from model_adapters.decoding import Decoding
    from model_adapters.servers.pictures import Picture

# The API's names of decoding settings, and those that vLLM and SGLang add under transformers' names.
_STANDARD = ("temperature", "top_p")
_ADDED = ("top_k", "min_p", "repetition_penalty")
_UNKNOWN = ("num_beams", "length_penalty", "no_repeat_ngram_size")


@dataclass(frozen=True, slots=True)
class Dialect:
    """What of the API a server understands; learned from its refusals.

    Attributes:
        budget: name of the token budget; OpenAI's reasoning models take only "max_completion_tokens".
        fixed: parameters that the server takes no other value of than its own ("temperature"), so they are left out.
    """

    budget: str = "max_tokens"
    fixed: frozenset[str] = frozenset()

    def without(self, complaint: str) -> Dialect | None:
        """The dialect that a complaint asks for; None if it asks for none that is not spoken already."""
        text = complaint.lower()
        if self.budget == "max_tokens" and "max_completion_tokens" in text:
            return replace(self, budget="max_completion_tokens")
        for name in ("temperature", "top_p", "seed"):
            refused = any(word in text for word in ("unsupported", "not support", "does not", "only", "unexpected"))
            if name in text and refused and name not in self.fixed:
                return replace(self, fixed=self.fixed | {name})
        return None


def check_decoding(decoding: Decoding, extended: bool, model: str) -> None:
    """Whether a server can follow decoding settings.

    Args:
        decoding: what was asked.
        extended: whether the server knows what vLLM adds to the API.
        model: for the message.

    Raises:
        UsageError: names the first setting that it cannot.
    """
    plain = type(decoding)()
    for name in (*_UNKNOWN, *(() if extended else _ADDED)):
        if getattr(decoding, name) != getattr(plain, name):
            raise UsageError(f"model {model}: generation setting {name} cannot be had from this server")


def decoding_fields(decoding: Decoding, seed: int, key: str, dialect: Dialect) -> dict[str, Any]:
    """The JSON fields of decoding settings: greedy unless asked otherwise."""
    fields: dict[str, Any] = {"temperature": decoding.temperature if decoding.do_sample else 0}
    if decoding.do_sample:
        if decoding.top_p != 1:
            fields["top_p"] = decoding.top_p
        # 31 bits: servers hand the seed to C and CUDA.
        fields["seed"] = request_seed(seed, key) & 0x7FFFFFFF
        fields |= {name: getattr(decoding, name) for name in ("top_k", "min_p") if getattr(decoding, name)}
    if decoding.repetition_penalty != 1:
        fields["repetition_penalty"] = decoding.repetition_penalty
    return {name: value for name, value in fields.items() if name not in dialect.fixed}


def head(model: str, budget: int, fields: dict[str, Any], dialect: Dialect) -> bytes:
    """The JSON object up to its messages: `{…,"messages":`."""
    opening = {"model": model, dialect.budget: budget, **fields}
    return json.dumps(opening, ensure_ascii=False)[:-1].encode("utf-8", "replace") + b',"messages":'


def messages(request: Request, picture: Callable[[ImageRef], Picture]) -> list[bytes]:
    """The JSON list of messages, in pieces, so that a data URL is not copied before it is sent.

    Args:
        request: what is asked.
        picture: gives an image as it is sent.

    Raises:
        ImageError: an image cannot be sent.
    """
    pieces: list[bytes] = [b"["]
    if request.system:
        pieces.append(b'{"role":"system","content":' + _text(request.system) + b"},")
    for shot in request.shots:
        pieces += _turn(shot.parts, picture)
        pieces.append(b',{"role":"assistant","content":' + _text(shot.answer) + b"},")
    pieces += _turn(request.parts, picture)
    pieces.append(b"]")
    return pieces


def shown(request: Request, pictures: Iterable[Picture]) -> str:
    """The prompt for the record: the texts, and for each image its size; the template around it is the server's own."""
    sizes = iter(pictures)
    lines = [f"[system] {request.system}"] if request.system else []
    for shot in request.shots:
        lines += [_line(part, sizes) for part in shot.parts]
        lines.append(f"[assistant] {shot.answer}")
    return "\n".join([*lines, *(_line(part, sizes) for part in request.parts)])


def images(request: Request) -> list[ImageRef]:
    """The images of a request, those of its shots first, in the order in which they are sent."""
    parts = [part for shot in request.shots for part in shot.parts] + list(request.parts)
    return [part.image for part in parts if isinstance(part, ImagePart)]


def _turn(parts: Iterable[Part], picture: Callable[[ImageRef], Picture]) -> list[bytes]:
    pieces: list[bytes] = [b'{"role":"user","content":[']
    for place, part in enumerate(parts):
        if place:
            pieces.append(b",")
        if isinstance(part, ImagePart):
            # Base64 and the type hold nothing that JSON would escape.
            pieces += [b'{"type":"image_url","image_url":{"url":"', picture(part.image).url, b'"}}']
        else:
            pieces.append(b'{"type":"text","text":' + _text(part.text) + b"}")
    pieces.append(b"]}")
    return pieces


def _text(text: str) -> bytes:
    # A lone surrogate of a broken data file cannot be sent as UTF-8.
    return json.dumps(text, ensure_ascii=False).encode("utf-8", "replace")


def _line(part: Part, sizes: Iterable[Picture]) -> str:
    if not isinstance(part, ImagePart):
        return part.text
    picture = next(iter(sizes))
    size = "x".join(map(str, picture.size))
    return f"<image {size} of {'x'.join(map(str, picture.stored))}>" if picture.smaller else f"<image {size}>"
