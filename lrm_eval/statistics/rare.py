"""Bounds where hardly any image deviates: there the bootstrap takes a small count for known, and is too narrow.

Three things may be nearly constant: every answer right (the best possible), every answer wrong (the worst
possible), or two models, or languages, that answer all but a few images alike.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lrm_eval.statistics.bootstrap import cluster_sums
from lrm_eval.statistics.boundary import clopper_pearson, unseen_share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrm_eval.scorers.metric import BoolArray, FloatArray, IntArray, Metric

# With fewer deviating images than this, their number is a Poisson count that a bootstrap takes for known.
FEW_DEVIATING = 10
# Of a difference, which may go both ways, more are needed until both counts are known. The exact test of
# `paired` is used below the same number.
FEW_DIFFERENT = 15
_SAME = 1e-12


class Edge(NamedTuple):
    """How far a metric is from as good, or as bad, as it can be.

    Attributes:
        differs: [G_k] images whose statistics are not at the edge.
        total: [K] the sums at the edge.
    """

    differs: BoolArray
    total: FloatArray


class Part(NamedTuple):
    """One metric of a weighted sum.

    Attributes:
        metric: itself.
        weight: its weight.
        places: [G_k] its images among all.
        sums: [G_k, K] its statistics per image.
        edges: at its best and at its worst; None where the metric knows neither.
    """

    metric: Metric
    weight: float
    places: IntArray
    sums: FloatArray
    edges: tuple[Edge, Edge] | None


def edges(metric: Metric, units: IntArray, sums: FloatArray) -> tuple[Edge, Edge] | None:
    """The best and the worst edge of a metric.

    Args:
        metric: with `low` and `high`, else there are none.
        units: [N] row of `sums` of each unit.
        sums: [G_k, K] per image.
    """
    if metric.high is None or metric.low is None:
        return None
    found = []
    for extreme in (metric.high, metric.low):
        distance = cluster_sums(np.abs(extreme - metric.stats), units, len(sums))
        found.append(Edge(distance.max(axis=1, initial=0.0) > 0, extreme.sum(axis=0)))
    return found[0], found[1]


def collapsed_bounds(parts: Sequence[Part], clusters: int, level: float) -> tuple[float, float] | None:
    """What cannot be ruled out when no replicate differs, because no image does.

    At most u = 1 - (alpha/2)^(1/G) of all images behave otherwise (Clopper-Pearson with none seen). In the worst
    case those go all the way down (up, under a negative weight), in the best all the way up: with S the sums as
    they are, H at the best and L at the worst, value((1-u) S + u L) and value((1-u) S + u H).

    Args:
        parts: of the weighted sum.
        clusters: G, images over all parts.
        level: of confidence.

    Returns:
        Lower and upper bound; None where a metric does not know its extremes or is undefined there.
    """
    rare = unseen_share(clusters, level)
    low = high = 0.0
    for part in parts:
        if part.edges is None:
            return None
        total = part.sums.sum(axis=0)
        ends = [
            part.weight * float(part.metric.value_of((1 - rare) * total + rare * edge.total)) for edge in part.edges
        ]
        low, high = low + min(ends), high + max(ends)
    return (low, high) if math.isfinite(low) and math.isfinite(high) else None


def rare_bounds(parts: Sequence[Part], clusters: int, level: float) -> list[float]:
    """Values that the exact bound on the share of deviating images cannot rule out; empty where many deviate.

    Args:
        parts: of the weighted sum.
        clusters: G, images over all parts.
        level: of confidence.
    """
    found = [*_edge_bounds(parts, clusters, level), *_difference_bounds(parts, clusters, level)]
    return [bound for bound in found if math.isfinite(bound)]


def _edge_bounds(parts: Sequence[Part], clusters: int, level: float) -> list[float]:
    """Where k of G images fall short of the best H, k small, their share lies within Clopper-Pearson's (l, u).

    With the same loss per deviating image the sums are H - (u G/k)(H - S) and H - (l G/k)(H - S). Likewise
    for the worst.
    """
    found = []
    for side in (0, 1):
        deviating: set[int] = set()
        for part in parts:
            if part.edges is None:
                return []
            own = part.places[part.edges[side].differs]
            if len(own) >= FEW_DEVIATING:
                break
            deviating.update(own.tolist())
        else:
            if not 0 < len(deviating) < FEW_DEVIATING:
                continue
            for share in clopper_pearson(len(deviating), clusters, level):
                scale, bound = share * clusters / len(deviating), 0.0
                for part in parts:
                    assert part.edges is not None
                    best = part.edges[side].total
                    moved = best - scale * (best - part.sums.sum(axis=0))
                    bound += part.weight * float(part.metric.value_of(moved))
                found.append(bound)
    return found


def pairs(parts: Sequence[Part]) -> list[tuple[Part, Part]] | None:
    """The (positive, negative) parts of a difference that ask the same images the same things, one by one.

    One against one, each of several against one (the gap to English), or the first against the first and so
    on (averages of two models); None for anything else.
    """
    positive = [part for part in parts if part.weight > 0]
    negative = [part for part in parts if part.weight < 0]
    if not positive or not negative or abs(sum(part.weight for part in parts)) > 1e-9:
        return None
    if len(negative) == 1:
        matched = [(one, negative[0]) for one in positive]
    elif len(positive) == 1:
        matched = [(positive[0], one) for one in negative]
    elif [part.weight for part in positive] == [-part.weight for part in negative]:
        matched = list(zip(positive, negative, strict=True))
    else:
        return None
    for one, other in matched:
        if one.sums.shape != other.sums.shape or not np.array_equal(one.places, other.places):
            return None
    return matched


def contributions(matched: Sequence[tuple[Part, Part]]) -> dict[int, float]:
    """By image: what its deviating answers add to the difference, were it the only one that deviates."""
    found: dict[int, float] = {}
    for one, other in matched:
        weight = min(abs(one.weight), abs(other.weight))
        rows = np.flatnonzero((one.sums != other.sums).any(axis=1))
        total = other.sums.sum(axis=0)
        value_of = one.metric.value_of
        moved = value_of(total + one.sums[rows] - other.sums[rows]) - value_of(total)  # [k]
        for place, added in zip(one.places[rows].tolist(), (weight * moved).tolist(), strict=True):
            found[place] = found.get(place, 0.0) + added
    return {place: added for place, added in found.items() if not abs(added) <= _SAME}


def _difference_bounds(parts: Sequence[Part], clusters: int, level: float) -> list[float]:
    """Few images differ at all: k+ in favour, k- against.

    Each share lies within Clopper-Pearson's limits; a deviating image adds as much as those seen do on average.
    The limits of the two sums are combined by the square-and-add rule (MOVER, Zou and Donner 2008, Statistics in
    Medicine 27:1693-1702; Newcombe 1998).
    """
    matched = pairs(parts)
    if matched is None or any((one.sums != other.sums).any(axis=1).sum() >= FEW_DIFFERENT for one, other in matched):
        return []
    added = np.array(list(contributions(matched).values()))
    if not 0 < len(added) < FEW_DIFFERENT or not np.isfinite(added).all():
        return []
    size = float(np.abs(added).mean())
    up, down = added[added > 0], -added[added < 0]
    (up_low, up_high), (down_low, down_high) = (_amount(side, size, clusters, level) for side in (up, down))
    gain, loss = float(up.sum()), float(down.sum())
    difference = gain - loss
    low = difference - math.hypot(gain - up_low, down_high - loss)
    high = difference + math.hypot(up_high - gain, loss - down_low)
    return [low, high]


def _amount(side: FloatArray, size: float, clusters: int, level: float) -> tuple[float, float]:
    """Limits of the sum of one side's contributions."""
    low, high = clopper_pearson(len(side), clusters, level)
    each = float(side.mean()) if len(side) else size
    return low * clusters * each, high * clusters * each
