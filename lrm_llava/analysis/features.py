"""Features of images and of texts in the language model's space, averaged over the sequence (paper, figure 5)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from lrm_eval.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Parallel:
    """An image and the same text in several languages.

    Attributes:
        id: unique.
        image: encoded bytes.
        texts: by canonical tag.
    """

    id: str
    image: bytes
    texts: dict[str, str]


@dataclass(frozen=True)
class Features:
    """Rows are samples, in the same order everywhere.

    Attributes:
        visual: mean of the projected image features, float32 [N, D].
        text: by tag: mean over the text's tokens, float32 [N, D].
    """

    visual: np.ndarray[Any, Any]
    text: dict[str, np.ndarray[Any, Any]]


def read_parallel(path: Path, limit: int | None = None) -> list[Parallel]:
    """Samples from JSON lines: {"id", "image": path beside the file, "texts": {tag: text}}.

    Raises:
        UsageError: a file or image that is missing, a line that is not of this form; names file and line.
    """
    from lrm_eval import languages as registry

    found: list[Parallel] = []
    if not path.is_file():
        raise UsageError(f"{path}: no such file")
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                texts = {registry.get(tag).tag: str(text) for tag, text in row["texts"].items()}
                image = (path.parent / row["image"]).read_bytes()
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise UsageError(f'{path}:{number}: expected {{"id", "image", "texts": {{tag: text}}}}') from error
            except OSError as error:
                raise UsageError(f"{path}:{number}: image {row['image']} cannot be read") from error
            if found and texts.keys() != found[0].texts.keys():
                raise UsageError(f"{path}:{number}: other languages than in the first line")
            found.append(Parallel(str(row.get("id", number)), image, texts))
            if limit is not None and len(found) == limit:
                break
    return found


def tiny_parallel(count: int, seed: int = 20251) -> list[Parallel]:
    """Scenes of the tiny world that nothing was trained on, each with its description in twelve languages."""
    import random

    from lrm_llava.tiny.grammar import languages, load_grammar
    from lrm_llava.tiny.questions import description
    from lrm_llava.tiny.world import draw_scene, png_bytes, render

    rng = random.Random(seed)
    found: list[Parallel] = []
    seen = set()
    while len(found) < count:
        scene = draw_scene(rng, "test")
        if scene in seen:
            continue
        seen.add(scene)
        texts = {tag: description(scene, load_grammar(tag)) for tag in languages()}
        found.append(Parallel(str(len(found)), png_bytes(render(scene, rng)), texts))
    return found


@torch.no_grad()
def extract(
    model: Any, processor: Any, samples: Sequence[Parallel], layer: int = 0, batch: int = 32,
    advance: Callable[[int], None] = lambda _: None,
) -> Features:  # fmt: skip
    """Sequence-averaged features of a LLaVA.

    Layer 0 is where the projector puts the image: its output beside the token embeddings. At a deeper layer both go
    through the language model by themselves, image alone and text alone.

    Args:
        model: a LlavaForConditionalGeneration.
        processor: its processor.
        samples: images with texts.
        layer: of the language model.
        batch: samples at once.
        advance: takes the number of samples done since the last call.

    Raises:
        UsageError: no such layer, or an image that cannot be read.
    """
    from PIL import Image

    depth = model.config.get_text_config().num_hidden_layers
    if not 0 <= layer <= depth:
        raise UsageError(f"layer {layer}: the language model has 0 (embeddings) to {depth}")
    tags = list(samples[0].texts)
    visual: list[np.ndarray[Any, Any]] = []
    text: dict[str, list[np.ndarray[Any, Any]]] = {tag: [] for tag in tags}
    for start in range(0, len(samples), batch):
        chunk = samples[start : start + batch]
        pictures = []
        for sample in chunk:
            try:
                pictures.append(Image.open(BytesIO(sample.image)).convert("RGB"))
            except (OSError, ValueError) as error:
                raise UsageError(f"sample {sample.id}: its image cannot be read: {error}") from error
        pixels = processor.image_processor(images=pictures, return_tensors="pt")["pixel_values"]
        found = model.get_image_features(pixel_values=pixels.to(model.device, model.dtype), return_dict=True)
        embeds = torch.stack(list(found.pooler_output))  # [B, P, D]
        visual.append(_pooled(model, embeds, torch.ones(embeds.shape[:2], device=embeds.device), layer))
        for tag in tags:
            coded = processor.tokenizer(
                [sample.texts[tag] for sample in chunk], return_tensors="pt", padding=True, add_special_tokens=False
            ).to(model.device)
            embeds = model.get_input_embeddings()(coded["input_ids"])
            text[tag].append(_pooled(model, embeds, coded["attention_mask"], layer))
        advance(len(chunk))
    return Features(np.concatenate(visual), {tag: np.concatenate(parts) for tag, parts in text.items()})


def _pooled(model: Any, embeds: torch.Tensor, mask: torch.Tensor, layer: int) -> np.ndarray[Any, Any]:
    """Mean over the tokens that count: [B, T, D] and [B, T] to [B, D]."""
    hidden = embeds
    if layer:
        out = model.model.language_model(
            inputs_embeds=embeds, attention_mask=mask.long(), output_hidden_states=True, use_cache=False
        )
        hidden = out.hidden_states[layer]
    weight = mask.to(hidden.dtype).unsqueeze(-1)
    mean = (hidden * weight).sum(1) / weight.sum(1).clamp(min=1)
    result: np.ndarray[Any, Any] = mean.float().cpu().numpy()
    return result
