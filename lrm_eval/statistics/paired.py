"""Does model A beat model B? Differences over the same images, and their tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from lrm_eval.statistics.bootstrap import REPLICATES
from lrm_eval.statistics.boundary import LEVEL
from lrm_eval.statistics.joint import joint
from lrm_eval.statistics.power import minimum_detectable
from lrm_eval.statistics.rare import FEW_DIFFERENT, contributions, pairs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lrm_eval.scorers.metric import FloatArray, Metric
    from lrm_eval.statistics.joint import Joint
    from lrm_eval.statistics.rare import Part

K = TypeVar("K")

# With so few images that differ all ways of swapping them are tried (2^14 of them); with more, t is accurate.
MOST_EXACT = FEW_DIFFERENT - 1

CLUSTERED_T = "clustered t"
EXACT_SWAPS = "exact swaps of images"
EXACT_MCNEMAR = "exact McNemar"


class Difference(NamedTuple):
    """A minus B over the same images.

    Attributes:
        value: None if one side is undefined.
        low: of the 95 % interval; None where there is no honest one.
        high: likewise.
        clusters: images.
        error: clustered standard error; None where undefined.
        p_value: two-sided, of no difference; uncorrected (see `holm`). None where there is no test.
        test: by which it was found: "clustered t", "exact swaps of images", "exact McNemar"; "" if None.
        mcnemar: p-value of the exact McNemar test, where it applies: a share, one question an image; else None.
        better: images on which A's answers add to the difference.
        worse: images on which they take from it.
        detectable: smallest difference that would have been seen four times in five; None where no image differs
            from the others, so that there is nothing to go by.
        note: "few images: 12", or "".
    """

    value: float | None
    low: float | None
    high: float | None
    clusters: int
    error: float | None
    p_value: float | None
    test: str
    mcnemar: float | None
    better: int
    worse: int
    detectable: float | None
    note: str


def mcnemar(better: int, worse: int) -> float:
    """Exact McNemar test: two-sided p of Binomial(b; b + c, 1/2) (McNemar 1947, Psychometrika 12:153-157).

    For independent questions only: several questions about one image, or one question in several languages, are
    not. 1 where nothing differs.

    Args:
        better: b, right in A and wrong in B.
        worse: c, wrong in A and right in B.

    Raises:
        ValueError: a negative count.
    """
    from scipy.special import bdtr

    if better < 0 or worse < 0:
        raise ValueError("counts are not negative")
    if better + worse == 0:
        return 1.0
    return min(1.0, 2 * float(bdtr(min(better, worse), better + worse, 0.5)))


def paired_difference(
    a: Metric, b: Metric, seed: int = 0, level: float = LEVEL, replicates: int = REPLICATES
) -> Difference:
    """A minus B for one metric of two models (or languages, or conditions) on the same items.

    Args:
        a: of the first.
        b: of the second, over the same images.
        seed: of the bootstrap.
        level: of confidence.
        replicates: B.

    Raises:
        ValueError: the two are not over the same images; whoever compares runs has to say which items differ.
    """
    return difference(joint({"a": a, "b": b}, seed, replicates), {"a": 1.0}, {"b": 1.0}, level)


def difference(
    together: Joint[K],
    a: Mapping[K, float],
    b: Mapping[K, float],
    level: float = LEVEL,
    comparisons: int = 1,
) -> Difference:
    """A minus B, each a weighted sum: {("m1", "sw"): 1} against {("m2", "sw"): 1}, or a macro mean against another.

    The interval is the percentile interval of the cluster bootstrap that both sides share. The p-value is
    that of the clustered t test (Miller 2024, arXiv:2411.00640, section 4.2). Where at most 14 images
    differ, t knows too little of them: then A's and B's answers are swapped on these images in all ways, which
    under no difference are equally likely; the p-value is the share of ways with a difference at least as large
    (Fisher's randomisation test with images as units). With one question an image that is the exact McNemar test.

    Args:
        together: metrics of both sides.
        a: weights of the first side.
        b: weights of the second, as many, in the same order (of languages).
        level: of confidence.
        comparisons: how many are made, for the detectable difference.

    Raises:
        ValueError: the sides do not match: keys in both, other weights, or other images.
    """
    if list(a.values()) != list(b.values()) or set(a) & set(b):
        raise ValueError("two sides of a difference have the same weights, and no metric in common")
    weights = {**a, **{key: -weight for key, weight in b.items()}}
    for one, other in zip(a, b, strict=True):
        if not np.array_equal(together.places[one], together.places[other]):
            raise ValueError(f"{one!r} and {other!r} are not scored over the same images")
    found = together.estimate(weights, level)
    if found.value is None:
        return Difference(None, None, None, found.clusters, None, None, "", None, 0, 0, None, found.note)
    parts = together.parts(weights)
    matched = pairs(parts)
    added = np.array(list(contributions(matched).values())) if matched else np.zeros(0)
    better, worse = int((added > 0).sum()), int((added < 0).sum())
    p_value, test = found.p_value, CLUSTERED_T if found.p_value is not None else ""
    exact = exact_swaps(parts) if found.clusters > 1 else None
    if exact is not None:
        p_value, test = exact, EXACT_SWAPS
    simple = len(a) == 1 and all(_one_answer_an_image(part) for part in parts)
    alone = mcnemar(better, worse) if simple else None
    if exact is not None and alone is not None:
        test = EXACT_MCNEMAR
    detectable = None
    # An error of 0 says nothing of what could have been seen; without an interval no difference is ever called one.
    if found.error and found.degrees > 0 and found.low is not None:
        detectable = minimum_detectable(found.error, found.degrees, level, comparisons=comparisons)
    return Difference(
        found.value,
        found.low,
        found.high,
        found.clusters,
        found.error,
        p_value,
        test,
        alone,
        better,
        worse,
        detectable,
        found.note,
    )


def _one_answer_an_image(part: Part) -> bool:
    """A share over questions that all count, one per image."""
    return (
        part.metric.proportion
        and len(part.metric.stats) == len(part.sums)
        and bool((part.sums[:, 1] == 1).all())
        and bool(np.isin(part.sums[:, 0], (0, 1)).all())
    )


def exact_swaps(parts: Sequence[Part]) -> float | None:
    """Two-sided p-value of swapping both sides' answers on whole images in all ways; None where too many differ.

    Args:
        parts: of a difference of two sides that match one by one.
    """
    matched = pairs(parts)
    if matched is None or len(parts) != 2 * len(matched):
        return None
    differing = np.unique(np.concatenate([one.places[(one.sums != other.sums).any(axis=1)] for one, other in matched]))
    if len(differing) > MOST_EXACT:
        return None
    # The last image stays: swapping all others with it or without gives the same sizes.
    ways = 1 << max(0, len(differing) - 1)
    swapped = (np.arange(ways)[:, None] >> np.arange(len(differing))) & 1  # [ways, k]
    values = np.zeros(ways)
    for one, other in matched:
        rows = np.searchsorted(one.places, differing)
        rows_of = np.minimum(rows, len(one.places) - 1)
        asked = one.places[rows_of] == differing
        change: FloatArray = np.where(asked[:, None], other.sums[rows_of] - one.sums[rows_of], 0.0)  # [k, K]
        moved = swapped @ change  # [ways, K]
        values += one.weight * one.metric.value_of(one.sums.sum(axis=0) + moved)
        values += other.weight * other.metric.value_of(other.sums.sum(axis=0) - moved)
    if not np.isfinite(values).all():
        return None
    seen = abs(values[0])
    return float((np.abs(values) >= seen - 1e-9 * max(1.0, seen)).mean())
