"""An adapter as another package would write it."""

from lrm_eval.types import Response
from model_adapters import AdapterBase


class Echo(AdapterBase):
    def __init__(self, word):
        self.word = word

    @classmethod
    def load(cls, spec, options):
        return cls(spec.argument)

    def generate(self, requests):
        for request in requests:
            yield Response(request.key, text=self.word)

    def fingerprint(self):
        return {"adapter": "echo", "word": self.word}
