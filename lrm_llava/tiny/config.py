"""The recipe of the tiny LRM-LLaVA, as nested data; one comment per number that somebody had to find out."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class VisionConfig:
    """The tiny vision tower (in CLIP ViT-L/14's place) and its pre-training."""

    image_size: int = 48
    patch_size: int = 16  # one patch a cell: 9 image tokens
    width: int = 96
    layers: int = 2
    heads: int = 4
    steps: int = 600
    batch: int = 128  # scenes
    lr: float = 2e-3
    color_weight: float = 1.0
    shape_weight: float = 2.0
    place_weight: float = 0.5  # row and column; without it position is too faint to be read off


@dataclass(frozen=True)
class LanguageConfig:
    """The tiny language model (in Vicuna's place)."""

    vocab_size: int = 4096
    width: int = 160
    layers: int = 4
    heads: int = 4
    mlp: int = 448
    max_positions: int = 512


@dataclass(frozen=True)
class Phase:
    """One run of the optimizer: AdamW, warm-up, constant, linear cool-down."""

    steps: int
    rows: int  # shared prefixes (images or texts) in a batch
    segments: int  # questions a row
    lr: float
    warmup: int = 60
    cooldown: float = 0.4  # share of the steps
    english: float = 0.5  # share of segments in English
    describe: tuple[float, float] = (
        0.5,
        0.15,
    )  # share of descriptions among segments: before and after a quarter of the steps
    text_only: float = 0.0  # share of steps without an image


@dataclass(frozen=True)
class TinyRecipe:
    """Everything that decides the tiny checkpoints."""

    seed: int = 20251
    scenes: int = 24_000  # training scenes drawn once; their features are cached, the tower being frozen
    vision: VisionConfig = field(default_factory=VisionConfig)
    language: LanguageConfig = field(default_factory=LanguageConfig)
    text: Phase = Phase(steps=3000, rows=12, segments=8, lr=2e-3, english=0.65, describe=(0.1, 0.1))
    stage1: Phase = Phase(steps=400, rows=12, segments=8, lr=2e-3, describe=(0.6, 0.6))
    stage2: Phase = Phase(steps=4000, rows=12, segments=8, lr=1.5e-3, text_only=0.2)
    # Stage 2, questions that are not in English: plain, English as pivot, bilingual.
    instructions: tuple[float, float, float] = (0.5, 0.2, 0.3)
