"""A weighted sum of metrics, in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrm_eval.statistics.bootstrap import REPLICATES
from lrm_eval.statistics.joint import Estimate, joint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrm_eval.scorers.metric import Metric


def combined_interval(
    metrics: Sequence[Metric], weights: Sequence[float], seed: int = 0, replicates: int = REPLICATES
) -> Estimate:
    """A weighted sum of metrics over the same images. For several sums of the same metrics, use `joint` once.

    Args:
        metrics: at least one.
        weights: as many.
        seed: of the bootstrap.
        replicates: B.

    Raises:
        ValueError: no metric, or not as many weights.
    """
    together = joint(dict(enumerate(metrics)), seed, replicates)
    return together.estimate(dict(zip(range(len(metrics)), weights, strict=True)))
