"""Standard errors without resampling: how much each image moves a number.

For a share of questions this is the clustered standard error of Miller 2024 (arXiv:2411.00640, section 2.2); for
F1 or MME points it is the same on the linearised metric (Cochran 1977, ch. 6; the infinitesimal jackknife, Jaeckel
1972). Tests and detectable effects need it; intervals come from the bootstrap.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from lrm_eval.scorers.metric import FloatArray, IntArray

# Share of one image by which the weights are moved; the central difference is exact to its square.
_STEP = 0.01
_IMAGES_AT_ONCE = 20_000


def influences(value_of: Callable[[FloatArray], FloatArray], sums: FloatArray) -> FloatArray:
    """What one more image like each would add to the metric, to first order.

    The derivative of value_of(S + w (s_c - S/G)) at w = 0, by a central difference. Their sum is 0 for ratios.

    Args:
        value_of: of the metric, [..., K] -> [...].
        sums: [G, K] per image.

    Returns:
        [G]; NaN where the metric is undefined.
    """
    total, mean = sums.sum(axis=0), sums.mean(axis=0)
    found = np.empty(len(sums))
    for start in range(0, len(sums), _IMAGES_AT_ONCE):
        part = slice(start, start + _IMAGES_AT_ONCE)
        step = _STEP * (sums[part] - mean)
        found[part] = (value_of(total + step) - value_of(total - step)) / (2 * _STEP)
    return found


def standard_error(influence: FloatArray, strata: IntArray) -> float:
    """Clustered standard error: the root of the sum over strata of n/(n-1) sum (I_c - mean I)^2.

    Args:
        influence: [G], from `influences`.
        strata: [G]; strata of one image add nothing.
    """
    codes = np.unique(strata, return_inverse=True)[1]
    size = np.bincount(codes)
    mean = np.bincount(codes, weights=influence) / size
    squares = np.bincount(codes, weights=(influence - mean[codes]) ** 2)
    several = size > 1
    return math.sqrt(float((squares[several] * size[several] / (size[several] - 1)).sum()))


def t_test(value: float, error: float, degrees: int) -> float:
    """Two-sided p-value of value / error under Student's t."""
    from scipy.special import stdtr

    if error == 0:
        return 1.0 if value == 0 else 0.0
    return min(1.0, 2 * float(stdtr(max(1, degrees), -abs(value) / error)))
