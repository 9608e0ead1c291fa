"""Metrics made by hand, for the tests of the statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lrm_eval.scorers.metric import Metric, percentage
from lrm_eval.scorers.pope import f1

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrm_eval.scorers.metric import FloatArray

Numbers = NDArray[Any]


def share_metric(hits: Numbers, images: Numbers, strata: Numbers | None = None, prefix: str = "") -> Metric:
    """A share of questions in percent; `images` are numbers, and the images' names are made of them."""
    hits = np.asarray(hits, dtype=np.float64)
    names, clusters = np.unique(images, return_inverse=True)
    ones = np.ones(len(hits))
    return Metric(
        name="accuracy",
        primary=True,
        stats=np.stack([hits, ones], axis=1),
        clusters=clusters.astype(np.int64),
        strata=np.zeros(len(hits), dtype=np.int64) if strata is None else np.asarray(strata, dtype=np.int64),
        value_of=percentage,
        proportion=True,
        n=len(hits),
        low=np.stack([ones * 0, ones], axis=1),
        high=np.stack([ones, ones], axis=1),
        cluster_names=tuple(f"{prefix}{name}" for name in names),
    )


def f1_metric(gold_yes: Sequence[bool] | Numbers, said_yes: Sequence[bool] | Numbers, images: Numbers) -> Metric:
    """POPE's F1 in percent over one split."""
    gold, said = np.asarray(gold_yes, dtype=bool), np.asarray(said_yes, dtype=bool)
    names, clusters = np.unique(images, return_inverse=True)

    def counts(said: Numbers) -> FloatArray:
        found = np.stack([gold & said, ~gold & said, ~gold & ~said, gold & ~said, said], axis=1)
        return found.astype(np.float64)

    def percent(sums: FloatArray) -> FloatArray:
        found: FloatArray = 100 * f1(sums)
        return found

    return Metric(
        name="f1",
        primary=True,
        stats=counts(said),
        clusters=clusters.astype(np.int64),
        strata=np.zeros(len(gold), dtype=np.int64),
        value_of=percent,
        proportion=False,
        n=len(gold),
        low=counts(~gold),
        high=counts(gold),
        cluster_names=tuple(str(name) for name in names),
    )
