"""Pre-training of the tiny vision tower: what is in each cell. Then it is frozen, as CLIP is in the paper."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from lrm_llava.tiny.world import CELLS, COLORS, SHAPES, draw_scene, render

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from transformers import LlavaForConditionalGeneration, LlavaProcessor

    from lrm_llava.tiny.config import TinyRecipe, VisionConfig
    from lrm_llava.tiny.world import Scene


def cell_labels(scenes: Sequence[Scene]) -> torch.Tensor:
    """Colour and shape of every cell, 0 for empty: int64 [B, 9, 2]."""
    labels = np.zeros((len(scenes), len(CELLS), 2), dtype=np.int64)
    for row, scene in enumerate(scenes):
        for item in scene.objects:
            labels[row, item.cell] = 1 + COLORS.index(item.color), 1 + SHAPES.index(item.shape)
    return torch.from_numpy(labels)


def pixels(scenes: Sequence[Scene], rng: random.Random, processor: LlavaProcessor) -> torch.Tensor:
    """Drawn and processed exactly as the harness does: float32 [B, 3, S, S]."""
    images = [render(scene, rng) for scene in scenes]
    values: torch.Tensor = processor.image_processor(images, return_tensors="pt")["pixel_values"]
    return values


def patch_features(model: LlavaForConditionalGeneration, pixel_values: torch.Tensor) -> torch.Tensor:
    """What the projector gets: hidden states of vision_feature_layer without CLS, [B, 9, D_v]."""
    hidden = model.model.vision_tower(pixel_values.to(model.device), output_hidden_states=True).hidden_states
    features: torch.Tensor = hidden[model.config.vision_feature_layer][:, 1:]
    return features


def train_vision(
    model: LlavaForConditionalGeneration,
    processor: LlavaProcessor,
    recipe: TinyRecipe,
    log: Callable[[str], None],
) -> float:
    """Train the tower to tell colour, shape and cell from each patch; the share of dev scenes read without a fault."""
    config = recipe.vision
    rng = random.Random(recipe.seed)
    heads = {name: head.to(model.device) for name, head in _prototypes(config, recipe.seed).items()}
    tower = model.model.vision_tower
    trained = list(tower.parameters())
    optimizer = torch.optim.AdamW(trained, lr=config.lr, betas=(0.9, 0.98), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, config.lr, config.steps, pct_start=0.05)
    cells = torch.arange(len(CELLS), device=model.device)
    # Drawn once: pictures cost more than the gradient does.
    pool = [draw_scene(rng, "train") for _ in range(config.pool)]
    values = torch.cat([pixels(pool[i : i + 500], rng, processor) for i in range(0, len(pool), 500)])
    labels = cell_labels(pool)
    generator = torch.Generator().manual_seed(recipe.seed)
    for step in range(config.steps):
        pick = torch.randint(len(pool), (config.batch,), generator=generator)
        features = patch_features(model, values[pick])  # [B, 9, D_v]
        target = labels[pick].to(model.device)
        loss = (
            config.color_weight * F.cross_entropy(heads["color"](features).flatten(0, 1), target[..., 0].flatten())
            + config.shape_weight * F.cross_entropy(heads["shape"](features).flatten(0, 1), target[..., 1].flatten())
            + config.place_weight
            * (
                F.cross_entropy(heads["row"](features).flatten(0, 1), cells.repeat(len(pick)) // 3)
                + F.cross_entropy(heads["column"](features).flatten(0, 1), cells.repeat(len(pick)) % 3)
            )
        )
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        schedule.step()
        if step % 100 == 0 or step == config.steps - 1:
            log(f"vision {step:5d}/{config.steps}  loss {loss.item():.4f}")
    return _dev_accuracy(model, heads, processor, random.Random(recipe.seed + 1))


def _prototypes(config: VisionConfig, seed: int) -> dict[str, nn.Linear]:
    """A fixed direction in feature space for every value of every attribute, all at right angles.

    As CLIP's images are drawn to the embeddings of texts. Trained heads would do with a faint trace of
    row and column, which nothing in a picture makes hard to tell; a fixed prototype has to be met in
    full, so that place is as loud as colour and shape when the language model looks.
    """
    sizes = {"color": 1 + len(COLORS), "shape": 1 + len(SHAPES), "row": 3, "column": 3}
    basis = nn.init.orthogonal_(
        torch.empty(sum(sizes.values()), config.width), generator=torch.Generator().manual_seed(seed)
    )
    heads = {}
    start = 0
    for name, size in sizes.items():
        head = nn.Linear(config.width, size, bias=False)
        loudness = config.place_loudness if name in ("row", "column") else 1.0
        head.weight.data.copy_(basis[start : start + size] / loudness)
        start += size
        heads[name] = head.requires_grad_(False)
    return heads


@torch.no_grad()
def _dev_accuracy(
    model: LlavaForConditionalGeneration, heads: dict[str, nn.Linear], processor: LlavaProcessor, rng: random.Random
) -> float:
    scenes = [draw_scene(rng, "dev") for _ in range(500)]
    features = patch_features(model, pixels(scenes, rng, processor))
    labels = cell_labels(scenes).to(model.device)
    right = (heads["color"](features).argmax(-1) == labels[..., 0]) & (
        heads["shape"](features).argmax(-1) == labels[..., 1]
    )
    return float(right.all(dim=1).float().mean())


@torch.no_grad()
def scene_features(
    model: LlavaForConditionalGeneration, processor: LlavaProcessor, scenes: Sequence[Scene], rng: random.Random
) -> torch.Tensor:
    """Patch features of all scenes, the tower being frozen: [N, 9, D_v]."""
    chunks = [
        patch_features(model, pixels(scenes[start : start + 500], rng, processor)).cpu()
        for start in range(0, len(scenes), 500)
    ]
    return torch.cat(chunks)
