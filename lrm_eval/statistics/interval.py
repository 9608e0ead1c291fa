"""The 95 % interval of a metric."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from lrm_eval.statistics.bootstrap import (
    REPLICATES,
    cluster_strata,
    cluster_sums,
    percentile_interval,
    replicate_sums,
)
from lrm_eval.statistics.boundary import clopper_pearson, unseen_share
from lrm_eval.statistics.wilson import clustered_wilson

if TYPE_CHECKING:
    from lrm_eval.scorers.metric import FloatArray, Metric

Interval: TypeAlias = tuple[float, float]

# Resamples of four images or fewer miss the truth more than one time in ten, whatever quantile is taken.
FEWEST_CLUSTERS = 5
# With fewer deviating images than this, their number is a Poisson count that a bootstrap takes for known.
FEW_DEVIATING = 10


def metric_interval(
    metric: Metric, seed: int = 0, replicates: int = REPLICATES, cache: dict[int, FloatArray] | None = None
) -> tuple[Interval | None, int]:
    """The interval of a metric, on its own scale, and the number of images it rests on.

    Shares of questions get the clustered Wilson interval, everything else the bootstrap over images. Where hardly
    any image deviates from the best or the worst possible, the bootstrap knows too little of the rare ones and
    the interval is widened to what the exact bound on their number allows (see `_rare_bounds`).

    Args:
        metric: of any benchmark.
        seed: of the bootstrap.
        replicates: B.
        cache: replicate sums by id of `metric.stats`, for metrics that share their statistics; those
            metrics must stay alive as long as the cache.

    Returns:
        (low, high) or None where there is no honest interval: the value is undefined, or there is one image
        (for the bootstrap: fewer than five); and the number of different images.
    """
    clusters = len(np.unique(metric.clusters))
    value = metric.value
    if value is None:
        return None, clusters
    if metric.proportion:
        share = clustered_wilson(metric.stats[:, 0], metric.stats[:, 1], metric.clusters)
        return ((share.low * 100, share.high * 100) if share else None), clusters
    if clusters < FEWEST_CLUSTERS:
        return None, clusters
    codes = np.unique(metric.clusters, return_inverse=True)[1]
    key = id(metric.stats)
    if cache is None or key not in cache:
        sums = cluster_sums(metric.stats, codes, clusters)
        strata = cluster_strata(codes, metric.strata, clusters)
        drawn = replicate_sums(sums, strata, seed, replicates)
        if cache is not None:
            cache[key] = drawn
    else:
        drawn = cache[key]
    values = metric.value_of(drawn)
    interval = percentile_interval(values, clusters)
    if interval is None:
        return None, clusters
    low, high = min(interval[0], value), max(interval[1], value)
    if metric.low is None or metric.high is None:
        return ((low, high) if high > low else None), clusters
    collapsed = bool(np.ptp(values[np.isfinite(values)]) <= 1e-9 * max(1.0, abs(value)))
    for bound in _rare_bounds(metric, codes, clusters, collapsed=collapsed):
        if math.isfinite(bound):
            low, high = min(low, bound), max(high, bound)
    return (low, high), clusters


def _rare_bounds(
    metric: Metric, codes: np.ndarray[tuple[int, ...], np.dtype[np.int64]], clusters: int, *, collapsed: bool
) -> list[float]:
    """Values that the exact bound on the share of deviating images cannot rule out.

    Let S be the sums as they are, H (L) the sums had every unit gone up (down) as far as it can.

    - No replicate differs, because no image does: at most u = 1 - 0.025^(1/G) of all images behave
      otherwise (Clopper-Pearson with none seen). In the worst case those go all the way down, in the best all the
      way up: value((1-u) S + u L) and value((1-u) S + u H).
    - k of G images fall short of H, k small: the share lies within Clopper-Pearson's (l, u) of k of G. With the
      same loss per deviating image the sums are H - (u G/k)(H - S) and H - (l G/k)(H - S). Likewise for L.
    """
    assert metric.low is not None
    assert metric.high is not None
    total = metric.stats.sum(axis=0)
    found = []
    if collapsed:
        rare = unseen_share(clusters)
        mixed = [(1 - rare) * total + rare * extreme.sum(axis=0) for extreme in (metric.low, metric.high)]
        return [float(metric.value_of(sums)) for sums in mixed]
    for extreme in (metric.high, metric.low):
        differs = cluster_sums(np.abs(extreme - metric.stats), codes, clusters).any(axis=1)
        deviating = int(differs.sum())
        if 0 < deviating < FEW_DEVIATING:
            full = extreme.sum(axis=0)
            for share in clopper_pearson(deviating, clusters):
                scale = share * clusters / deviating
                found.append(float(metric.value_of(full - scale * (full - total))))
    return found
