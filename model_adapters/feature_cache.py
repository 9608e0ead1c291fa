"""Image features on disk, for runs that show the same images to the same vision tower again.

A file is named by the content of the image and by everything that turns it into features: weights of vision tower and
projector, image processing, which layer is read, floating-point type, kind of device and version of PyTorch. What
changes, changes the name, so that nothing stale is ever read. Files appear whole (written aside, then renamed) and
carry a checksum, so that several runs may use one folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from lrm_eval.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from model_adapters.llava_loading import LoadedLlava

DEFAULT_BYTES = 10 * 2**30
_SUFFIX = ".features"
# Other runs write too: how full the folder is, is looked up again after so many writes of our own.
_LOOK_AGAIN = 64


def vision_key(loaded: LoadedLlava) -> str:
    """SHA-256 over everything but the image that decides its features."""
    model = loaded.model.model
    digest = hashlib.sha256()
    settings = {
        "processor": loaded.processor.image_processor.to_dict(),
        "layer": loaded.vision_feature_layer,
        "select": loaded.model.config.vision_feature_select_strategy,
        "tower": loaded.model.config.vision_config.to_dict(),
        "dtype": loaded.dtype,
        "device": loaded.device.type,
        "torch": str(torch.__version__),
    }
    digest.update(json.dumps(settings, sort_keys=True, default=str).encode())
    for part in (model.vision_tower, model.multi_modal_projector):
        for name, weight in part.state_dict().items():
            digest.update(f"\0{name}\0{weight.dtype}\0{tuple(weight.shape)}\0".encode())
            digest.update(weight.detach().cpu().contiguous().view(torch.uint8).numpy().data)
    return digest.hexdigest()


class FeatureCache:
    """A folder of features, at most `most` bytes of them; what was used longest ago goes first.

    Args:
        folder: made if it is not there.
        key: as `vision_key` gives it.
        most: bytes.

    Raises:
        UsageError: the folder cannot be made or written to.
    """

    def __init__(self, folder: Path, key: str, most: int = DEFAULT_BYTES) -> None:
        self._folder, self._key, self._most = Path(folder), key, most
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self._folder):
                pass
        except OSError as error:
            raise UsageError(f"feature cache {folder}: cannot be written to: {error.strerror}") from error
        self._held, self._writes = 0, 0
        self._shrink()

    def has(self, image: str) -> bool:
        """Whether there is a file for an image (SHA-256 of its bytes)."""
        return self._path(image).exists()

    def get(self, image: str) -> torch.Tensor | None:
        """Features [T_image, D] on the CPU; None where there are none, or the file is damaged (it is removed then)."""
        path = self._path(image)
        try:
            data = path.read_bytes()
        except OSError:
            return None
        features = _decode(data)
        with contextlib.suppress(OSError):
            if features is None:
                path.unlink()
            else:
                os.utime(path)
        return features

    def put(self, image: str, features: torch.Tensor) -> None:
        """Keep features [T_image, D]. A full disk is no reason to stop a run: then nothing is kept."""
        data = _encode(features)
        if len(data) > self._most:
            return
        path = self._path(image)
        try:
            with tempfile.NamedTemporaryFile(dir=self._folder, suffix=".part", delete=False) as file:
                try:
                    file.write(data)
                    file.close()
                    Path(file.name).replace(path)
                except BaseException:
                    Path(file.name).unlink(missing_ok=True)
                    raise
        except OSError:
            return
        self._held += len(data)
        self._writes += 1
        if self._held > self._most or self._writes % _LOOK_AGAIN == 0:
            self._shrink()

    def _path(self, image: str) -> Path:
        name = hashlib.sha256(f"{self._key}\0{image}".encode()).hexdigest()
        return self._folder / f"{name}{_SUFFIX}"

    def _shrink(self) -> None:
        files: list[tuple[float, int, str]] = []
        with contextlib.suppress(OSError), os.scandir(self._folder) as entries:
            for entry in entries:
                # A file of another run may go while we look.
                with contextlib.suppress(OSError):
                    if entry.name.endswith(_SUFFIX):
                        status = entry.stat()
                        files.append((status.st_mtime, status.st_size, entry.path))
        self._held = sum(size for _, size, _ in files)
        if self._held <= self._most:
            return
        for _, size, path in sorted(files):
            # A tenth below the bound, so that not every write has to look again.
            if self._held <= 0.9 * self._most:
                return
            with contextlib.suppress(OSError):
                Path(path).unlink()
            self._held -= size


def _encode(features: torch.Tensor) -> bytes:
    from safetensors.torch import save

    data: bytes = save({"features": features.detach().cpu().contiguous()})
    return hashlib.sha256(data).digest() + data


def _decode(data: bytes) -> torch.Tensor | None:
    from safetensors.torch import load

    body = data[32:]
    if hashlib.sha256(body).digest() != data[:32]:
        return None
    tensors: Mapping[str, Any] = load(body)
    features: torch.Tensor = tensors["features"]
    return features
