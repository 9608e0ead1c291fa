"""A metric: additive numbers per scored unit, and a function of their sums.

Because every metric has this one form, its value is `value_of(stats.sum(0))`, and a bootstrap
over images is one matrix product of resampling weights with the sums per image.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
BoolArray: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Guessing:
    """What a reader that guesses does to the statistics: kinds of units, and how each may end.

    Attributes:
        counts: [T] units of each kind.
        probabilities: [T, J] of each way a unit may end; rows add up to 1.
        stats: [T, J, K] the unit's statistics in each.
        says_yes: [J] ways in which the reader said yes, where the question is yes or no and units are questions; else
            None.
        yes_rate: how often (0-1) the model's own answers count as yes where the metric depends on that (F1); else
            None. The alarm asks about a guessing reader that says yes as often.
    """

    counts: IntArray
    probabilities: FloatArray
    stats: FloatArray
    says_yes: BoolArray | None = None
    yes_rate: float | None = None


@dataclass(frozen=True, eq=False)
class Metric:
    """One number of a benchmark, with all that its interval needs.

    Attributes:
        name: as in scores.json, e.g. `f1_random`.
        primary: the headline metric of its task.
        stats: [N, K] additive numbers of each scored unit (a question, an image pair, a circular group).
        clusters: [N] code of the unit's image.
        strata: [N] code of the part whose size the benchmark fixes (MME's subtask), else 0.
        value_of: maps sums [..., K] to values [...]; NaN where the metric is undefined.
        proportion: the value is 100 * sum(stats[:, 0]) / sum(stats[:, 1]).
        n: items (of circular accuracy: groups) the value is taken over.
        note: what a reader must know; "" if nothing.
        low: [N, K] the stats had every unit gone as far down as it can; None if not known.
        high: [N, K] the same for up.
        outcomes: rate (0-1) of each outcome among the metric's items.
        cluster_names: content hash (or other name) of each cluster code, so that images can be paired across languages.
        guessing: what a reader that guesses would do; None where nothing can be guessed or guessing is no yardstick.
    """

    name: str
    primary: bool
    stats: FloatArray
    clusters: IntArray
    strata: IntArray
    value_of: Callable[[FloatArray], FloatArray]
    proportion: bool
    n: int
    note: str = ""
    low: FloatArray | None = None
    high: FloatArray | None = None
    outcomes: Mapping[str, float] = field(default_factory=dict)
    cluster_names: tuple[str, ...] = ()
    guessing: Guessing | None = None

    @cached_property
    def value(self) -> float | None:
        """The metric on the data as it is; None if undefined."""
        value = float(self.value_of(self.stats.sum(axis=0)))
        return value if math.isfinite(value) else None


def ratio(numerator: FloatArray, denominator: FloatArray, empty: float = math.nan) -> FloatArray:
    """Element-wise quotient, `empty` where the denominator is 0. Shapes: [...], [...] -> [...]."""
    result: FloatArray = np.full(np.broadcast_shapes(numerator.shape, denominator.shape), empty)
    np.divide(numerator, denominator, out=result, where=denominator != 0)
    return result


def percentage(sums: FloatArray) -> FloatArray:
    """100 * sums[..., 0] / sums[..., 1]; the `value_of` of a proportion. [..., 2] -> [...]."""
    return ratio(sums[..., 0], sums[..., 1]) * 100


def percentage_or_zero(sums: FloatArray) -> FloatArray:
    """`percentage`, but 0 over an empty base. [..., 2] -> [...]."""
    return ratio(sums[..., 0], sums[..., 1], empty=0.0) * 100
