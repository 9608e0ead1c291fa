"""Wilson's interval for a share of questions, where questions about one image are not independent."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lrm_eval.statistics.boundary import LEVEL, even_images, unseen_share

if TYPE_CHECKING:
    from lrm_eval.scorers.metric import FloatArray, IntArray


class Share(NamedTuple):
    """A share with what its interval rests on.

    Attributes:
        low: lower end, 0-1.
        high: upper end, 0-1.
        effective_n: independent questions that would tell as much (Korn and Graubard).
        design_effect: variance relative to independent questions, as estimated (may be below 1).
        clusters: images among the questions.
    """

    low: float
    high: float
    effective_n: float
    design_effect: float
    clusters: int


def wilson(p: float, n: float, quantile: float) -> tuple[float, float]:
    """Wilson's score interval (1927): (p + q^2/2n -+ q sqrt(p(1-p)/n + q^2/4n^2)) / (1 + q^2/n).

    Args:
        p: observed share, 0-1.
        n: number of independent observations, not necessarily whole.
        quantile: q, of the normal or of a t distribution.
    """
    scale = 1 + quantile**2 / n
    centre = (p + quantile**2 / (2 * n)) / scale
    half = quantile * math.sqrt(p * (1 - p) / n + quantile**2 / (4 * n**2)) / scale
    return max(0.0, centre - half), min(1.0, centre + half)


def t_quantile(clusters: float, level: float = LEVEL) -> float:
    """Two-sided quantile of Student's t with `clusters` - 1 degrees of freedom, at least one."""
    from scipy.special import stdtrit

    return float(stdtrit(max(1.0, clusters - 1), 1 - (1 - level) / 2))


def clustered_wilson(hits: FloatArray, base: FloatArray, clusters: IntArray, level: float = LEVEL) -> Share | None:
    """Wilson's interval on the effective number of questions.

    With e_c = x_c - p n_c per image, the variance of p = sum x / sum n is sum e_c^2 / (1 - n_c/n) / n^2
    (linearised ratio, Cochran 1977 ch. 6; the residual of an image that pulls p towards itself is too small, and
    1 - n_c/n makes up for it, Bell and McCaffrey 2002; with equal n_c it is the usual G/(G-1)); deff = variance /
    (p(1-p)/n); effective n = n / deff (Korn and Graubard 1998, Survey Methodology 24:193-201), never more than n,
    since a deff below 1 from few images is mostly noise; quantiles of t with G - 1 degrees of freedom, G that of
    `even_images`.

    At 0 and at 100 % the variance is zero and says nothing. There the bound is exact: with none of G images
    behaving otherwise, at most 1 - (alpha/2)^(1/G) of all images do, and those might with all their questions.

    Args:
        hits: [N] numerator of each unit.
        base: [N] denominator of each unit.
        clusters: [N] image codes.
        level: of confidence.

    Returns:
        The interval as shares 0-1; None with fewer than two images.
    """
    x = np.bincount(clusters, weights=hits)
    n = np.bincount(clusters, weights=base)
    asked = n > 0
    x, n = x[asked], n[asked]
    images = len(n)
    if images < 2:
        return None
    total = float(n.sum())
    p = float(x.sum() / total)
    if p in (0.0, 1.0):
        rare = unseen_share(images, level)
        low, high = (0.0, rare) if p == 0 else (1 - rare, 1.0)
        return Share(low, high, float(images), math.nan, images)
    residual = x - p * n
    variance = float((residual**2 / (1 - n / total)).sum()) / total**2
    design_effect = variance / (p * (1 - p) / total)
    effective_n = total / max(1.0, design_effect)
    low, high = wilson(p, effective_n, t_quantile(even_images(n), level))
    return Share(low, high, effective_n, design_effect, images)
