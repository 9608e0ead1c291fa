"""Images as they are sent: data URLs, made once per image and used for all questions on it.

A server decodes what it gets by its own rules: some turn an image by its EXIF orientation, some blend transparency
with white. So that every server sees the pixels that a model in this process would see, an image goes out as it is
stored only where nothing of that can happen: a JPEG, PNG or WebP in RGB or grey that is not turned. Anything else goes
out as a PNG of its RGB pixels.
"""

from __future__ import annotations

import base64
import io
import warnings
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_adapters.images import ImageError, decode_image

if TYPE_CHECKING:
    from PIL.Image import Image

    from lrm_eval.types import ImageRef

_ORIENTATION = 0x0112
_PLAIN = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
# Encoded images kept: those of the questions under way and a few more. Questions on one image stand together.
_KEPT_BYTES = 64 * 2**20
_NAMED = 50
# A larger one is sent smaller: no server known to us takes more in one request.
MOST_BYTES = 20 * 2**20
# What is tried where a server finds an image too large, in pixels of the longest side.
SIDES = (2048, 1536, 1024, 768, 512)


@dataclass(frozen=True, slots=True)
class Picture:
    """An image ready to be sent.

    Attributes:
        url: the data URL.
        size: width and height as sent, in pixels.
        stored: width and height as stored.
    """

    url: bytes
    size: tuple[int, int]
    stored: tuple[int, int]

    @property
    def smaller(self) -> bool:
        """Whether it was made smaller."""
        return self.size != self.stored


class Pictures:
    """Makes and keeps data URLs.

    Args:
        side: longest side in pixels; None sends images as they are.

    Attributes:
        smaller: images sent smaller than stored: address -> (stored, sent).
        made: images encoded.
    """

    def __init__(self, side: int | None = None) -> None:
        self._side = side
        self._kept: OrderedDict[tuple[str, int | None], Picture] = OrderedDict()
        self._bytes = 0
        self.smaller: dict[str, tuple[tuple[int, int], tuple[int, int]]] = {}
        self.made = 0

    def get(self, image: ImageRef, side: int | None = None) -> Picture:
        """An image as it is sent.

        Args:
            image: which.
            side: a longest side for this time, where the server found it too large before.

        Raises:
            ImageError: it cannot be read or decoded.
        """
        limit = min((one for one in (self._side, side) if one is not None), default=None)
        key = (image.sha256 or image.uri, limit)
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
            return found
        found = encode(image, limit)
        self.made += 1
        if found.smaller:
            self.smaller[image.uri] = (found.stored, found.size)
        self._kept[key] = found
        self._bytes += len(found.url)
        while self._bytes > _KEPT_BYTES and len(self._kept) > 1:
            self._bytes -= len(self._kept.popitem(last=False)[1].url)
        return found

    def record(self) -> dict[str, object]:
        """For run.json: how many were sent smaller, and both sizes of the first of them."""
        named = list(self.smaller.items())[:_NAMED]
        return {
            "images_sent_smaller": {uri: {"stored": stored, "sent": sent} for uri, (stored, sent) in named},
            "images_sent_smaller_count": len(self.smaller),
        }


def encode(image: ImageRef, side: int | None = None) -> Picture:
    """An image as a data URL of at most `MOST_BYTES` characters.

    Args:
        image: which.
        side: longest side in pixels; None keeps the size.

    Raises:
        ImageError: it cannot be read or decoded.
    """
    plain = _as_stored(image, side)
    if plain is not None:
        return plain
    pixels = decode_image(image)
    stored = pixels.size
    for limit in (side, *(one for one in SIDES if side is None or one < side)):
        small = _shrunk(pixels, limit)
        out = io.BytesIO()
        small.save(out, "PNG")
        url = _data_url("image/png", out.getvalue())
        if len(url) <= MOST_BYTES:
            return Picture(url, small.size, stored)
    raise ImageError(f"image {image.uri}: too large to be sent, even at {SIDES[-1]} pixels")


def next_side(picture: Picture) -> int | None:
    """The next smaller longest side to try with a server that found an image too large; None if there is none."""
    longest = max(picture.size)
    return next((side for side in SIDES if side < longest), None)


def _as_stored(image: ImageRef, side: int | None) -> Picture | None:
    from PIL import Image, UnidentifiedImageError

    try:
        data = image.read()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data)) as opened:
                plain = (
                    opened.format in _PLAIN
                    and opened.mode in ("RGB", "L")
                    and "transparency" not in opened.info
                    and getattr(opened, "n_frames", 1) == 1
                    and opened.getexif().get(_ORIENTATION, 1) == 1
                    and (side is None or max(opened.size) <= side)
                )
                size, kind = opened.size, _PLAIN.get(opened.format or "", "")
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError):
        # `decode_image` says what is wrong with it.
        return None
    if not plain:
        return None
    url = _data_url(kind, data)
    return Picture(url, size, size) if len(url) <= MOST_BYTES else None


def _shrunk(pixels: Image, side: int | None) -> Image:
    if side is None or max(pixels.size) <= side:
        return pixels
    from PIL import Image

    scale = side / max(pixels.size)
    size = (max(1, round(pixels.width * scale)), max(1, round(pixels.height * scale)))
    return pixels.resize(size, Image.Resampling.LANCZOS)


def _data_url(kind: str, data: bytes) -> bytes:
    return b"data:" + kind.encode() + b";base64," + base64.b64encode(data)
