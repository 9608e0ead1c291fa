"""A program of its own: one model class of lmms-eval, asked over pipes. Started by `model_adapters.lmms`.

Runs under the interpreter of lmms-eval's environment, which need not have lrm-eval: standard library, lmms_eval and
Pillow only.
Messages are JSON texts, each after a record separator and before a line feed (RFC 7464), so that whatever a library
prints before it can be told from an answer; standard output itself is turned over to standard error first.

    in   {"op": "start", "model": …, "args": …, "batch_size": …, "device": …, "simple": …}
    out  {"op": "ready", "class": …, "chat": …, "versions": {…}} | {"op": "unknown", "names": […]} | {"op": "failed", …}
    in   {"op": "image", "key": …, "data": base64} | {"op": "forget", "keys": […]}
    in   {"op": "ask", "batch": [{"id", "turns", "system", "settings"}, …]}
    out  {"op": "answers", "answers": [{"id", "text", "input_tokens", "output_tokens"} | {"id", "error"}, …]}
"""

from __future__ import annotations

import base64
import contextlib
import copy
import inspect
import io
import json
import os
import sys
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TASK, SPLIT = "lrm_eval", "test"
SEPARATOR = b"\x1e"


def main() -> int:
    """Answer until standard input ends."""
    # The folder of this file holds modules with common names; none of them is meant here.
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120  # as sys.path has it
    sys.path[:] = [path for path in sys.path if os.path.abspath(path or ".") != here]  # noqa: PTH100
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr

    def tell(message: dict[str, Any]) -> None:
        left = memoryview(SEPARATOR + json.dumps(message).encode("ascii") + b"\n")
        while left:
            left = left[out.write(left) :]

    messages = _messages(sys.stdin.buffer)
    try:
        start = next(messages)
        told, model = _load(start)
    except StopIteration:
        return 0
    except BaseException as error:  # a model class is a program of others: anything can come out of it
        tell({"op": "failed", "error": _line(error)})
        return 1
    tell(told)
    if model is None:
        return 1
    pictures: dict[str, Any] = {}
    for message in messages:
        if message["op"] == "image":
            pictures[message["key"]] = message["data"]
        elif message["op"] == "forget":
            for key in message["keys"]:
                pictures.pop(key, None)
        elif message["op"] == "ask":
            tell({"op": "answers", "answers": _answer(model, message["batch"], pictures)})
    return 0


def _messages(stream: BinaryIO) -> Iterator[dict[str, Any]]:
    for line in stream:
        yield json.loads(line.rpartition(SEPARATOR)[2])


