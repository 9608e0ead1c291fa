"""Whether training images or questions are those of a benchmark: perceptual hashes and normalised texts."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lrm_eval.types import Sample

BANDS = 4  # of 16 bits: two hashes that differ in at most BANDS - 1 bits have a band in common
MAX_DISTANCE = BANDS - 1
_KEPT = re.compile(r"[\W_]+")


def image_hash(data: bytes) -> int:
    """64-bit perceptual hash (pHash): survives scaling, compression and small changes of colour.

    Source: the library ImageHash (Buchner), `phash`.

    Raises:
        OSError, ValueError: not an image.
    """
    import imagehash
    from PIL import Image

    with Image.open(BytesIO(data)) as file:
        return int(str(imagehash.phash(file.convert("RGB"))), 16)


def normalised(question: str) -> str:
    """Letters and digits alone, case folded, so that punctuation and spacing do not hide a copy."""
    return _KEPT.sub(" ", unicodedata.normalize("NFKC", question).casefold()).strip()


@dataclass
class Benchmark:
    """Images and questions of one benchmark.

    Attributes:
        name: task.
        questions: image hash -> normalised questions asked about it.
        bands: (band, bits) -> hashes with these bits there.
    """

    name: str
    questions: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    bands: dict[tuple[int, int], set[int]] = field(default_factory=lambda: defaultdict(set))

    def add(self, image: int, question: str) -> None:
        """A sample."""
        self.questions[image].add(normalised(question))
        for band in _bands(image):
            self.bands[band].add(image)

    def near(self, image: int) -> list[int]:
        """Benchmark images within MAX_DISTANCE bits."""
        found = {other for band in _bands(image) for other in self.bands.get(band, ())}
        return sorted(other for other in found if (other ^ image).bit_count() <= MAX_DISTANCE)

    def overlap(self, image: int, questions: Iterable[str]) -> str:
        """What is shared with the benchmark: "image and question", "image" or nothing."""
        near = self.near(image)
        if not near:
            return ""
        asked = {normalised(question) for question in questions}
        return "image and question" if any(asked & self.questions[other] for other in near) else "image"


def index_benchmark(name: str, samples: Iterable[Sample]) -> Benchmark:
    """The index of a benchmark; images that cannot be read are left out."""
    found = Benchmark(name)
    hashes: dict[str, int | None] = {}
    for sample in samples:
        for reference in sample.images:
            key: Any = reference.sha256 or reference.uri
            if key not in hashes:
                try:
                    hashes[key] = image_hash(reference.read())
                except (OSError, ValueError):
                    hashes[key] = None
            value = hashes[key]
            if value is not None:
                found.add(value, sample.question)
    return found


def _bands(image: int) -> list[tuple[int, int]]:
    return [(band, (image >> (16 * band)) & 0xFFFF) for band in range(BANDS)]
