"""How far apart two sets of features are: pure functions of matrices [N, D], one row a sample in both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class Estimate:
    """A number with a 95 % percentile bootstrap interval over samples."""

    value: float
    low: float
    high: float


def unit(features: Matrix) -> Matrix:
    """Rows of length 1; a row of zeros stays zero."""
    norms = np.linalg.norm(features, axis=1, keepdims=True)
    result: Matrix = (features / np.where(norms == 0, 1, norms)).astype(features.dtype, copy=False)
    return result


def centroid_distance(visual: Matrix, text: Matrix) -> float:
    """Distance between the means of the two sets of unit vectors, 0 to 2.

    Source: Liang et al. 2022, "Mind the Gap", section 3: the modality gap.
    """
    return float(np.linalg.norm(unit(visual).mean(0) - unit(text).mean(0)))


def linear_cka(visual: Matrix, text: Matrix) -> float:
    """Linear centred kernel alignment, 0 (unrelated) to 1 (same up to rotation and scale).

    Source: Kornblith et al. 2019, "Similarity of Neural Network Representations Revisited", equation 4 with linear
    kernels: |Y'X|_F^2 / (|X'X|_F |Y'Y|_F), columns centred.
    """
    x, y = visual - visual.mean(0), text - text.mean(0)
    return _cka(x @ x.T, y @ y.T)


def _cka(left: Matrix, right: Matrix) -> float:
    """CKA of two centred Gram matrices [N, N]; both forms of the Frobenius norm agree."""
    below = float(np.linalg.norm(left)) * float(np.linalg.norm(right))
    return float(np.vdot(left, right)) / below if below else 0.0


def cka_estimate(visual: Matrix, text: Matrix, draws: int = 200, seed: int = 0, rows: int = 1000) -> Estimate:
    """CKA with an interval.

    Resampling rows with repetition would put equal rows into the Gram matrices and lift both norms; the interval comes
    from subsets without repetition, their spread scaled to the whole set (Politis, Romano and Wolf 1999,
    "Subsampling", chapter 2): root-N convergence is assumed.
    """
    count = len(visual)
    value = linear_cka(visual, text)
    size = min(rows, count // 2)
    if size < 10:
        return Estimate(value, float("nan"), float("nan"))
    rng = np.random.default_rng(seed)
    picks = (rng.choice(count, size, replace=False) for _ in range(draws))
    parts = np.array([linear_cka(visual[pick], text[pick]) for pick in picks])
    # CKA is biased upwards in small sets: the spread is taken around the subsets' own mean.
    scale = np.sqrt(size / count) / np.sqrt(1 - size / count)
    low, high = np.quantile(parts - parts.mean(), [0.025, 0.975]) * scale
    return Estimate(value, float(np.clip(value + low, 0, 1)), float(np.clip(value + high, 0, 1)))


def mutual_neighbours(visual: Matrix, text: Matrix, k: int = 10) -> NDArray[np.float64]:
    """Share of each sample's k nearest neighbours that both sets agree on, [N] in 0..1.

    Source: Huh et al. 2024, "The Platonic Representation Hypothesis", section 3: mutual nearest neighbours, by cosine.
    """
    k = min(k, len(visual) - 1)
    if k < 1:
        return np.zeros(len(visual))
    left, right = _neighbours(unit(visual), k), _neighbours(unit(text), k)
    shared = [len(np.intersect1d(a, b, assume_unique=True)) for a, b in zip(left, right, strict=True)]
    return np.array(shared) / k


def _neighbours(rows: Matrix, k: int, block: int = 512) -> NDArray[Any]:
    found = []
    for start in range(0, len(rows), block):
        near = rows[start : start + block] @ rows.T
        near[np.arange(len(near)), np.arange(start, start + len(near))] = -np.inf  # not its own neighbour
        found.append(np.argpartition(-near, k - 1, axis=1)[:, :k])
    return np.concatenate(found)


def retrieval_hits(visual: Matrix, text: Matrix, block: int = 512) -> NDArray[np.float64]:
    """Whether the nearest text of each image (cosine) is its own: [N], ties shared (image-to-text R@1).

    Equal texts, as of two images with the same description, tie and count 1 / ties.
    """
    images, texts = unit(visual), unit(text)
    hits = []
    for start in range(0, len(images), block):
        near = images[start : start + block] @ texts.T
        own = near[np.arange(len(near)), np.arange(start, start + len(near))]
        best = near.max(1)
        ties = (near >= best[:, None] - 1e-6).sum(1)
        hits.append((own >= best - 1e-6) / ties)
    return np.concatenate(hits)


def mean_estimate(values: NDArray[np.float64], draws: int = 2000, seed: int = 0) -> Estimate:
    """The mean of one number a sample, with its bootstrap interval."""
    rng = np.random.default_rng(seed)
    means = [values[rng.integers(0, len(values), len(values))].mean() for _ in range(draws)]
    low, high = np.quantile(means, [0.025, 0.975])
    return Estimate(float(values.mean()), float(low), float(high))


def paired_estimate(
    measure: Callable[[Matrix, Matrix], float], visual: Matrix, text: Matrix, draws: int = 500, seed: int = 0
) -> Estimate:
    """A measure of means (such as the distance of centroids) with its bootstrap interval over samples."""
    rng = np.random.default_rng(seed)
    count = len(visual)
    drawn = []
    for _ in range(draws):
        pick = rng.integers(0, count, count)
        drawn.append(measure(visual[pick], text[pick]))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Estimate(measure(visual, text), float(low), float(high))
