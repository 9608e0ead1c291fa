"""Models that answer with what they see, and fail where their arguments say so."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from lmms_eval.api.instance import GenerationResult, TokenCounts


class Scripted:
    """Answers `<last line of the prompt>|<width>x<height>|<turns>`.

    Args:
        faults: what goes wrong, by a word that the prompt holds, e.g. `die:third+hang:fourth`.
        once: a file; faults happen only while it is not there, and it is made at the first.
    """

    is_simple = False

    def __init__(self, faults: str = "", once: str = "", pretrained: str = "", batch_size: int = 1) -> None:
        self.task_dict: dict[str, Any] = {}
        self.batch_size = int(batch_size)
        self.once = once
        self.faults = dict(reversed(fault.split(":")) for fault in faults.split("+") if fault)
        if "start" in self.faults:
            self.fail(self.faults["start"])

    @classmethod
    def create_from_arg_string(cls, text: str, beside: dict[str, Any]) -> Scripted:
        return cls(**dict(pair.split("=", 1) for pair in text.split(",") if pair), **beside)

    def generate_until(self, requests: list[Any]) -> list[Any]:
        return [self.answer(request) for request in requests]

    def messages(self, request: Any) -> list[dict[str, Any]]:
        _, doc_to_messages, _, doc_id, task, split = request.args
        return doc_to_messages(self.task_dict[task][split][doc_id])

    def answer(self, request: Any) -> Any:
        messages = self.messages(request)
        content = messages[-1]["content"]
        images = [part["url"] for part in content if part["type"] == "image"]
        text = [part["text"] for part in content if part["type"] == "text"][-1]
        for word, fault in self.faults.items():
            if word in text and not (self.once and Path(self.once).exists()):
                if self.once:
                    Path(self.once).touch()
                return self.fail(fault)
        shown = ",".join(f"{image.width}x{image.height}" for image in images)
        said = "/".join(f"{message['role']}" for message in messages)
        sys.stdout.write("scripted: a progress bar on standard output\r")
        return GenerationResult(f"{text.splitlines()[-1]}|{shown}|{said}", TokenCounts(11, 3))

    def fail(self, fault: str) -> Any:
        if fault == "die":
            sys.stderr.write("scripted: about to die\n")
            sys.stderr.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        if fault == "exit":
            sys.stderr.write("RuntimeError: scripted end\n")
            sys.stderr.flush()
            os._exit(7)
        if fault == "hang":
            time.sleep(600)
        if fault == "raise":
            raise ValueError("scripted failure")
        if fault == "number":
            return 42
        if fault == "garbage":
            # Past every redirection: straight into the pipe of the answers.
            for number in range(3, 10):
                try:
                    os.write(number, b"\x1e{not json\n\xff\xfe noise without an end")
                except OSError:
                    continue
            return "after the noise"
        return ""


class ScriptedSimple(Scripted):
    is_simple = True

    def messages(self, request: Any) -> list[dict[str, Any]]:
        context, _, doc_to_visual, doc_id, task, split = request.args
        pictures = doc_to_visual(self.task_dict[task][split][doc_id])
        content = [{"type": "image", "url": picture} for picture in pictures]
        return [{"role": "user", "content": [*content, {"type": "text", "text": context}]}]


class Short(Scripted):
    """Gives one answer less than it was asked."""

    def generate_until(self, requests: list[Any]) -> list[Any]:
        return super().generate_until(requests)[1:]


_MODELS = {"scripted": Scripted, "scripted_simple": ScriptedSimple, "short": Short}


def list_available_models(include_aliases: bool = False) -> list[str]:
    return sorted(_MODELS)


def get_model(name: str, force_simple: bool = False) -> type:
    return ScriptedSimple if force_simple else _MODELS[name]
