"""Images x languages x questions, with the real wording of the bundled POPE in twelve languages."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lrm_eval.types import ImagePart, ImageRef

if TYPE_CHECKING:
    from lrm_eval.types import Request

LANGUAGES = ("en", "zh", "ru", "fr", "de", "es", "it", "cs", "ro", "hr", "sw", "am")
# The size of most images of COCO.
_WIDTH, _HEIGHT = 640, 480


@dataclass(frozen=True, slots=True)
class Shape:
    """A workload: `images` x `languages` x `questions` prompts, each with an answer of `tokens`."""

    images: int
    languages: int
    questions: int
    tokens: int

    @property
    def prompts(self) -> int:
        """How many there are."""
        return self.images * self.languages * self.questions


class Questions:
    """Requests of any shape; no image is asked the same twice.

    Beyond twelve languages, other questions in the same twelve stand in for further ones.
    """

    def __init__(self) -> None:
        from lrm_eval.data import load_samples
        from lrm_eval.languages import get
        from lrm_eval.prompts import build_request
        from lrm_eval.tasks import load_task

        task = load_task("tiny-pope")
        self._requests: dict[str, list[Request]] = {}
        for tag in LANGUAGES:
            seen: dict[str, Request] = {}
            for sample in load_samples(task, get(tag)):
                seen.setdefault(sample.question, build_request(task, sample))
            self._requests[tag] = list(seen.values())
        self._pictures: list[ImageRef] = []

    def make(self, shape: Shape) -> list[Request]:
        """Requests grouped by image, language after language."""
        made: list[Request] = []
        for image in range(shape.images):
            for number in range(shape.languages):
                tag = LANGUAGES[number % len(LANGUAGES)]
                known = self._requests[tag]
                first = image * 7 + number // len(LANGUAGES) * shape.questions
                for turn in range(shape.questions):
                    source = known[(first + turn) % len(known)]
                    key = f"{image}/{number}/{turn}@{tag}"
                    parts = (ImagePart(self._picture(image)), source.parts[-1])
                    made.append(replace(source, key=key, parts=parts, max_new_tokens=shape.tokens, budget_language=""))
        return made

    def _picture(self, number: int) -> ImageRef:
        while len(self._pictures) <= number:
            self._pictures.append(_picture(len(self._pictures)))
        return self._pictures[number]


def _picture(seed: int) -> ImageRef:
    """A JPEG of soft noise: as large to decode as a photograph."""
    import numpy as np
    from PIL import Image

    coarse = np.random.default_rng(seed).integers(0, 256, (_HEIGHT // 16, _WIDTH // 16, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(coarse).resize((_WIDTH, _HEIGHT), Image.Resampling.BICUBIC).save(out, "JPEG", quality=90)
    data = out.getvalue()
    return ImageRef(f"{seed}.jpg", hashlib.sha256(data).hexdigest(), lambda: data)
