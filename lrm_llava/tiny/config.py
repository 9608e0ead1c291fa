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
    pool: int = 12_000  # scenes drawn for it
    lr: float = 2e-3
    color_weight: float = 1.0
    shape_weight: float = 2.0
    place_weight: float = 0.5  # row and column
    # How much longer a feature must be along row and column than along colour and shape to be as sure of them;
    # at 1 each of them is an eighth of the variance between objects, and position was learnt last by far.
    place_loudness: float = 2.0


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
class Piece:
    """What exchanges are drawn from until a share of a phase's steps is done."""

    until: float
    english: float  # share of exchanges in English
    open: float  # share of questions answered in a word of their own; the rest is yes/no and lettered
    describe: float  # share of descriptions
    where: float = 1.0  # factor on "where is it?" among open and lettered questions


@dataclass(frozen=True)
class Phase:
    """One run of the optimizer: AdamW, warm-up, constant, linear cool-down.

    Looking things up must be learnt before yes/no and letters can be, and was learnt much faster in
    one language than in twelve at once: so phases begin with open questions in English, and the shares
    of English over all pieces add up to what the paper asks for.
    """

    steps: int
    rows: int  # shared prefixes (images or texts) in a batch
    segments: int  # exchanges a row
    lr: float
    pieces: tuple[Piece, ...]
    warmup: int = 60
    cooldown: float = 0.4  # share of the steps
    text_only: float = 0.0  # share of steps without an image

    def piece(self, share: float) -> Piece:
        """The piece at a share (0-1) of the steps."""
        return next((piece for piece in self.pieces if share < piece.until), self.pieces[-1])

    @property
    def english(self) -> float:
        """Share of English over the whole phase."""
        starts = [0.0, *(piece.until for piece in self.pieces)]
        return sum((piece.until - start) * piece.english for start, piece in zip(starts, self.pieces, strict=False))


@dataclass(frozen=True)
class TinyRecipe:
    """Everything that decides the tiny checkpoints."""

    seed: int = 20251
    scenes: int = 24_000  # training scenes drawn once; their features are cached, the tower being frozen
    vision: VisionConfig = field(default_factory=VisionConfig)
    language: LanguageConfig = field(default_factory=LanguageConfig)
    text: Phase = Phase(
        steps=2600, rows=16, segments=4, lr=1e-3,
        pieces=(Piece(0.3, 1.0, 1.0, 0.3), Piece(0.5, 0.6, 0.5, 0.15), Piece(1.0, 0.46, 0.25, 0.1)),
    )  # fmt: skip
    stage1: Phase = Phase(steps=300, rows=24, segments=4, lr=1e-3, pieces=(Piece(1.0, 0.5, 1.0, 0.3),))
    stage2: Phase = Phase(
        steps=11_000, rows=24, segments=4, lr=1e-3, text_only=0.1,
        pieces=(
            # Open questions unlock the rest, first in English, then soon in all: 59 -> 72 % in 500 steps.
            Piece(0.06, 1.0, 1.0, 0.25),
            Piece(0.18, 0.45, 0.7, 0.1, where=1.5), Piece(0.32, 0.45, 0.3, 0.08, where=1.5),
            # Lettered places ("B. middle left") come last of all: 76 % when everything else was at 98.
            Piece(1.0, 0.475, 0.13, 0.05, where=3.0),
        ),
    )  # fmt: skip
    # Stage 2, questions that are not in English: plain, English as pivot, bilingual.
    instructions: tuple[float, float, float] = (0.5, 0.2, 0.3)
