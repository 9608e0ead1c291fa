"""An adapter as another package would write it: answers follow from the key, everything else from its argument.

--model scripted:delay=0.02        seconds before each answer
--model scripted:break=10          raises after ten answers
--model scripted:fail=1            each answer is an error, while the file named by SCRIPTED_FAIL exists
--model scripted:weights=b         other weights
--model scripted:images=1          answers with the number of images it is shown
--model scripted:limit=1           takes one image with a question
--model scripted:blindless=1       cannot be asked without an image
"""

import hashlib
import os
import pathlib
import time

from lrm_eval.types import Capabilities, ImagePart, Response
from model_adapters import AdapterBase


class Scripted(AdapterBase):
    capabilities = Capabilities(choices=False, text_only=True)

    def __init__(self, name, options, seed):
        self.name = name
        self.options = options
        self.seed = seed
        most = options.get("limit")
        self.capabilities = Capabilities(
            choices=False, text_only="blindless" not in options, images=None if most is None else int(most)
        )

    @classmethod
    def load(cls, spec, options):
        pairs = (pair.split("=") for pair in spec.argument.split("+") if pair)
        return cls(spec.name, dict(pairs), options.seed)

    def fingerprint(self):
        return {"adapter": "scripted", "weights": {"sha256": self.options.get("weights", "a")}}

    def generate(self, requests):
        for number, request in enumerate(requests):
            if number == int(self.options.get("break", -1)):
                raise ValueError("the device\nis on fire")
            if number == int(self.options.get("stop", -1)):
                raise KeyboardInterrupt
            if number == int(self.options.get("skip", -1)):
                continue
            time.sleep(float(self.options.get("delay", 0)))
            if "stranger" in self.options:
                yield Response("nobody asked")
            digest = hashlib.sha256(request.key.encode()).digest()[0]
            if digest % 4 == 0 and pathlib.Path(os.environ.get("SCRIPTED_FAIL", "/nonexistent")).exists():
                yield Response(request.key, finish_reason="error", error="the server\nsaid no")
            elif "images" in self.options:
                yield Response(request.key, text=str(sum(isinstance(part, ImagePart) for part in request.parts)))
            else:
                words = request.sample.labels or ("yes", "no")
                yield Response(request.key, text=words[digest % len(words)], prompt_tokens=7, completion_tokens=1)
