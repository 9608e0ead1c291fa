"""Figure 5 of the paper: t-SNE of visual and text features, kernel density contours, one panel a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lrm_llava.analysis.features import Features

# Okabe and Ito's blue and vermilion: told apart by colour-blind readers, and in grey by their lightness.
COLORS = {"image": "#0072B2", "text": "#D55E00"}
POINTS = 4000  # of each kind, at most: t-SNE is quadratic in practice


def embed(features: Features, seed: int, points: int = POINTS) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Visual and text features in one plane: [M, 2] each.

    Every sample's text is shown in one language, in turn, so that both clouds have as many points.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    rng = np.random.default_rng(seed)
    count = len(features.visual)
    picks = rng.permutation(count)[:points]
    tags = list(features.text)
    text = np.stack([features.text[tags[number % len(tags)]][pick] for number, pick in enumerate(picks)])
    both = np.concatenate([features.visual[picks], text]).astype(np.float64)
    both /= np.maximum(np.linalg.norm(both, axis=1, keepdims=True), 1e-12)
    reduced = PCA(min(50, *both.shape), random_state=seed).fit_transform(both)
    perplexity = min(30.0, max(2.0, (len(both) - 1) / 4))
    plane = TSNE(2, perplexity=perplexity, init="pca", random_state=seed).fit_transform(reduced)
    return plane[: len(picks)], plane[len(picks) :]


def draw(features: Mapping[str, Features], out: Path, seed: int = 0) -> None:
    """Write figure.png and figure.svg: one panel a model, contours over faint points."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    with mpl.rc_context({"font.size": 9, "svg.hashsalt": "lrm-eval"}):
        figure, panels = plt.subplots(1, len(features), figsize=(3.6 * len(features), 3.4), squeeze=False)
        for panel, (name, found) in zip(panels[0], features.items(), strict=True):
            visual, text = embed(found, seed)
            for label, points in (("image", visual), ("text", text)):
                _density(panel, points, COLORS[label], label)
            panel.set_title(name)
            panel.set_xticks([])
            panel.set_yticks([])
        panels[0][0].legend(loc="best", frameon=False, markerscale=4)
        figure.tight_layout()
        figure.savefig(out / "figure.png", dpi=200)
        figure.savefig(out / "figure.svg", metadata={"Date": None})
        plt.close(figure)


def _density(panel: Any, points: np.ndarray[Any, Any], color: str, label: str) -> None:
    from scipy.stats import gaussian_kde

    panel.scatter(*points.T, s=1, color=color, alpha=0.25, linewidths=0, label=label)
    if len(points) < 10 or np.linalg.matrix_rank(points - points.mean(0)) < 2:
        return  # too few points for a density
    low, high = points.min(0), points.max(0)
    margin = 0.1 * (high - low)
    axes = [np.linspace(low[side] - margin[side], high[side] + margin[side], 80) for side in (0, 1)]
    grid = np.stack(np.meshgrid(*axes), 0)
    height = gaussian_kde(points.T)(grid.reshape(2, -1)).reshape(80, 80)
    panel.contour(axes[0], axes[1], height, levels=6, colors=color, linewidths=0.8)
