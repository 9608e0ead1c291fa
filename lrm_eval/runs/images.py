"""Every image of a run is looked at once before its questions are asked.

One that cannot be decoded makes its questions an error outcome for every model alike, floors included,
so that models are compared on the same items. On the way a thumbnail is kept for the pages. Threads look at the
images that come next: one takes about 10 ms, which is more than a fast model, or many workers, would wait for.
"""

from __future__ import annotations

import contextlib
import io
import os
import warnings
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from lrm_eval.runs.files import write_atomic

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lrm_eval.runs.folder import RunFolder
    from lrm_eval.types import ImageRef

THUMBNAIL_SIDE = 256
THUMBNAIL_CAP = 2000
# Images that are looked at before they are asked about.
_AHEAD = 32


def thumbnail(content: bytes) -> bytes:
    """Decode a whole image and make a WebP of at most 256 px a side.

    Raises:
        ValueError: it is not an image, or a part of it is missing.
    """
    return _checked(content, keep=True)


def _checked(content: bytes, keep: bool) -> bytes:
    """As `thumbnail`; without `keep` the image is only decoded, and the result is empty."""
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
        if not keep:
            return b""
        small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
        out = io.BytesIO()
        small.save(out, "WEBP", quality=80, method=2)
        return out.getvalue()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        # PIL names the memory address of its buffer, which tells nobody anything.
        text = "not an image file" if "cannot identify image" in str(error) else str(error)
        raise ValueError(text) from None


def _look(image: ImageRef, keep: bool) -> tuple[str | None, bytes]:
    """Why an image cannot be shown, and its thumbnail."""
    try:
        return None, _checked(image.read(), keep)
    except OSError as error:
        return f"cannot read image {image.uri}: {error.strerror or error}", b""
    except ValueError as error:
        return f"cannot decode image {image.uri}: {error}", b""


class ImageStore:
    """Checks images and keeps thumbnails, at most `cap` in a folder."""

    def __init__(self, folder: RunFolder, cap: int = THUMBNAIL_CAP) -> None:
        self._folder = folder
        self._cap = cap
        self._problems: dict[str, str | None] = {}
        kept = folder.images_path.glob("*.webp") if folder.images_path.is_dir() else ()
        self._kept = {path.stem for path in kept}

        self._coming: Iterator[ImageRef] = iter(())
        self._looks: dict[str, Future[tuple[str | None, bytes]]] = {}
        self._threads: ThreadPoolExecutor | None = None

    @property
    def kept(self) -> int:
        """Thumbnails in the folder."""
        return len(self._kept)

    @contextlib.contextmanager
    def looking_ahead(self, images: Iterable[ImageRef]) -> Iterator[None]:
        """While the block runs, threads look at the images that come next.

        Args:
            images: in the order in which `problem` will be asked about them; an image may come again.
        """
        with ThreadPoolExecutor(max(1, min(8, (os.cpu_count() or 2) // 2)), "images") as threads:
            self._threads, self._coming = threads, iter(images)
            try:
                yield
            finally:
                self._threads, self._coming = None, iter(())
                self._looks.clear()
                threads.shutdown(cancel_futures=True)

    def problem(self, image: ImageRef) -> str | None:
        """Why the image cannot be shown to a model, or None. Each content is looked at once.

        Raises:
            RunError: the thumbnail cannot be written (disk full).
        """
        name = _name(image)
        if name in self._kept:
            return None
        if name not in self._problems:
            self._look_ahead()
            look = self._looks.pop(name, None)
            keep = image.sha256 is not None and len(self._kept) < self._cap
            problem, small = _look(image, keep) if look is None else look.result()
            self._problems[name] = problem
            if small and keep:
                write_atomic(self._folder.images_path / f"{name}.webp", small, durable=False)
                self._kept.add(name)
        return self._problems[name]

    def _look_ahead(self) -> None:
        if self._threads is None:
            return
        for image in self._coming:
            name = _name(image)
            if name in self._kept or name in self._problems or name in self._looks:
                continue
            keep = image.sha256 is not None and len(self._kept) < self._cap
            self._looks[name] = self._threads.submit(_look, image, keep)
            if len(self._looks) > _AHEAD:
                return


def _name(image: ImageRef) -> str:
    return image.sha256 or image.uri
