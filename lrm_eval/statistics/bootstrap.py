"""Bootstrap over images: what would the number have been, had the benchmark drawn other images of the same kind?

Efron and Tibshirani 1993, ch. 6 and 13. Images are drawn with all their questions, within the strata whose
sizes the benchmark fixes. The spread of the replicates is the standard error: it is never divided by the square
root of their number, which would leave nothing but Monte-Carlo error.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from lrm_eval.statistics.boundary import LEVEL
from lrm_eval.statistics.wilson import t_quantile

if TYPE_CHECKING:
    from lrm_eval.scorers.metric import FloatArray, IntArray

REPLICATES = 1000
_DRAWS_AT_ONCE = 2_000_000
# A metric that is undefined in more replicates than this has no interval.
_UNDEFINED_ALLOWED = 0.05


def cluster_sums(stats: FloatArray, clusters: IntArray, count: int) -> FloatArray:
    """Sums of [N, K] units per image: [count, K]."""
    return np.stack([np.bincount(clusters, weights=column, minlength=count) for column in stats.T], axis=1)


def cluster_strata(clusters: IntArray, strata: IntArray, count: int) -> IntArray:
    """The stratum of each image, [count].

    Strata that share an image become one, since an image is drawn as a whole. Strata of a single image have
    no variance of their own and are put together (collapsed strata, Wolter 2007, ch. 2.5), with the largest
    stratum if one image is left over.
    """
    parent = list(range(int(strata.max(initial=0)) + 1))

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    stratum = np.full(count, -1, dtype=np.int64)
    met = np.unique(np.stack([clusters, strata], axis=1), axis=0) if len(parent) > 1 else None
    if met is None:
        return np.zeros(count, dtype=np.int64)
    for cluster, code in met.tolist():
        if stratum[cluster] < 0:
            stratum[cluster] = code
        else:
            parent[root(code)] = root(int(stratum[cluster]))
    stratum = np.array([root(int(code)) if code >= 0 else 0 for code in stratum], dtype=np.int64)
    sizes = np.bincount(stratum, minlength=len(parent))
    lonely = np.flatnonzero(sizes == 1)
    if len(lonely):
        target = int(np.argmax(sizes)) if len(lonely) == 1 else int(lonely[0])
        stratum[np.isin(stratum, lonely)] = target
    return stratum


def replicate_sums(sums: FloatArray, strata: IntArray, seed: int, replicates: int = REPLICATES) -> FloatArray:
    """Sums of the statistics in each replicate.

    Per stratum of G_h images a replicate is multinomial weights (G_h; 1/G_h, ..., 1/G_h); all replicates of some
    rows are one product [rows, G] @ [G, K].

    Args:
        sums: [G, K] per image.
        strata: [G] stratum of each image.
        seed: of the draws; the weights depend on it and on the strata alone.
        replicates: B.

    Returns:
        [B, K].
    """
    rng = np.random.default_rng(seed)
    count = len(sums)
    members = [np.flatnonzero(strata == code) for code in np.unique(strata)]
    rows = max(1, min(replicates, _DRAWS_AT_ONCE // max(1, count)))
    found = np.empty((replicates, sums.shape[1]))
    for start in range(0, replicates, rows):
        height = min(rows, replicates - start)
        weights = np.empty((height, count))
        for images in members:
            size = len(images)
            draws = rng.integers(0, size, size=(height, size))
            draws += np.arange(height)[:, None] * size
            drawn = np.bincount(draws.ravel(), minlength=height * size).reshape(height, size)
            if size == count:
                weights = drawn.astype(np.float64)
            else:
                weights[:, images] = drawn
        found[start : start + height] = weights @ sums
    return found


def percentile_interval(values: FloatArray, clusters: int, level: float = LEVEL) -> tuple[float, float] | None:
    """Expanded percentile interval of bootstrap values.

    Percentiles alone are too narrow with few images, by sqrt((G-1)/G) and for want of a t quantile; the
    tails are taken at Phi(-sqrt(G/(G-1)) * t) instead (Hesterberg 2015, The American Statistician 69:371-386).

    Args:
        values: [B], NaN where the metric is undefined.
        clusters: G >= 2.
        level: of confidence.

    Returns:
        Lower and upper end; None if the metric is undefined in more than 5 % of the replicates.
    """
    from scipy.special import ndtr

    defined = values[np.isfinite(values)]
    if len(defined) < (1 - _UNDEFINED_ALLOWED) * len(values) or not len(defined):
        return None
    tail = float(ndtr(-math.sqrt(clusters / (clusters - 1)) * t_quantile(clusters, level)))
    low, high = np.quantile(defined, [tail, 1 - tail])
    return float(low), float(high)
