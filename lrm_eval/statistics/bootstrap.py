"""Bootstrap over images: what would the number have been, had the benchmark drawn other images of the same kind?

Efron and Tibshirani 1993, ch. 6 and 13. Images are drawn with all their questions, within the strata whose
sizes the benchmark fixes. The spread of the replicates is the standard error: it is never divided by the square
root of their number, which would leave nothing but Monte-Carlo error.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from lrm_eval.statistics.boundary import LEVEL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lrm_eval.scorers.metric import FloatArray, IntArray

REPLICATES = 1000
_DRAWS_AT_ONCE = 2_000_000
# Weights of so many images times replicates are kept for the next metric: 32 MB each, twice.
_KEPT = 4_000_000
# A metric that is undefined in more replicates than this has no interval.
_UNDEFINED_ALLOWED = 0.05


def cluster_sums(stats: FloatArray, clusters: IntArray, count: int) -> FloatArray:
    """Sums of [N, K] units per image: [count, K]."""
    return np.stack([np.bincount(clusters, weights=column, minlength=count) for column in stats.T], axis=1)


def cluster_strata(clusters: IntArray, strata: IntArray, count: int) -> IntArray:
    """The stratum of each image, [count]: `merged_strata`, and no stratum of one image left (`collapsed`).

    Args:
        clusters: [N] image of each unit.
        strata: [N] stratum of each unit.
        count: images.
    """
    return collapsed(merged_strata(clusters, strata, count))


def merged_strata(clusters: IntArray, strata: IntArray, count: int) -> IntArray:
    """The stratum of each image, [count]; strata that share an image become one, since it is drawn as a whole."""
    parent = list(range(int(strata.max(initial=0)) + 1))

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    if len(parent) == 1:
        return np.zeros(count, dtype=np.int64)
    stratum = np.full(count, -1, dtype=np.int64)
    for cluster, code in np.unique(np.stack([clusters, strata], axis=1), axis=0).tolist():
        if stratum[cluster] < 0:
            stratum[cluster] = code
        else:
            parent[root(code)] = root(int(stratum[cluster]))
    roots = np.array([root(code) for code in range(len(parent))], dtype=np.int64)
    return np.where(stratum >= 0, roots[stratum], 0)


def collapsed(stratum: IntArray) -> IntArray:
    """[G] -> [G], no stratum of one image left.

    A single image has no variance of its own: such strata are put together (collapsed strata, Wolter 2007,
    ch. 2.5), with the largest stratum if one image is left over.
    """
    stratum = stratum.copy()
    sizes = np.bincount(stratum)
    lonely = np.flatnonzero(sizes == 1)
    if len(lonely):
        target = int(np.argmax(sizes)) if len(lonely) == 1 else int(lonely[0])
        stratum[np.isin(stratum, lonely)] = target
    return stratum


def replicate_weights(strata: IntArray, seed: int, replicates: int = REPLICATES) -> Iterator[FloatArray]:
    """Resampling weights of the images, some replicates at a time.

    Of a stratum of n images, n - 1 are drawn with replacement and each draw weighs n / (n - 1): the weights of
    a stratum add up to n, and the variance of a sum is the unbiased one however small the stratum is, where drawing
    n of n would lose the factor (n - 1) / n (Rao and Wu 1988, JASA 83:231-241; Rao, Wu and Yue 1992).

    Args:
        strata: [G] stratum of each image.
        seed: of the draws; the weights depend on it and on the strata alone.
        replicates: B.

    Yields:
        [rows, G], B rows in all, not to be written to.
    """
    if len(strata) * replicates <= _KEPT:
        yield from _kept_weights(np.ascontiguousarray(strata, dtype=np.int64).tobytes(), seed, replicates)
    else:
        yield from _drawn_weights(strata, seed, replicates)


@lru_cache(maxsize=2)
def _kept_weights(strata: bytes, seed: int, replicates: int) -> tuple[FloatArray, ...]:
    # Every language of a task has the same images and the same seed, and so the same draws.
    found = tuple(_drawn_weights(np.frombuffer(strata, dtype=np.int64), seed, replicates))
    for weights in found:
        weights.setflags(write=False)
    return found


def _drawn_weights(strata: IntArray, seed: int, replicates: int) -> Iterator[FloatArray]:
    rng = np.random.default_rng(seed)
    count = len(strata)
    members = [np.flatnonzero(strata == code) for code in np.unique(strata)]
    rows = max(1, min(replicates, _DRAWS_AT_ONCE // max(1, count)))
    for start in range(0, replicates, rows):
        height = min(rows, replicates - start)
        weights: FloatArray = np.ones((height, count))
        for images in members:
            size = len(images)
            if size == 1:
                continue
            draws = rng.integers(0, size, size=(height, size - 1))
            draws += np.arange(height)[:, None] * size
            drawn = np.bincount(draws.ravel(), minlength=height * size).reshape(height, size)
            scaled = (drawn * (size / (size - 1))).astype(np.float64, copy=False)
            if size == count:
                weights = scaled
            else:
                weights[:, images] = scaled
        yield weights


def replicate_sums(sums: FloatArray, strata: IntArray, seed: int, replicates: int = REPLICATES) -> FloatArray:
    """Sums of the statistics in each replicate: one product of weights [rows, G] and sums [G, K] per batch.

    Args:
        sums: [G, K] per image.
        strata: [G] stratum of each image.
        seed: of the draws.
        replicates: B.

    Returns:
        [B, K].
    """
    return np.concatenate([weights @ sums for weights in replicate_weights(strata, seed, replicates)])


def percentile_interval(
    values: FloatArray, clusters: float, level: float = LEVEL, strata: int = 1
) -> tuple[float, float] | None:
    """Percentile interval of bootstrap values, its tails those of Student's t.

    Percentiles alone are too narrow with few images for want of a t quantile: the tails are taken at
    Phi(-t) (Hesterberg 2015, The American Statistician 69:371-386); his factor sqrt(G/(G-1)) is already in
    the weights (see `replicate_weights`).

    Args:
        values: [B], NaN where the metric is undefined.
        clusters: G >= 2, or fewer if some images count more than others (`even_images`).
        level: of confidence.
        strata: H; t has G - H degrees of freedom.

    Returns:
        Lower and upper end; None if the metric is undefined in more than 5 % of the replicates.
    """
    from scipy.special import ndtr, stdtrit

    defined = values[np.isfinite(values)]
    if len(defined) < (1 - _UNDEFINED_ALLOWED) * len(values) or not len(defined):
        return None
    quantile = float(stdtrit(max(1.0, clusters - strata), 1 - (1 - level) / 2))
    tail = float(ndtr(-quantile))
    low, high = np.quantile(defined, [tail, 1 - tail])
    return float(low), float(high)
