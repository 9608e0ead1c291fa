"""Scenes of the tiny world: coloured shapes on a 3 x 3 grid, drawn from a seed.

A scene is what an image shows and what every question is about. Scenes fall into three buckets by a
hash of their content (not of their pixels): `train`, `dev` (decisions are made on it) and `test` (the
bundled benchmarks; nothing is ever decided on it). No scene is in two buckets, and the colour-shape
pairs of HELD_OUT_PAIRS never occur in training, neither as image nor as text.
"""

from __future__ import annotations

import hashlib
import io
import math
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from collections.abc import Iterator

Bucket: TypeAlias = Literal["train", "dev", "test"]

SHAPES = ("circle", "square", "triangle", "star")
COLORS = ("red", "green", "blue", "yellow", "black", "purple")
CELLS = (
    "top_left", "top_center", "top_right",
    "middle_left", "middle_center", "middle_right",
    "bottom_left", "bottom_center", "bottom_right",
)  # fmt: skip
ROWS = ("top", "middle", "bottom")
COLUMNS = ("left", "center", "right")
MAX_OBJECTS = 4
IMAGE_SIZE = 96  # pixels a side as drawn; the model sees it at 48
HELD_OUT_PAIRS = frozenset({("green", "star"), ("purple", "square")})

_RGB = {
    "red": (214, 39, 40),
    "green": (44, 150, 60),
    "blue": (40, 90, 200),
    "yellow": (240, 205, 40),
    "black": (25, 25, 25),
    "purple": (150, 60, 170),
}
_BACKGROUND = 245
_HELD_BUCKETS: dict[int, Bucket] = {0: "test", 1: "dev"}
_BUCKETS = 16


@dataclass(frozen=True, slots=True, order=True)
class Object:
    """One object: `cell` is 0..8, row by row from the top left."""

    cell: int
    color: str
    shape: str

    @property
    def row(self) -> str:
        """The name of its row, one of ROWS."""
        return ROWS[self.cell // 3]

    @property
    def column(self) -> str:
        """The name of its column, one of COLUMNS."""
        return COLUMNS[self.cell % 3]

    @property
    def pair(self) -> tuple[str, str]:
        """(colour, shape)."""
        return self.color, self.shape


@dataclass(frozen=True, slots=True)
class Scene:
    """One to four different objects in different cells, in order of their cells."""

    objects: tuple[Object, ...]

    @property
    def bucket(self) -> Bucket:
        """Which bucket the scene belongs to, by a hash of its content."""
        text = ";".join(f"{item.cell},{item.color},{item.shape}" for item in self.objects)
        digest = hashlib.blake2b(text.encode(), digest_size=4).digest()
        return _HELD_BUCKETS.get(int.from_bytes(digest, "big") % _BUCKETS, "train")

    @property
    def has_held_out_pair(self) -> bool:
        """Whether some object shows a colour-shape pair that training never shows."""
        return any(item.pair in HELD_OUT_PAIRS for item in self.objects)

    def unique_shapes(self) -> list[Object]:
        """Objects whose shape no other object has: "the star" names exactly one."""
        return [item for item in self.objects if sum(other.shape == item.shape for other in self.objects) == 1]

    def unique_colors(self) -> list[Object]:
        """Objects whose colour no other object has: "the red object" names exactly one."""
        return [item for item in self.objects if sum(other.color == item.color for other in self.objects) == 1]


def draw_scene(rng: random.Random, bucket: Bucket, counts: tuple[int, ...] = (1, 2, 3, 4)) -> Scene:
    """One scene of a bucket, its number of objects drawn evenly from `counts`.

    Objects are different colour-shape pairs. Held-out pairs occur only outside training.
    """
    pairs = [(c, s) for c in COLORS for s in SHAPES if bucket != "train" or (c, s) not in HELD_OUT_PAIRS]
    while True:
        count = rng.choice(counts)
        cells = rng.sample(range(len(CELLS)), count)
        chosen = rng.sample(pairs, count)
        scene = Scene(tuple(sorted(Object(cell, c, s) for cell, (c, s) in zip(cells, chosen, strict=True))))
        if scene.bucket == bucket:
            return scene


def scenes(seed: int, bucket: Bucket, counts: tuple[int, ...] = (1, 2, 3, 4)) -> Iterator[Scene]:
    """An endless stream of scenes of a bucket."""
    rng = random.Random(seed)
    while True:
        yield draw_scene(rng, bucket, counts)


def render(scene: Scene, rng: random.Random) -> Image.Image:
    """Draw a scene, IMAGE_SIZE x IMAGE_SIZE RGB; `rng` jitters size, place, tint and rotation."""
    background = _BACKGROUND + rng.randint(-8, 8)
    image = Image.new("RGB", (IMAGE_SIZE, IMAGE_SIZE), (background, background, background))
    pen = ImageDraw.Draw(image)
    side = IMAGE_SIZE / 3
    for item in scene.objects:
        radius = side * rng.uniform(0.32, 0.42)
        x = side * (item.cell % 3 + 0.5) + side * rng.uniform(-0.08, 0.08)
        y = side * (item.cell // 3 + 0.5) + side * rng.uniform(-0.08, 0.08)
        tint = rng.uniform(-18, 18)
        red, green, blue = (min(255, max(0, round(value + tint))) for value in _RGB[item.color])
        _draw_shape(pen, item.shape, x, y, radius, rng.uniform(-0.15, 0.15), (red, green, blue))
    return image


def _draw_shape(
    pen: ImageDraw.ImageDraw, shape: str, x: float, y: float, radius: float, turn: float, fill: tuple[int, int, int]
) -> None:
    if shape == "circle":
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)
        return
    if shape == "square":
        radii, start = [radius * 1.1], math.pi / 4
        corners = 4
    elif shape == "triangle":
        radii, start = [radius * 1.15], -math.pi / 2
        corners = 3
    else:  # a five-pointed star: ten corners, outer and inner in turn
        radii, start = [radius * 1.15, radius * 0.46], -math.pi / 2
        corners = 10
    pen.polygon(
        [
            (
                x + radii[i % len(radii)] * math.cos(start + turn + 2 * math.pi * i / corners),
                y + radii[i % len(radii)] * math.sin(start + turn + 2 * math.pi * i / corners),
            )
            for i in range(corners)
        ],
        fill=fill,
    )


def png_bytes(image: Image.Image) -> bytes:
    """The image as PNG, the same bytes for the same pixels and library."""
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
