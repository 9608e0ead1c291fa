"""Means over languages and gaps to English, with intervals from one bootstrap that all languages of a model share.

The statistics are those of `lrm_eval.statistics.combined_interval`: images are drawn with their questions in every
language, since the same images are asked everywhere. A page needs many such numbers (a gap per language, means, on
every task); here the images are drawn once per model and table, and each number is a sum of columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lrm_eval.reporting.view import Estimate
from lrm_eval.scorers import BENCHMARKS, metrics
from lrm_eval.statistics import combined_interval
from lrm_eval.statistics.bootstrap import REPLICATES, cluster_sums, percentile_interval, replicate_sums
from lrm_eval.statistics.interval import FEWEST_CLUSTERS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lrm_eval.scorers.metric import FloatArray, Metric
    from lrm_eval.types import Item, Rules

PIVOT = "en"
# Replicates that differ by less than this do not differ: the bootstrap has nothing to say, an exact bound may.
_SAME = 1e-9


@dataclass(frozen=True, eq=False)
class SharedDraws:
    """One metric of one model in several languages, under the same resampled images.

    Attributes:
        metrics: per language tag.
        draws: per language tag, the metric under each replicate, [B].
        clusters: different images over all languages.
        seed: of the resampling.
    """

    metrics: Mapping[str, Metric]
    draws: Mapping[str, FloatArray]
    clusters: int
    seed: int

    def interval(self, weights: Mapping[str, float]) -> tuple[float, float] | None:
        """95 % interval of a weighted sum over languages; None if a language is missing or no honest one exists."""
        if self.clusters < FEWEST_CLUSTERS or any(tag not in self.draws for tag in weights):
            return None
        # An array product, not a sum of products: 0 * NaN stays NaN and is counted as undefined.
        combined = np.array(list(weights.values())) @ np.stack([self.draws[tag] for tag in weights])  # [B]
        if np.ptp(combined) > _SAME:
            return percentile_interval(combined, self.clusters)
        exact = combined_interval([self.metrics[tag] for tag in weights], list(weights.values()), self.seed)
        return None if exact.low is None or exact.high is None else (exact.low, exact.high)


def shared_draws(
    items: Mapping[str, Sequence[Item]], task: str, benchmark: str, rules: Rules, seed: int = 0
) -> dict[str, SharedDraws]:
    """Draws images once for all languages of one model on one task.

    Args:
        items: per language tag, read under `rules`.
        task: its name; a task that is not named as its benchmark has the categories its items have.
        benchmark: whose metrics to compute; an unknown one (of a plug-in) has no draws.
        rules: the rule set.
        seed: of the draws.

    Returns:
        Per primary metric. Languages in which the metric is undefined are left out.
    """
    if benchmark not in BENCHMARKS:
        return {}
    found: dict[str, dict[str, Metric]] = {}
    for tag, cell in items.items():
        declared = None if task == benchmark else list(dict.fromkeys(item.sample.category for item in cell))
        for metric in metrics(benchmark, cell, rules, declared):
            if metric.primary and metric.value is not None:
                found.setdefault(metric.name, {})[tag] = metric
    return {name: _draw(by_language, seed) for name, by_language in found.items()}


def _draw(by_language: Mapping[str, Metric], seed: int) -> SharedDraws:
    names: dict[str, int] = {}
    codes = {}
    for tag, metric in by_language.items():
        place = np.array([names.setdefault(name, len(names)) for name in metric.cluster_names], dtype=np.int64)
        codes[tag] = place[metric.clusters]
    count = len(names)
    if count < FEWEST_CLUSTERS:
        return SharedDraws(by_language, {}, count, seed)
    sums = [cluster_sums(metric.stats, codes[tag], count) for tag, metric in by_language.items()]
    drawn = replicate_sums(np.concatenate(sums, axis=1), np.zeros(count, dtype=np.int64), seed, REPLICATES)
    draws, start = {}, 0
    for tag, metric in by_language.items():
        stop = start + metric.stats.shape[1]
        draws[tag] = metric.value_of(drawn[:, start:stop])  # [B]
        start = stop
    return SharedDraws(by_language, draws, count, seed)


def mean_estimate(own: Mapping[str, float], drawn: SharedDraws | None, tags: Sequence[str]) -> Estimate | None:
    """Mean over `tags`; None if there are none or one has no value. An interval only where there are draws."""
    if not tags or any(tag not in own for tag in tags):
        return None
    return _estimate(own, drawn, {tag: 1 / len(tags) for tag in tags})


def gap_estimate(own: Mapping[str, float], drawn: SharedDraws | None, tags: Sequence[str]) -> Estimate | None:
    """Mean over `tags` of (value minus the value in English): negative where the model is worse than in English."""
    if not tags or PIVOT not in own or any(tag not in own for tag in tags):
        return None
    return _estimate(own, drawn, {**{tag: 1 / len(tags) for tag in tags}, PIVOT: -1.0})


def _estimate(own: Mapping[str, float], drawn: SharedDraws | None, weights: Mapping[str, float]) -> Estimate:
    value = sum(weight * own[tag] for tag, weight in weights.items())
    interval = drawn.interval(weights) if drawn else None
    if interval is None:
        return Estimate(value)
    return Estimate(value, min(interval[0], value), max(interval[1], value))
