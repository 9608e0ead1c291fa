"""Images as a model gets them: decoded with PIL, RGB."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

    from lrm_eval.types import ImageRef


class ImageError(Exception):
    """One image cannot be used; the message is one line and names it."""


def decode_image(reference: ImageRef) -> Image:
    """Read and decode one image.

    `convert("RGB")` and nothing else, as LLaVA's evaluation does: no rotation by EXIF, transparency dropped.

    Raises:
        ImageError: missing, empty, truncated, too large or not an image.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        data = reference.read()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise ImageError(f"image {reference.uri}: cannot be read: {reason}") from error
    if not data:
        raise ImageError(f"image {reference.uri}: the file is empty")
    try:
        with warnings.catch_warnings():
            # Half-transparent palettes and large scans warn; neither changes what is decoded.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data)) as image:
                return image.convert("RGB")
    except UnidentifiedImageError as error:
        raise ImageError(f"image {reference.uri}: not an image file") from error
    except Exception as error:  # decoders of hostile bytes raise OSError, SyntaxError, struct.error, zlib.error, ...
        raise ImageError(f"image {reference.uri}: cannot be decoded: {' '.join(str(error).split())}") from error


def uniform_image(colour: tuple[int, int, int], side: int) -> Image:
    """A square of one colour, what a blind model is shown.

    Args:
        colour: red, green, blue, 0-255.
        side: in pixels.
    """
    from PIL import Image

    return Image.new("RGB", (side, side), colour)
