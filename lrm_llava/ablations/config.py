"""What an ablation study trains at which scale: every number that decides it, as nested data."""

from __future__ import annotations

from dataclasses import dataclass

from lrm_llava.tiny.config import LanguageConfig, Phase, Piece, TinyRecipe, VisionConfig


@dataclass(frozen=True)
class Size:
    """A language model of the study (table 4 has Vicuna-13B, Vicuna-7B, LLaMA2-13B and LLaMA3-8B in its place)."""

    name: str
    width: int
    layers: int
    heads: int
    mlp: int


@dataclass(frozen=True)
class Scale:
    """How large a study is.

    The world is harder than that of the bundled models, in which all arms end near 97 %: up to five objects on the
    grid instead of four, so that what a question names is found among more; questions are answered in words, which
    is learnt within hundreds of steps (letters and yes/no take thousands), so that budgets can be small and equal;
    and other languages are rare in what the language model has read.

    Attributes:
        name: "tiny" or "smoke".
        seeds: how many seeds by default.
        scenes: training scenes, drawn once.
        objects: how many objects a scene may have.
        groups: questions of the benchmark, each asked in every rotation of its options.
        vocab_size: of the tokenizer.
        vision: tower and its pre-training.
        text: what the language model reads before it sees an image.
        stage1: pre-training of the projector.
        stage2: fine-tuning of projector and language model.
        sizes: language models, the smallest first.
        main: the size in which `instructions` and `ratio` are trained.
        shown: share of questions in training that show options.
        check_every: steps of stage 2 between looks at held-back scenes.
    """

    name: str
    seeds: int
    scenes: int
    objects: tuple[int, ...]
    groups: int
    vocab_size: int
    vision: VisionConfig
    text: Phase
    stage1: Phase
    stage2: Phase
    sizes: tuple[Size, ...]
    main: str
    shown: float = 0.7
    check_every: int = 250

    def size(self, name: str) -> Size:
        """A language model by its name."""
        return next(size for size in self.sizes if size.name == name)


def recipe_of(scale: Scale, size: Size, seed: int) -> TinyRecipe:
    """Tower and language model of one size and seed, as a recipe of the tiny world."""
    language = LanguageConfig(scale.vocab_size, size.width, size.layers, size.heads, size.mlp)
    return TinyRecipe(
        seed=1000 + seed, scenes=scale.scenes, vision=scale.vision, language=language, text=scale.text,
        stage1=scale.stage1, stage2=scale.stage2,
    )  # fmt: skip


# Piece(until, english, open, describe): the study asks in words alone, so `open` is 1 everywhere.
TINY = Scale(
    name="tiny", seeds=3, scenes=12_000, objects=(2, 3, 4, 5), groups=150, vocab_size=4096,
    vision=VisionConfig(),
    text=Phase(
        steps=2000, rows=16, segments=4, lr=1e-3, pieces=(Piece(0.3, 1.0, 1.0, 0.3), Piece(1.0, 0.65, 1.0, 0.15)),
    ),
    stage1=Phase(steps=200, rows=24, segments=4, lr=1e-3, pieces=(Piece(1.0, 0.5, 1.0, 0.3),)),
    # Looking things up is learnt much faster in one language than in twelve at once: English first, half of all.
    stage2=Phase(
        steps=1000, rows=24, segments=4, lr=1e-3, text_only=0.1,
        pieces=(Piece(0.3, 1.0, 1.0, 0.25), Piece(1.0, 2 / 7, 1.0, 0.1)),
    ),
    sizes=(
        Size("0.7M", 96, 3, 3, 272), Size("1.3M", 128, 4, 4, 352),
        Size("1.9M", 160, 4, 4, 448), Size("3.5M", 192, 6, 6, 528),
    ),
    main="1.9M",
)  # fmt: skip

# Seconds: that the whole path runs. Its numbers mean nothing.
SMOKE = Scale(
    name="smoke", seeds=1, scenes=60, objects=(2, 5), groups=3, vocab_size=1200,
    vision=VisionConfig(width=32, layers=1, heads=2, steps=2, batch=4, pool=32),
    text=Phase(steps=2, rows=2, segments=2, lr=1e-3, warmup=1, pieces=(Piece(1.0, 0.5, 1.0, 0.2),)),
    stage1=Phase(steps=2, rows=2, segments=2, lr=1e-3, warmup=1, pieces=(Piece(1.0, 0.5, 1.0, 0.2),)),
    stage2=Phase(steps=2, rows=2, segments=2, lr=1e-3, warmup=1, text_only=0.5, pieces=(Piece(1.0, 0.5, 1.0, 0.2),)),
    sizes=(Size("0.02M", 16, 1, 2, 32), Size("0.05M", 32, 1, 2, 64)), main="0.05M", check_every=1000,
)  # fmt: skip

SCALES = {scale.name: scale for scale in (TINY, SMOKE)}
