"""An adapter whose process dies where a test wants it to; answers follow from the key and the bytes of the image.

--model hardy                       answers
--model hardy:delay=0.02            seconds before each answer
--model hardy:poison=003+switch=F   the process is killed at a question on image 003.png, while file F exists
--model hardy:fire=1                raises at the first question
--model hardy:refuse=1              cannot be loaded
--model hardy:dies=1                the process is killed while it loads
--model hardy:other=1               another model in each process

The prompt of a response is the process that gave it.
"""

import hashlib
import os
import signal
import time
from pathlib import Path

from lrm_eval.errors import UsageError
from lrm_eval.types import Capabilities, ImagePart, Response
from model_adapters import AdapterBase


class Hardy(AdapterBase):
    capabilities = Capabilities(choices=False, text_only=True)
    batch_size = 2

    def __init__(self, options):
        self.options = options
        self.own = os.getpid() if "other" in options else 0

    @classmethod
    def load(cls, spec, options):
        found = dict(pair.split("=") for pair in spec.argument.split("+") if pair)
        if "refuse" in found:
            raise UsageError(f"checkpoint of {spec.name}: has no weights")
        if "dies" in found:
            os.kill(os.getpid(), signal.SIGKILL)
        return cls(found)

    def fingerprint(self):
        return {"adapter": "hardy", "weights": self.own}

    def generate(self, requests):
        for request in requests:
            time.sleep(float(self.options.get("delay", 0)))
            if "fire" in self.options:
                raise ValueError("the device\nis on fire")
            image = next(part.image for part in request.parts if isinstance(part, ImagePart))
            poisonous = Path(image.uri).stem == self.options.get("poison")
            if poisonous and Path(self.options["switch"]).exists():
                os.kill(os.getpid(), signal.SIGKILL)
            digest = hashlib.sha256(request.key.encode() + image.read()).digest()[0]
            yield Response(request.key, text=("yes", "no")[digest % 2], prompt=str(os.getpid()), prompt_tokens=7)
