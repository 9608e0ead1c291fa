"""Image features: decoded and preprocessed ahead in threads, computed once, kept in memory and, if wanted, on disk."""

from __future__ import annotations

import os
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import torch

from model_adapters.images import ImageError, decode_image, uniform_image
from model_adapters.memory import Halving

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lrm_eval.types import ImageRef
    from model_adapters.feature_cache import FeatureCache
    from model_adapters.llava_loading import LoadedLlava

_KEPT = 64
# Preprocessed images waiting: at 336 px each is 1.4 MB.
_AHEAD = 64
_BLIND = "blind"
# Images in one pass through the vision tower. On a CPU one image is work enough for a pass.
_CPU_IMAGES, _CUDA_IMAGES = 1, 8


class ImageFeatures:
    """Features of images by their content.

    Args:
        loaded: the model.
        blind: show a uniform image in place of each.
        disk: features of earlier runs; None keeps none.

    Attributes:
        computed: images that went through the vision tower.
    """

    def __init__(self, loaded: LoadedLlava, blind: bool, disk: FeatureCache | None = None) -> None:
        self._loaded, self._blind, self._disk = loaded, blind, disk
        self._kept: OrderedDict[str, torch.Tensor] = OrderedDict()
        self._pixels: dict[str, Future[torch.Tensor]] = {}
        self._threads: ThreadPoolExecutor | None = None
        self._at_once = _CPU_IMAGES if loaded.device.type == "cpu" else _CUDA_IMAGES
        self._halving = Halving(self._at_once)
        self.computed = 0

    def key(self, image: ImageRef) -> str:
        """What identifies an image: its content, where that is known."""
        if self._blind:
            return _BLIND
        return image.sha256 if image.sha256 is not None else f"?{image.uri}"

    def announce(self, images: Iterable[ImageRef]) -> None:
        """Begin to decode and preprocess images that will be asked for next; returns at once."""
        if self._blind:
            return
        for image in images:
            key = self.key(image)
            if len(self._pixels) >= _AHEAD:
                return
            if key in self._kept or key in self._pixels or (self._disk is not None and self._disk.has(key)):
                continue
            if self._threads is None:
                # One core is the model's on a CPU; decoding releases Python's lock.
                self._threads = ThreadPoolExecutor(max(1, min(8, (os.cpu_count() or 2) - 1)), "lrm-eval-images")
            self._pixels[key] = self._threads.submit(self._preprocess, image)

    def get(self, images: Sequence[ImageRef]) -> dict[str, torch.Tensor]:
        """Features [T_image, D] by `key`; an image that cannot be used is absent (`explain` says why)."""
        found: dict[str, torch.Tensor] = {}
        missing: dict[str, ImageRef] = {}
        for image in images:
            key = self.key(image)
            if key in found or key in missing:
                continue
            kept = self._remembered(key)
            if kept is None:
                missing[key] = image
            else:
                found[key] = kept
        keys = list(missing)
        for start in range(0, len(keys), self._at_once):
            piece = keys[start : start + self._at_once]
            self.announce(missing[key] for key in keys[start : start + _AHEAD])
            found.update(self._compute({key: missing[key] for key in piece}))
        return found

    def explain(self, image: ImageRef) -> str:
        """Why `get` had no features for an image: one line that names it."""
        try:
            self._preprocess(image)
        except ImageError as error:
            return str(error)
        return f"image {image.uri}: out of memory in the vision tower"

    def forget(self) -> None:
        """Drop the features in memory and start counting anew."""
        self._kept.clear()
        self.computed = 0

    def close(self) -> None:
        """Let go of threads and features."""
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)
        self._threads = None
        self._pixels.clear()
        self._kept.clear()

    def _remembered(self, key: str) -> torch.Tensor | None:
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        stored = self._disk.get(key) if self._disk is not None and not key.startswith("?") else None
        return None if stored is None else self._keep(key, stored.to(self._loaded.device))

    def _keep(self, key: str, features: torch.Tensor) -> torch.Tensor:
        self._kept[key] = features
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return features

    def _compute(self, images: dict[str, ImageRef]) -> dict[str, torch.Tensor]:
        pixels: dict[str, torch.Tensor] = {}
        for key, image in images.items():
            waiting = self._pixels.pop(key, None)
            try:
                pixels[key] = self._preprocess(image) if waiting is None else waiting.result()
            except ImageError:
                continue
        features = self._halving.run(list(pixels.values()), self._forward)
        found: dict[str, torch.Tensor] = {}
        for key, one in zip(pixels, features, strict=True):
            if one is None:
                continue
            self.computed += 1
            found[key] = one
            # Without a hash of the content another image may come under the same name.
            if not key.startswith("?"):
                self._keep(key, one)
                if self._disk is not None:
                    self._disk.put(key, one)
        return found

    def _forward(self, pixels: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        # Always passes of one size: how a product is rounded may depend on its shape, and what an image's features are
        # must not depend on which images happen to come with it.
        size = min(self._at_once, self._halving.limit)
        filled = [*pixels, *[pixels[-1]] * (size - len(pixels))]
        return [one.clone() for one in self._loaded.features(torch.cat(filled))[: len(pixels)]]

    def _preprocess(self, image: ImageRef) -> torch.Tensor:
        """Pixels [1, 3, H, W] as the vision tower takes them."""
        return self._loaded.pixels(uniform_image(*self._loaded.hidden_image) if self._blind else decode_image(image))
