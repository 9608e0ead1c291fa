"""What a comparison could have seen: the smallest difference that it would most likely call significant."""

from __future__ import annotations

import math

from lrm_eval.statistics.boundary import LEVEL

POWER = 0.8


def minimum_detectable(
    error: float, degrees: int, level: float = LEVEL, power: float = POWER, comparisons: int = 1
) -> float:
    """Minimum detectable effect: (t_{1-alpha/2m} + t_power) * error.

    Miller 2024 (arXiv:2411.00640, section 5) solved for the effect, with quantiles of t; Card et al. 2020. The
    design effect is in the clustered error.

    Args:
        error: clustered standard error of the paired difference, on the metric's scale.
        degrees: of freedom, images minus strata.
        level: of confidence, two-sided.
        power: chance of seeing an effect of that size.
        comparisons: m, how many are tested together (Bonferroni).

    Raises:
        ValueError: a level or power outside 0-1, or no comparison.
    """
    from scipy.special import stdtrit

    if not 0 < level < 1 or not 0 < power < 1 or comparisons < 1:
        raise ValueError("level and power lie between 0 and 1, and at least one comparison is made")
    degrees = max(1, degrees)
    alpha = (1 - level) / comparisons
    return error * (float(stdtrit(degrees, 1 - alpha / 2)) + float(stdtrit(degrees, power)))


def images_needed(
    effect: float, error: float, clusters: int, level: float = LEVEL, power: float = POWER, comparisons: int = 1
) -> int:
    """Images of the same kind that would make `effect` detectable: G * (error (z_{1-alpha/2m} + z_power) / effect)^2.

    Args:
        effect: difference to detect, on the metric's scale, not 0.
        error: clustered standard error of the difference as measured.
        clusters: G, images it was measured on.
        level: of confidence, two-sided.
        power: chance of seeing it.
        comparisons: m.

    Raises:
        ValueError: effect 0.
    """
    from scipy.special import ndtri

    if effect == 0:
        raise ValueError("no number of images detects a difference of 0")
    quantiles = float(ndtri(1 - (1 - level) / comparisons / 2)) + float(ndtri(power))
    return math.ceil(clusters * (error * quantiles / effect) ** 2)
