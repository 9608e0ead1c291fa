"""Ranks with what the data cannot tell: intervals from simultaneous pairwise differences, and tie groups.

The bootstrap of a rank itself is not honest: among equals it draws a winner in every replicate. Here a model is
placed above another only if their difference is significant, all pairs tested together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from lrm_eval.scorers.metric import ratio
from lrm_eval.statistics.boundary import FEWEST_CLUSTERS, LEVEL
from lrm_eval.statistics.paired import exact_swaps

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lrm_eval.scorers.metric import BoolArray, FloatArray
    from lrm_eval.statistics.joint import Joint

K = TypeVar("K")
M = TypeVar("M")


@dataclass(frozen=True, slots=True)
class Ranked(Generic[M]):
    """One model's place.

    Attributes:
        model: its key.
        value: what it is ranked by.
        low: the best rank that the data allow, 1 being first.
        high: the worst.
        group: tie group, from 1: every model of an earlier group is separable from every model of a later one.
        best: not separable from the model with the best value; these are set in bold.
        beats: models it is significantly better than.
    """

    model: M
    value: float
    low: int
    high: int
    group: int
    best: bool
    beats: tuple[M, ...]


def rank_intervals(
    together: Joint[K],
    models: Mapping[M, Mapping[K, float]],
    level: float = LEVEL,
    higher_is_better: bool = True,
) -> list[Ranked[M]]:
    """Ranks with simultaneous 95 % intervals, best value first.

    Model i is separable from j if |d_ij| exceeds c times its bootstrap standard error, c the quantile of the
    largest studentised difference over all pairs in the same resamples (max-t), stepping down: pairs that
    are separated are left out and c is taken again until nothing changes (Romano and Wolf 2005, Econometrica
    73:1237-1282). A model's rank lies between 1 + (models separably better) and M - (models separably worse), for all
    models at once with the asked confidence (Mogstad, Romano, Shaikh and Wilhelm 2024, Review of Economic
    Studies 91:476-518). Where at most 14 images differ, the pair must also pass the exact test of
    `lrm_eval.statistics.paired`, corrected for the number of pairs.

    Args:
        together: metrics of all models, over the same images.
        models: by model, the weights of what it is ranked by: one metric, or a mean over languages, the same
            for all, in the same order.
        level: of joint confidence.
        higher_is_better: False for an error rate.

    Returns:
        Models whose value is defined. With fewer than five images nothing is separable.

    Raises:
        ValueError: unknown keys.
    """
    values = {model: together.value(weights) for model, weights in models.items()}
    names = [model for model, value in values.items() if value is not None]
    sign = 1.0 if higher_is_better else -1.0
    names.sort(key=lambda model: -sign * (values[model] or 0.0))
    if not names:
        return []
    own = np.array([values[model] for model in names], dtype=np.float64)
    better = _separable(together, [models[model] for model in names], own, level)
    count = len(names)
    ranked = []
    group = 1
    for place, model in enumerate(names):
        if place and better[:place, place:].all():
            group += 1
        ranked.append(
            Ranked(
                model=model,
                value=float(own[place]),
                low=1 + int(better[:, place].sum()),
                high=count - int(better[place].sum()),
                group=group,
                best=not better[0, place],
                beats=tuple(names[other] for other in np.flatnonzero(better[place])),
            )
        )
    return ranked


def _separable(together: Joint[K], models: list[Mapping[K, float]], values: FloatArray, level: float) -> BoolArray:
    """[M, M] row is significantly better than column; `values` [M] are sorted, best first."""
    from scipy.special import ndtri, stdtrit

    count = len(models)
    better = np.zeros((count, count), dtype=np.bool_)
    touched = together.touched([key for weights in models for key in weights])
    if count < 2 or len(touched) < FEWEST_CLUSTERS:
        return better
    drawn = np.stack([together.drawn(weights) for weights in models])  # [M, B]
    first, second = np.array(list(combinations(range(count), 2))).T  # [P]
    differences = drawn[first] - drawn[second]  # [P, B]
    observed = values[first] - values[second]
    defined = np.isfinite(differences).mean(axis=1) >= 0.95
    # The few resamples in which a metric is undefined neither widen nor move anything.
    differences = np.where(np.isfinite(differences), differences, observed[:, None])
    spread = differences.std(axis=1)
    largest = ratio(np.abs(differences - observed[:, None]), np.broadcast_to(spread[:, None], differences.shape), 0.0)
    size = ratio(np.abs(observed), spread, 0.0)
    even = min(together.even_images(weights) for weights in models)
    degrees = max(1.0, even - len(np.unique(together.strata[touched])))
    # The replicates' tails are normal; with few images those of t are longer.
    tail = 1 - (1 - level) / 2
    widening = float(stdtrit(degrees, tail)) / float(ndtri(tail))
    open_pairs = defined & (spread > 0)
    separated = defined & (spread == 0) & (observed != 0)
    while open_pairs.any():
        critical = widening * float(np.quantile(largest[open_pairs].max(axis=0), level))
        found = open_pairs & (size > critical)
        if not found.any():
            break
        separated |= found
        open_pairs &= ~found
    limit = (1 - level) / len(first)
    for pair in np.flatnonzero(separated):
        one, other = models[first[pair]], models[second[pair]]
        exact = exact_swaps(together.parts({**one, **{key: -weight for key, weight in other.items()}}))
        if exact is None or exact <= limit:
            better[first[pair], second[pair]] = True
    return better


def tie_groups(ranked: list[Ranked[M]]) -> list[list[M]]:
    """The models of each tie group, best group first."""
    found: list[list[M]] = [[] for _ in range(max((one.group for one in ranked), default=0))]
    for one in ranked:
        found[one.group - 1].append(one.model)
    return found


def win_probability(together: Joint[K], a: Mapping[K, float], b: Mapping[K, float]) -> float | None:
    """Share of resamples in which A is above B, ties half; None where undefined in more than 5 % of them.

    A picture of the doubt, no p-value.
    """
    differences = together.drawn(a) - together.drawn(b)
    defined = differences[np.isfinite(differences)]
    if len(defined) < 0.95 * len(differences):
        return None
    won = float((defined > 0).mean() + 0.5 * (defined == 0).mean())
    return won if math.isfinite(won) else None
