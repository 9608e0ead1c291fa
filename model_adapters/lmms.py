"""Any model class of lmms-eval, in a process and an environment of its own: `--model lmms:NAME[:ARGUMENTS]`.

    lmms:llava_hf:pretrained=llava-hf/llava-1.5-7b-hf
    lmms:qwen2_5_vl:pretrained=FOLDER,attn_implementation=sdpa

ARGUMENTS are lmms-eval's `--model_args`, and four of ours that are not handed on: `python=` (the interpreter of
lmms-eval's environment), `timeout=` and `startup=` (seconds), `simple=true` (its simple class where it has two).
The interpreter is that of `python=`, of $LRM_EVAL_LMMS_PYTHON, of the environment that `python -m
lrm_eval.interop.environment` builds, or this one, if lmms-eval is installed in it.
"""

from __future__ import annotations

import base64
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lrm_eval.errors import RunError, UsageError, unknown
from lrm_eval.types import Capabilities, ImagePart, Response, TextPart
from model_adapters.base import BatchingAdapter
from model_adapters.checkpoints import content_hash
from model_adapters.decoding import Decoding, parse_decoding
from model_adapters.lmms_name import LmmsModel, find_python, parse_model
from model_adapters.lmms_process import ChildProcess

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

    from lrm_eval.types import ImageRef, Part, Request
    from model_adapters.spec import LoadOptions, ModelSpec

_CHILD = Path(__file__).with_name("lmms_child.py")
# Images that the process keeps.
_IMAGES_KEPT = 16


