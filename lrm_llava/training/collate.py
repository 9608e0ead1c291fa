"""Samples of one modality into a batch: padded right, images opened and processed as in evaluation."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import torch

from lrm_llava.encoding import IGNORE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrm_llava.data.shards import Picture


class Collator:
    """Batches for LlavaForConditionalGeneration.

    An image that cannot be read leaves its sample unsupervised rather than stopping a run of days; it is counted in
    `unreadable` of the batch and logged by the trainer with its path.

    Args:
        image_processor: a PIL image processor.
        pad_id: fills short rows.
    """

    def __init__(self, image_processor: Any, pad_id: int) -> None:
        self._processor = image_processor
        self._pad = pad_id

    def __call__(self, samples: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """ids, labels and mask [B, T] int64; pixel_values [B, 3, S, S] float32 if the batch has images.

        Raises:
            ValueError: samples with and without an image in one batch (the sampler never does that).
        """
        with_image = [sample["image"] is not None for sample in samples]
        if any(with_image) != all(with_image):
            raise ValueError("a batch holds samples with and without an image")
        longest = max(len(sample["ids"]) for sample in samples)
        shape = (len(samples), longest)
        ids = torch.full(shape, self._pad, dtype=torch.long)
        labels = torch.full(shape, IGNORE, dtype=torch.long)
        mask = torch.zeros(shape, dtype=torch.long)
        for row, sample in enumerate(samples):
            length = len(sample["ids"])
            ids[row, :length] = torch.tensor(sample["ids"])
            labels[row, :length] = torch.tensor(sample["labels"])
            mask[row, :length] = 1
        batch: dict[str, Any] = {
            "input_ids": ids,
            "attention_mask": mask,
            "labels": labels,
            "index": torch.tensor([sample["index"] for sample in samples]),
        }
        if all(with_image):
            pixels, broken = zip(*(self._pixels(sample["image"]) for sample in samples), strict=True)
            batch["pixel_values"] = torch.stack(pixels)
            for row, unreadable in enumerate(broken):
                if unreadable:
                    labels[row] = IGNORE
            batch["unreadable"] = torch.tensor(broken)
        return batch

    def _pixels(self, image: Picture) -> tuple[torch.Tensor, bool]:
        from PIL import Image

        try:
            with Image.open(io.BytesIO(image.read())) as file:
                picture, broken = file.convert("RGB"), False
        except Exception:  # decoders of damaged files raise whatever they like
            picture, broken = Image.new("RGB", (32, 32)), True
        pixels: torch.Tensor = self._processor(images=picture, return_tensors="pt")["pixel_values"][0]
        return pixels, broken
