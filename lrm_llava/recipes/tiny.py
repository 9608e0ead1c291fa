"""The paper's two stages in small: the same commands on the tiny world, minutes on two CPU cores."""

from __future__ import annotations

from lrm_llava.recipes.model import Instructions, Recipe, Source, Stage

_LANGUAGES = ("en", "cs", "de", "fr", "hr", "it", "ro", "ru", "es", "zh", "sw", "am")
_SOURCES = (Source("tiny-world", "tiny.jsonl", "images", origin="lrm-llava tiny conversations"),)

TINY = Recipe(
    "tiny", "tiny", "parts/vision", _LANGUAGES,
    Stage(
        trains=("projector",), sources=_SOURCES, instructions=Instructions(), learning_rate=1e-3,
        batch=32, micro_batch=32, max_steps=100, max_length=256, checkpoint_activations=False, save_every=50,
    ),
    Stage(
        trains=("projector", "language"), sources=_SOURCES, instructions=Instructions(0.5, 0.2, 0.3),
        learning_rate=1e-3, batch=32, micro_batch=32, max_steps=400, max_length=256,
        checkpoint_activations=False, save_every=100,
    ),
    language="parts/language", precision="fp32",
)  # fmt: skip
