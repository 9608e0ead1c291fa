"""lmms-eval's instances -> our requests. Knows lmms-eval's shapes, imports nothing of it.

An instance of a chat model is (context, doc_to_messages, settings, doc id, task, split), of a simple one (context,
settings, doc_to_visual, doc id, task, split), of a log-likelihood (context, continuation, doc_to_visual, doc id, task,
split); lmms_eval/api/task.py, construct_requests, 0.7.3.
"""

from __future__ import annotations

import functools
import hashlib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lrm_eval.errors import UsageError
from lrm_eval.interop.lmms_task import SAMPLE, image_refs, sample_of
from lrm_eval.types import ImagePart, ImageRef, Request, Sample, Shot, TextPart

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lrm_eval.types import Part

# Theirs, where a task gives none (lmms_eval/models/chat/llava_hf.py).
_TOKENS = 1024
# What a task says beside how to decode: an adapter has its own image processing.
_NOT_DECODING = {"max_new_tokens", "until", "image_aspect_ratio", "image_sizes", "max_gen_toks", "use_cache"}
_OURS = {"do_sample", "temperature", "top_p", "top_k", "min_p", "num_beams", "length_penalty", "repetition_penalty"}


@dataclass(frozen=True, slots=True)
class Asked:
    """One instance.

    Attributes:
        request: as our adapters take it; its key is the instance's place.
        decoding: settings for `--gen-kwargs`, without the token budget.
        until: texts at which the answer ends.
    """

    request: Request
    decoding: tuple[tuple[str, Any], ...]
    until: tuple[str, ...]


