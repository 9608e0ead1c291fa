"""Every image of a run is looked at once before its questions are asked.

One that cannot be decoded makes its questions an error outcome for every model alike, floors included,
so that models are compared on the same items. On the way a thumbnail is kept for the pages.
"""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

from lrm_eval.runs.files import write_atomic

if TYPE_CHECKING:
    from lrm_eval.runs.folder import RunFolder
    from lrm_eval.types import ImageRef

THUMBNAIL_SIDE = 256
THUMBNAIL_CAP = 2000


def thumbnail(content: bytes) -> bytes:
    """Decode a whole image and make a WebP of at most 256 px a side.

    Raises:
        ValueError: it is not an image, or a part of it is missing.
    """
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content)) as image:
                # JPEG can decode at a fraction of its size, which still reads the file to its end.
                image.draft("RGB", (THUMBNAIL_SIDE, THUMBNAIL_SIDE))
                image.load()
                transparent = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
                small = image.convert("RGBA" if transparent else "RGB")
        small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
        out = io.BytesIO()
        small.save(out, "WEBP", quality=80, method=2)
        return out.getvalue()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        # PIL names the memory address of its buffer, which tells nobody anything.
        text = "not an image file" if "cannot identify image" in str(error) else str(error)
        raise ValueError(text) from None


class ImageStore:
    """Checks images and keeps thumbnails, at most `cap` in a folder."""

    def __init__(self, folder: RunFolder, cap: int = THUMBNAIL_CAP) -> None:
        self._folder = folder
        self._cap = cap
        self._problems: dict[str, str | None] = {}
        kept = folder.images_path.glob("*.webp") if folder.images_path.is_dir() else ()
        self._kept = {path.stem for path in kept}

    @property
    def kept(self) -> int:
        """Thumbnails in the folder."""
        return len(self._kept)

    def problem(self, image: ImageRef) -> str | None:
        """Why the image cannot be shown to a model, or None. Each content is looked at once.

        Raises:
            RunError: the thumbnail cannot be written (disk full).
        """
        name = image.sha256 or image.uri
        if name in self._kept:
            return None
        if name not in self._problems:
            self._problems[name] = self._look(image)
        return self._problems[name]

    def _look(self, image: ImageRef) -> str | None:
        try:
            small = thumbnail(image.read())
        except OSError as error:
            return f"cannot read image {image.uri}: {error.strerror or error}"
        except ValueError as error:
            return f"cannot decode image {image.uri}: {error}"
        if image.sha256 is not None and len(self._kept) < self._cap:
            write_atomic(self._folder.images_path / f"{image.sha256}.webp", small, durable=False)
            self._kept.add(image.sha256)
        return None