class LmmsAdapter(BatchingAdapter):
    """Asks a model class of lmms-eval.

    It gives no log-probabilities of choices. An answer of a length that reaches the token budget counts as cut off
    there; where the class counts no tokens, none does.

    Args:
        child: the process, its model loaded.
        model: what was asked for.
        ready: what the process told when it was ready.
        checkpoint: content hash of the weights, where they lie in a local folder.
        decoding: how answers are generated.
        batch_size: questions at once.
    """

    capabilities = Capabilities(choices=False, batch=True, concurrency=False, deterministic=True, text_only=True)
    version = 1

    def __init__(
        self,
        child: ChildProcess,
        model: LmmsModel,
        ready: Mapping[str, Any],
        checkpoint: str | None,
        decoding: Decoding,
        batch_size: int,
    ) -> None:
        super().__init__()
        self._child, self._model, self._ready = child, model, ready
        self._checkpoint, self._decoding = checkpoint, decoding
        self.batch_size = batch_size
        # Nobody knows what a class does with the others of its batch.
        self.batch_invariant = batch_size == 1
        chat = bool(ready["chat"])
        self.capabilities = replace(type(self).capabilities, system=chat, shots=chat)
        self._sent: OrderedDict[str, None] = OrderedDict()

    @classmethod
    def load(cls, spec: ModelSpec, options: LoadOptions) -> Self:
        """Start the process and load the model in it.

        Raises:
            UsageError: lmms-eval or such a model is not there, or its arguments cannot be followed.
            RunError: the process ended or said nothing in time.
        """
        model = parse_model(spec.argument)
        decoding = parse_decoding(options.gen_kwargs)
        if options.dtype not in (None, "auto") and model.value("dtype") is None:
            model = replace(model, arguments=(*model.arguments, f"dtype={options.dtype}"))
        model, weights = _with_weights(model)
        size = 1 if options.batch_size == "auto" else options.batch_size
        if size < 1:
            raise UsageError(f"batch size {size}: must be at least 1")
        child = ChildProcess([find_python(model.python), str(_CHILD)], f"model {spec.name}")
        try:
            child.send(
                {
                    "op": "start",
                    "model": model.name,
                    "args": ",".join(model.arguments),
                    "batch_size": size,
                    "device": options.device,
                    "simple": model.simple,
                }
            )
            ready = child.receive(model.startup, "loaded model")
            if ready["op"] == "unknown":
                raise unknown("model of lmms-eval", model.name, ready["names"], "lmms-eval models")
            if ready["op"] != "ready":
                raise UsageError(f"model {spec.name}: cannot be loaded in lmms-eval: {ready.get('error')}")
        except BaseException:
            child.end(0)
            raise
        checkpoint = content_hash(weights) if weights is not None else None
        return cls(child, model, ready, checkpoint, decoding, size)

    def fingerprint(self) -> Mapping[str, Any]:
        """Class, lmms-eval's version, arguments, content of local weights, decoding settings."""
        return {
            "adapter": "lmms",
            "adapter_version": self.version,
            "class": self._ready["class"],
            "lmms_eval": self._ready["versions"].get("lmms-eval"),
            "arguments": [_without_folder(text) for text in self._model.arguments],
            "checkpoint": self._checkpoint,
            "decoding": self._decoding.model_dump(),
        }

    def settings(self) -> Mapping[str, Any]:
        """Versions in the model's environment."""
        return {"versions": dict(self._ready["versions"]), "chat": self._ready["chat"], "batch_size": self.batch_size}

    def answer_batch(self, batch: Sequence[Request]) -> list[Response]:
        """Answer every request of one batch.

        Raises:
            RunError: the process ended, hung, or answered what was not asked.
        """
        failed: dict[str, Response] = {}
        asked: list[dict[str, Any]] = []
        for request in batch:
            try:
                asked.append(self._message(request))
            except (OSError, ValueError) as error:
                failed[request.key] = _error(request.key, f"image cannot be read: {error}")
        answers = self._ask(asked) if asked else {}
        self._forget()
        return [failed.get(request.key) or self._response(request, answers[request.key]) for request in batch]

    def close(self) -> None:
        """End the process."""
        self._child.end()

    def _ask(self, asked: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
        self._child.send({"op": "ask", "batch": list(asked)})
        message = self._child.receive(self._model.timeout * len(asked), "answers")
        answers = {str(answer.get("id")): answer for answer in message.get("answers", ())}
        if set(answers) != {str(one["id"]) for one in asked}:
            self._child.end(0)
            raise RunError(f"model lmms:{self._model.name}: its process answered something that was not asked")
        return answers

    def _message(self, request: Request) -> dict[str, Any]:
        turns = []
        for shot in request.shots:
            turns.append({"role": "user", "content": self._content(shot.parts)})
            turns.append({"role": "assistant", "content": [{"text": shot.answer}]})
        turns.append({"role": "user", "content": self._content(request.parts)})
        return {"id": request.key, "turns": turns, "system": request.system, "settings": self._settings(request)}

    def _content(self, parts: Sequence[Part]) -> list[dict[str, str]]:
        return [
            {"image": self._send_image(part.image)} if isinstance(part, ImagePart) else {"text": _text(part)}
            for part in parts
        ]

    def _send_image(self, image: ImageRef) -> str:
        key = image.sha256 or image.uri
        # Without a hash of its content another image may come under the same name.
        if key not in self._sent or image.sha256 is None:
            self._child.send({"op": "image", "key": key, "data": base64.b64encode(image.read()).decode("ascii")})
        self._sent[key] = None
        self._sent.move_to_end(key)
        return key

    def _forget(self) -> None:
        old = [self._sent.popitem(last=False)[0] for _ in range(len(self._sent) - _IMAGES_KEPT)]
        if old:
            self._child.send({"op": "forget", "keys": old})

    def _settings(self, request: Request) -> dict[str, Any]:
        decoding = self._decoding
        return {
            "max_new_tokens": self._budget(request),
            "do_sample": decoding.do_sample,
            "temperature": decoding.temperature if decoding.do_sample else 0,
            "top_p": decoding.top_p if decoding.do_sample else None,
            "num_beams": decoding.num_beams,
            "until": [],
        }

    def _budget(self, request: Request) -> int:
        # The budget of the benchmark, in every language: what a language costs its tokenizer is not known here.
        return self._decoding.max_new_tokens or request.max_new_tokens

    def _response(self, request: Request, answer: Mapping[str, Any]) -> Response:
        if answer.get("error") is not None:
            return _error(request.key, str(answer["error"]))
        tokens = answer.get("output_tokens")
        full = tokens is not None and tokens >= self._budget(request)
        return Response(
            request.key,
            text=str(answer["text"]),
            finish_reason="length" if full else "stop",
            prompt_tokens=answer.get("input_tokens"),
            completion_tokens=tokens,
        )


def _with_weights(model: LmmsModel) -> tuple[LmmsModel, Path | None]:
    """The model with the whole path of its weights, and their folder, if they lie in one."""
    typed = model.value("pretrained")
    folder = Path(typed or "").expanduser()
    if typed is None or not folder.is_dir():
        return model, None
    # A class may change to another folder, and knows no ~.
    others = tuple(text for text in model.arguments if not text.startswith("pretrained="))
    return replace(model, arguments=(f"pretrained={folder.resolve()}", *others)), folder.resolve()


def _without_folder(argument: str) -> str:
    """An argument without the folders of this machine, whether or not they are there: a run can be moved."""
    key, _, value = argument.partition("=")
    path = Path(value)
    return f"{key}={path.name}" if path.is_absolute() else argument


def _text(part: Part) -> str:
    assert isinstance(part, TextPart)
    return part.text


def _error(key: str, message: str) -> Response:
    return Response(key, finish_reason="error", error=message)
