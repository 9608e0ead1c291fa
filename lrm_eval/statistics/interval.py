"""The 95 % interval of a metric."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from lrm_eval.statistics.bootstrap import (
    REPLICATES,
    cluster_strata,
    cluster_sums,
    percentile_interval,
    replicate_sums,
)
from lrm_eval.statistics.boundary import FEWEST_CLUSTERS, LEVEL, even_images
from lrm_eval.statistics.rare import Part, collapsed_bounds, edges, rare_bounds
from lrm_eval.statistics.wilson import clustered_wilson

if TYPE_CHECKING:
    from lrm_eval.scorers.metric import FloatArray, Metric

Interval: TypeAlias = tuple[float, float]


def metric_interval(
    metric: Metric, seed: int = 0, replicates: int = REPLICATES, cache: dict[int, FloatArray] | None = None
) -> tuple[Interval | None, int]:
    """The interval of a metric, on its own scale, and the number of images it rests on.

    Shares of questions get the clustered Wilson interval, everything else the bootstrap over images. Where hardly
    any image deviates from the best or the worst possible, the bootstrap knows too little of the rare ones and
    the interval is widened to what the exact bound on their number allows (`lrm_eval.statistics.rare`).

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
    present, codes = np.unique(metric.clusters, return_inverse=True)
    clusters = len(present)
    value = metric.value
    if value is None:
        return None, clusters
    if metric.proportion:
        share = clustered_wilson(metric.stats[:, 0], metric.stats[:, 1], metric.clusters)
        return ((share.low * 100, share.high * 100) if share else None), clusters
    if clusters < FEWEST_CLUSTERS:
        return None, clusters
    sums = cluster_sums(metric.stats, codes, clusters)
    strata = cluster_strata(codes, metric.strata, clusters)
    key = id(metric.stats)
    drawn = cache.get(key) if cache is not None else None
    if drawn is None:
        drawn = replicate_sums(sums, strata, seed, replicates)
        if cache is not None:
            cache[key] = drawn
    values = metric.value_of(drawn)
    even = even_images(np.bincount(codes, minlength=clusters))
    interval = percentile_interval(values, even, strata=len(np.unique(strata)))
    if interval is None:
        return None, clusters
    part = Part(metric, 1.0, np.arange(clusters), sums, edges(metric, codes, sums))
    if np.ptp(values[np.isfinite(values)]) <= 1e-9 * max(1.0, abs(value)):
        found = [value, *(collapsed_bounds([part], clusters, LEVEL) or ())]
    else:
        found = [value, *interval, *rare_bounds([part], clusters, LEVEL)]
    low, high = min(found), max(found)
    return ((low, high) if high > low else None), clusters
