"""`lrm-llava analyze alignment`: models side by side, in numbers and as figure 5."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from lrm_eval.errors import UsageError
from lrm_llava.analysis.features import Features, extract, read_parallel, tiny_parallel
from lrm_llava.analysis.measures import (
    Estimate,
    centroid_distance,
    cka_estimate,
    mean_estimate,
    mutual_neighbours,
    paired_estimate,
    retrieval_hits,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

MEASURES = {
    "centroid_distance": "distance of centroids",
    "cka": "linear CKA",
    "mutual_neighbours": "mutual 10 nearest neighbours",
    "retrieval": "image-to-text R@1",
}


def measure_language(features: Features, tag: str, seed: int = 0) -> dict[str, Estimate]:
    """All four measures between images and texts of one language."""
    visual, text = features.visual, features.text[tag]
    return {
        "centroid_distance": paired_estimate(centroid_distance, visual, text, seed=seed, draws=100),
        "cka": cka_estimate(visual, text, seed=seed, draws=50),
        "mutual_neighbours": mean_estimate(mutual_neighbours(visual, text), seed=seed),
        "retrieval": mean_estimate(retrieval_hits(visual, text), seed=seed),
    }


def analyze(
    models: Sequence[str], out: Path, tell: Callable[[str], None], samples: Path | None = None, count: int = 1000,
    layer: int = 0, seed: int = 0, figure: bool = True,
) -> dict[str, dict[str, dict[str, Estimate]]]:  # fmt: skip
    """Measure every model in every language; writes alignment.json, and figure.png and figure.svg.

    Args:
        models: names of presets, or `hf:` and a folder.
        out: folder for the results.
        tell: takes one line at a time.
        samples: JSON lines of images with parallel texts; None draws scenes of the tiny world.
        count: samples at most.
        layer: of the language model; 0 is where the projector puts the image.
        seed: of bootstrap and t-SNE.
        figure: also draw.

    Raises:
        UsageError: a model that is no LLaVA, samples that cannot be read, fewer than three of them.
    """
    data = tiny_parallel(count) if samples is None else read_parallel(samples, count)
    if len(data) < 3:
        raise UsageError(f"{len(data)} samples: at least 3 are needed, and hundreds for narrow intervals")
    out.mkdir(parents=True, exist_ok=True)
    found: dict[str, dict[str, dict[str, Estimate]]] = {}
    features: dict[str, Features] = {}
    for name in models:
        model, processor = _load(name)
        tell(f"{name}: features of {len(data):,} images and {len(data[0].texts)} languages")
        features[name] = extract(model, processor, data, layer)
        found[name] = {tag: measure_language(features[name], tag, seed) for tag in features[name].text}
        del model
    table = {
        name: {tag: {key: asdict(value) for key, value in row.items()} for tag, row in rows.items()}
        for name, rows in found.items()
    }
    facts: dict[str, Any] = {"samples": len(data), "layer": layer, "seed": seed, "models": table}
    (out / "alignment.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    if figure:
        from lrm_llava.analysis.figure import draw

        draw(features, out, seed)
        tell(f"{out / 'figure.png'}, {out / 'figure.svg'}")
    return found


def rows(found: Mapping[str, Mapping[str, Mapping[str, Estimate]]]) -> list[list[str]]:
    """Model, language and the four measures with intervals, as text."""
    lines = []
    for name, languages in found.items():
        for tag, values in languages.items():
            cells = [f"{one.value:.3f} [{one.low:.3f}, {one.high:.3f}]" for one in values.values()]
            lines.append([name, tag, *cells])
    return lines


def _load(name: str) -> tuple[Any, Any]:
    from transformers import LlavaForConditionalGeneration, LlavaProcessor

    from lrm_llava.assembly import is_checkpoint
    from model_adapters.checkpoints import locate
    from model_adapters.registry import resolve_model

    spec = resolve_model(name)
    if spec.checkpoint is None:
        raise UsageError(f"{name}: has no weights to look into")
    folder = locate(spec.checkpoint)
    if not is_checkpoint(folder):
        raise UsageError(f"{name}: is not a LLaVA; its projected features cannot be had")
    model = LlavaForConditionalGeneration.from_pretrained(folder, use_safetensors=True).eval()
    return model, LlavaProcessor.from_pretrained(folder)