def decoding_of(settings: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    """The decoding settings of a task in our names: empty for greedy, however it is spelt there.

    Raises:
        UsageError: a setting that our adapters do not know.
    """
    strange = sorted(set(settings) - _NOT_DECODING - _OURS)
    if strange:
        raise UsageError(f"generation setting {strange[0]}={settings[strange[0]]!r} of the task: not one of ours")
    found = {name: settings[name] for name in _OURS if settings.get(name) is not None}
    if not found.get("do_sample", False) and not found.get("temperature", 0):
        found = {name: value for name, value in found.items() if name not in ("temperature", "top_p", "top_k", "min_p")}
        found.pop("do_sample", None)
    elif found.get("temperature", 1) == 0:
        # Several models of lmms-eval take temperature 0 as greedy even where do_sample says otherwise.
        return decoding_of({**settings, "do_sample": False})
    if found.get("num_beams") == 1:
        found.pop("num_beams")
    return tuple(sorted(found.items()))


def asked(instance: Any, place: int, doc: Mapping[str, Any]) -> Asked:
    """The request of one `generate_until` instance.

    Args:
        instance: lmms-eval's.
        place: among all that are asked at once.
        doc: the row it is about.

    Raises:
        UsageError: something that our requests cannot hold (a video, an image in an earlier answer).
    """
    context, second, third, doc_id, task, _ = instance.args
    simple = not callable(second)
    settings = dict(second if simple else third)
    budget = int(settings.get("max_new_tokens") or _TOKENS)
    until = settings.get("until") or ()
    until = (until,) if isinstance(until, str) else tuple(text for text in until if text)
    decoding = decoding_of(settings)
    if SAMPLE in doc and getattr(_visual_function(instance), "lrm_folder", None) is not None:
        request = _ours(doc, _visual_function(instance).lrm_folder, str(place), str(context), budget)
        return Asked(request, decoding, until)
    name = f"{task}/{doc_id}"
    if simple:
        pictures = third(doc) or []
        parts: tuple[Part, ...] = (*_images(pictures, lambda: third(doc) or [], name), TextPart(str(context)))
        return Asked(_plain(str(place), name, str(task), parts, budget), decoding, until)
    return Asked(_chat(str(place), name, str(task), second, doc, budget), decoding, until)


def scored(instance: Any, place: int, doc: Mapping[str, Any]) -> Request:
    """The request of one `loglikelihood` instance: the continuation as the only choice."""
    context, continuation, doc_to_visual, doc_id, task, _ = instance.args
    text = continuation(doc) if callable(continuation) else continuation
    name = f"{task}/{doc_id}"
    images = _images(doc_to_visual(doc) or [], lambda: doc_to_visual(doc) or [], name)
    parts: tuple[Part, ...] = (*images, TextPart(str(context)))
    request = _plain(str(place), name, str(task), parts, 0)
    # The template puts its own separator before an answer.
    return Request(request.key, request.parts, request.sample, 32, choices=(str(text).strip(),))


def cut(text: str, until: Sequence[str]) -> str:
    """The answer up to the first of the texts that end it."""
    ends = [place for place in (text.find(stop) for stop in until) if place >= 0]
    return text[: min(ends)] if ends else text


def _visual_function(instance: Any) -> Any:
    """The task's own function: an instance holds a method of the task, which calls it."""
    second, third = instance.args[1:3]
    method = second if callable(second) else third
    config = getattr(getattr(method, "__self__", None), "config", None)
    return getattr(config, "doc_to_visual", None)


def _ours(doc: Mapping[str, Any], folder: Any, key: str, context: str, budget: int) -> Request:
    """A row that we exported: the very request that `lrm-eval run` makes, with the token budget of the task there."""
    references = image_refs(doc, folder)
    return Request(
        key=key,
        parts=(*(ImagePart(reference) for reference in references), TextPart(context)),
        sample=sample_of(doc, references),
        max_new_tokens=budget,
        budget_language=str(doc["budget_language"]) if budget == doc["max_new_tokens"] else "",
    )


def _plain(key: str, name: str, task: str, parts: tuple[Part, ...], budget: int) -> Request:
    """A request of a task that we know nothing of: no gold answer, no options, its language unknown."""
    text = "\n".join(part.text for part in parts if isinstance(part, TextPart))
    images = tuple(part.image for part in parts if isinstance(part, ImagePart))
    sample = Sample(id=name, task=task, language="en", kind="text", question=text, gold="", images=images)
    return Request(key, parts, sample, budget)


def _chat(
    key: str, name: str, task: str, doc_to_messages: Callable[[Any], Any], doc: Mapping[str, Any], budget: int
) -> Request:
    messages = doc_to_messages(doc)
    system = ""
    turns: list[tuple[str, tuple[Part, ...]]] = []
    for number, message in enumerate(messages):
        parts = _parts(message["content"], functools.partial(_again, doc_to_messages, doc, number), f"{name}/{number}")
        if message["role"] == "system":
            system = "\n".join(part.text for part in parts if isinstance(part, TextPart))
        else:
            turns.append((message["role"], parts))
    roles = [role for role, _ in turns]
    if not turns or roles != ["user", "assistant"] * (len(turns) // 2) + ["user"]:
        raise UsageError(f"{name}: turns of {', '.join(roles) or 'nobody'}; expected user and assistant by turns")
    shots = []
    for (_, question), (_, answer) in zip(turns[:-1:2], turns[1:-1:2], strict=True):
        if any(not isinstance(part, TextPart) for part in answer):
            raise UsageError(f"{name}: an earlier answer holds an image")
        shots.append(Shot(question, "\n".join(part.text for part in answer if isinstance(part, TextPart))))
    request = _plain(key, name, task, turns[-1][1], budget)
    return Request(key, request.parts, request.sample, budget, system=system, shots=tuple(shots))


def _again(doc_to_messages: Callable[[Any], Any], doc: Mapping[str, Any], number: int) -> list[Any]:
    content = doc_to_messages(doc)[number]["content"]
    return [part["url"] for part in content if part["type"] == "image"]


def _parts(content: Any, again: Callable[[], list[Any]], name: str) -> tuple[Part, ...]:
    if isinstance(content, str):
        return (TextPart(content),)
    images = iter(_images([part["url"] for part in content if part["type"] == "image"], again, name))
    found: list[Part] = []
    for part in content:
        if part["type"] == "image":
            found.append(next(images))
        elif part["type"] == "text":
            found.append(TextPart(str(part["text"])))
        else:
            raise UsageError(f"{name}: holds {part['type']}; our models take images and text")
    return tuple(found)


def _images(pictures: Sequence[Any], again: Callable[[], list[Any]], name: str) -> list[ImagePart]:
    """References by content. The pictures themselves are let go: a task may have more than fit in memory."""
    found = []
    for place, picture in enumerate(pictures):
        content = _encoded(picture, name)

        def read(place: int = place) -> bytes:
            return _encoded(again()[place], name)

        found.append(ImagePart(ImageRef(f"{name}#{place}", hashlib.sha256(content).hexdigest(), read)))
    return found


def _encoded(picture: Any, name: str) -> bytes:
    """A picture as PNG: loses nothing, so that a model sees the very pixels that the task gives."""
    from PIL import Image

    if isinstance(picture, str):
        with Image.open(picture) as opened:
            picture = opened.convert("RGB")
    if not isinstance(picture, Image.Image):
        raise UsageError(f"{name}: a visual of type {type(picture).__name__}; our models take images")
    out = io.BytesIO()
    picture.convert("RGB").save(out, "PNG", compress_level=1)
    return out.getvalue()
