"""Which questions are shown with their answers before the one that is asked.

The benchmarks have no training part: examples come from the same task, never on an image of the question or of another
example, and none is scored as an answer by being shown. They are drawn by the run's seed and the ids alone, so that a
question has the same examples in every language, however many questions are asked. Answers are balanced: each example
is the first, in the drawn order, whose answer was shown least often yet.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING

from lrm_eval.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrm_eval.types import Sample


class Shots:
    """Examples out of the questions of one task in one language.

    Args:
        pool: all of them.
        count: examples with each question.
        seed: of the run.
    """

    def __init__(self, pool: Sequence[Sample], count: int, seed: int) -> None:
        self._count = count
        self._order = sorted(pool, key=lambda sample: hashlib.sha256(f"{seed}\0{sample.id}".encode()).digest())
        self._golds = sorted({sample.gold for sample in pool}) if pool and pool[0].kind != "text" else []

    def of(self, sample: Sample) -> list[Sample]:
        """The examples of one question.

        Raises:
            UsageError: there are not enough other images.
        """
        chosen: list[Sample] = []
        images = {_image(sample)}
        groups = {sample.group} if sample.group else set()
        said: Counter[str] = Counter(dict.fromkeys(self._golds, 0))
        while len(chosen) < self._count:
            least = min(said.values(), default=0)
            found: Sample | None = None
            for one in self._order:
                if _image(one) in images or one.group in groups:
                    continue
                found = found or one
                if not self._golds or said[one.gold] == least:
                    found = one
                    break
            if found is None:
                raise UsageError(
                    f"--few-shot {self._count}: {sample.task} in {sample.language} has only {len(chosen)} questions on "
                    f"other images than {sample.id}'s"
                )
            chosen.append(found)
            images.add(_image(found))
            said[found.gold] += 1
        return chosen


def _image(sample: Sample) -> str:
    return sample.cluster or "+".join(image.sha256 or image.uri for image in sample.images) or sample.id