def _load(start: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    from importlib.metadata import PackageNotFoundError, version

    from lmms_eval import models  # type: ignore[import-not-found,unused-ignore]

    if start["model"] not in models.list_available_models(include_aliases=True):
        return {"op": "unknown", "names": models.list_available_models(include_aliases=True)}, None
    kind = models.get_model(start["model"], force_simple=start["simple"])
    parameters = inspect.signature(kind.__init__).parameters
    # What is typed for the class itself comes first.
    free = [name for name in ("batch_size", "device") if name in parameters and f",{name}=" not in f",{start['args']}"]
    beside = {name: start[name] for name in free if start[name] is not None}
    if "device" in free and "device" not in beside:
        beside["device"] = _device()
    model = kind.create_from_arg_string(start["args"], beside)
    versions: dict[str, str | None] = {"python": sys.version.split()[0]}
    for package in ("lmms-eval", "torch", "transformers", "accelerate", "pillow"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = None
    told = {
        "op": "ready",
        "class": f"{kind.__module__}.{kind.__qualname__}",
        "chat": not getattr(model, "is_simple", True),
        "versions": versions,
    }
    return told, model


def _device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


class _Docs:
    """What a model looks its rows up in: `model.task_dict[task][split][doc_id]`."""

    def __init__(self) -> None:
        self.rows: dict[int, dict[str, Any]] = {}

    def __getitem__(self, place: int) -> dict[str, Any]:
        return self.rows[place]


def _answer(model: Any, batch: list[dict[str, Any]], pictures: dict[str, Any]) -> list[dict[str, Any]]:
    try:
        return _together(model, batch, pictures)
    except Exception as error:  # as in `main`
        if len(batch) == 1:
            return [{"id": batch[0]["id"], "error": _line(error)}]
    # One question must not cost the others their answers.
    return [answer for one in batch for answer in _answer(model, [one], pictures)]


def _together(model: Any, batch: list[dict[str, Any]], pictures: dict[str, Any]) -> list[dict[str, Any]]:
    from lmms_eval.api.instance import Instance  # type: ignore[import-not-found,unused-ignore]

    docs = _Docs()
    model.task_dict = {TASK: {SPLIT: docs}}
    instances = []
    for place, one in enumerate(batch):
        images = [[_picture(pictures[key]) for key in _keys(turn)] for turn in one["turns"]]
        docs.rows[place] = {"turns": one["turns"], "images": images, "system": one["system"]}
        settings = copy.deepcopy(one["settings"])
        arguments: tuple[Any, ...] = (_text(one["turns"][-1]), settings, _visuals, place, TASK, SPLIT)
        if not getattr(model, "is_simple", True):
            arguments = (_text(one["turns"][-1]), _conversation, settings, place, TASK, SPLIT)
        elif len(one["turns"]) > 1 or one["system"]:
            raise ValueError("a simple model of lmms-eval takes neither examples nor a system text")
        metadata = {"task": TASK, "doc_id": place, "repeats": 1, "split": SPLIT}
        instances.append(Instance(request_type="generate_until", arguments=arguments, idx=0, metadata=metadata))
    with _errors_logged() as logged:
        results = model.generate_until(instances)
    if len(results) != len(batch):
        raise RuntimeError(f"the model gave {len(results)} answers to {len(batch)} questions")
    answers = []
    for one, result in zip(batch, results):  # noqa: B905  # this runs under Python 3.9 too
        text, counts = _unwrap(result)
        if not text and logged:
            # lmms-eval's models log what goes wrong in generation and go on with an empty answer.
            if len(batch) > 1:
                raise RuntimeError(logged[0])
            answers.append({"id": one["id"], "error": logged[0]})
        else:
            answers.append({"id": one["id"], "text": text, **counts})
    return answers


def _keys(turn: dict[str, Any]) -> list[str]:
    return [part["image"] for part in turn["content"] if "image" in part]


def _text(turn: dict[str, Any]) -> str:
    return "\n".join(part["text"] for part in turn["content"] if "text" in part)


def _picture(data: str) -> Any:
    from PIL import Image

    with Image.open(io.BytesIO(base64.b64decode(data))) as image:
        return image.convert("RGB")


def _visuals(doc: dict[str, Any]) -> list[Any]:
    return list(doc["images"][-1])


def _conversation(doc: dict[str, Any]) -> list[dict[str, Any]]:
    messages = []
    if doc["system"]:
        messages.append({"role": "system", "content": [{"type": "text", "text": doc["system"]}]})
    for turn, images in zip(doc["turns"], doc["images"]):  # noqa: B905
        left = iter(images)
        content = [
            {"type": "image", "url": next(left)} if "image" in part else {"type": "text", "text": part["text"]}
            for part in turn["content"]
        ]
        messages.append({"role": turn["role"], "content": content})
    return messages


def _unwrap(result: Any) -> tuple[str, dict[str, int | None]]:
    counts = getattr(result, "token_counts", None)
    text = getattr(result, "text", result)
    if isinstance(result, tuple) and len(result) == 2:
        text = result[0]
    if not isinstance(text, str):
        raise TypeError(f"the model answered with {type(text).__name__}, not with a text")
    return text, {
        "input_tokens": getattr(counts, "input_tokens", None),
        "output_tokens": getattr(counts, "output_tokens", None),
    }


@contextlib.contextmanager
def _errors_logged() -> Iterator[list[str]]:
    try:
        from loguru import logger  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        yield []
        return
    found: list[str] = []
    sink: Callable[[Any], None] = lambda message: found.append(_flat(str(message)))  # noqa: E731
    number = logger.add(sink, level="ERROR", format="{message}")
    try:
        yield found
    finally:
        # A model class may have removed every sink.
        with contextlib.suppress(ValueError):
            logger.remove(number)


def _flat(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 300 else flat[:299] + "…"


def _line(error: BaseException) -> str:
    return _flat(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    sys.exit(main())
