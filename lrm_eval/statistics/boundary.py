"""Exact bounds for what was seen never, or hardly ever.

With every answer right, a bootstrap resamples perfection and a variance is zero: both give an interval of no
length, which claims certainty after however few images. What can be said is how many images in a hundred
might still go wrong: with none among G, at most 1 - 0.025^(1/G) at 97.5 % confidence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from lrm_eval.scorers.metric import FloatArray, IntArray

LEVEL = 0.95
# Resamples of four images or fewer miss the truth more than one time in ten, whatever quantile is taken.
FEWEST_CLUSTERS = 5
# Below this number of images an interval says little (Miller 2024, arXiv:2411.00640, and our own simulations).
FEW_CLUSTERS = 30


def clopper_pearson(count: int, total: int, level: float = LEVEL) -> tuple[float, float]:
    """Exact binomial interval for a share, as a pair of shares.

    Lower end: the alpha/2 quantile of Beta(k, n - k + 1); upper end: the 1 - alpha/2 quantile of
    Beta(k + 1, n - k). Clopper and Pearson 1934, Biometrika 26:404-413. For k = 0 the upper
    end is 1 - (alpha/2)^(1/n).

    Args:
        count: k, how often it was seen; 0 <= k <= n.
        total: n >= 1.
        level: of confidence, two-sided.
    """
    from scipy.special import betaincinv

    tail = (1 - level) / 2
    low = 0.0 if count == 0 else float(betaincinv(count, total - count + 1, tail))
    high = 1.0 if count == total else float(betaincinv(count + 1, total - count, 1 - tail))
    return low, high


def even_images(asked: FloatArray | IntArray) -> float:
    """How many images asked about equally often would leave as many degrees of freedom.

    A variance that rests on a few images with many questions is known less well than their number says. With a
    variance per image of n_c^2 (its answers all alike, the worst case), Satterthwaite's degrees of freedom are
    (sum n_c^2)^2 / sum n_c^4 (Satterthwaite 1946, Biometrics Bulletin 2:110-114; Bell and McCaffrey 2002, Survey
    Methodology 28:169-181): G if all images are asked about equally often, and never more.

    Args:
        asked: [G] questions about each image, or its weight.
    """
    # Shares, lest a fourth power overflow.
    squares = (np.asarray(asked, dtype=np.float64) / max(1e-300, float(np.max(asked, initial=0.0)))) ** 2
    fourth = float((squares**2).sum())
    return float(squares.sum()) ** 2 / fourth if fourth > 0 else 0.0


def unseen_share(total: int, level: float = LEVEL) -> float:
    """Largest share (0-1) of clusters that may behave otherwise when none of `total` did: 1 - (alpha/2)^(1/G)."""
    return float(1 - ((1 - level) / 2) ** (1 / total))
