"""Items as columns: one plain loop over the items, arrays ever after."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lrm_eval.scorers.metric import Guessing, Metric, percentage
from lrm_eval.types import OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from lrm_eval.scorers.metric import BoolArray, FloatArray, IntArray
    from lrm_eval.types import Item, Rules, Sample

_OUTCOME_CODE = {outcome: code for code, outcome in enumerate(OUTCOMES)}


class Coded(NamedTuple):
    """A column of names: [N] codes, and the name of each code in the order of first appearance."""

    codes: IntArray
    names: tuple[str, ...]


def encode(values: Iterable[str]) -> Coded:
    """Names to codes. O(N)."""
    index: dict[str, int] = {}
    codes = [index.setdefault(value, len(index)) for value in values]
    return Coded(np.array(codes, dtype=np.int64), tuple(index))


def slug(name: str) -> str:
    """A category as the suffix of a metric: lower case, anything but letters and digits an underscore."""
    return re.sub(r"[\W_]+", "_", name.casefold()).strip("_") or "unnamed"


def cluster_name(sample: Sample) -> str:
    """The unit of the error bars: the image's content, else the group, else the question itself."""
    if sample.cluster:
        return sample.cluster
    if sample.images and sample.images[0].sha256:
        return sample.images[0].sha256
    return sample.group or sample.id


def guess_chance(sample: Sample) -> float:
    """Chance (0-1) that a reader that guesses among the answers shown is right; NaN for free text."""
    if sample.kind == "yes_no":
        return 0.5
    shown = len(sample.labels) or len(sample.options)
    return 1 / shown if sample.kind == "option" and shown else math.nan


def _outcome_code(item: Item, rules: Rules) -> int:
    reading = item.reading
    if rules == "official" and reading.outcome == "read":
        # "other" (MME) and "Z" (MMBench) are values to the programs, but nobody's answer:
        # the unparsed rate has to count them.
        if reading.value == "other":
            return _OUTCOME_CODE["unparsed"]
        if reading.value == "Z" and "Z" not in item.sample.labels:
            return _OUTCOME_CODE["refusal"]
    return _OUTCOME_CODE[reading.outcome]


@dataclass(frozen=True, eq=False)
class Columns:
    """What all scorers need of the items. All arrays are [N], in the order of the items.

    Attributes:
        items: the items themselves.
        rules: the rules they were read under.
        right: the reading equals the gold answer.
        category: MME's subtask, the question type, the category.
        cluster: the image.
        outcome: code of the outcome in OUTCOMES.
        guess: chance (0-1) that a guess is right; NaN where nothing can be guessed.
    """

    items: Sequence[Item]
    rules: Rules
    right: BoolArray
    category: Coded
    cluster: Coded
    outcome: IntArray
    guess: FloatArray

    def outcomes(self, chosen: IntArray | BoolArray | slice = slice(None)) -> dict[str, float]:
        """Rate (0-1) of each outcome among the chosen items."""
        codes = self.outcome[chosen]
        counts = np.bincount(codes, minlength=len(OUTCOMES))
        return {name: float(count / max(1, len(codes))) for name, count in zip(OUTCOMES, counts, strict=True)}

    def proportion(
        self,
        name: str,
        hits: BoolArray,
        chosen: BoolArray,
        *,
        primary: bool = False,
        note: str = "",
        value_of: Callable[[FloatArray], FloatArray] = percentage,
        outcomes: Mapping[str, float] | None = None,
        guessing: Guessing | None = None,
    ) -> Metric:
        """A metric that is a share of single items.

        Args:
            name: of the metric.
            hits: [N] the items that count.
            chosen: [N] the items it is a share of.
            primary: the headline metric.
            note: for the reader.
            value_of: `percentage`, or `percentage_or_zero`.
            outcomes: rates to show instead of those of the chosen items' readings.
            guessing: what a reader that guesses would do, see `hit_or_miss`.
        """
        indices = np.flatnonzero(chosen)
        hit = hits[indices].astype(np.float64)
        return share(
            name,
            hit,
            self.cluster.codes[indices],
            self.cluster.names,
            outcomes if outcomes is not None else self.outcomes(indices),
            primary=primary,
            note=note,
            value_of=value_of,
            strata=self.category.codes[indices],
            guessing=guessing,
        )

    def guessing(self, chosen: BoolArray) -> Guessing | None:
        """What a guess at each of the chosen items does to the share of right answers."""
        return hit_or_miss(self.guess[chosen])


def hit_or_miss(chances: FloatArray) -> Guessing | None:
    """Units that a guess hits with the given chances [N] (0-1), for a share; None if one cannot be guessed."""
    if np.isnan(chances).any():
        return None
    values, counts = np.unique(chances, return_counts=True)
    ways = np.broadcast_to(np.array([[1.0, 1.0], [0.0, 1.0]]), (len(values), 2, 2))
    return Guessing(counts.astype(np.int64), np.stack([values, 1 - values], axis=1), ways)


def share(
    name: str,
    hits: FloatArray,
    clusters: IntArray,
    cluster_names: tuple[str, ...],
    outcomes: Mapping[str, float],
    *,
    primary: bool = False,
    note: str = "",
    value_of: Callable[[FloatArray], FloatArray] = percentage,
    strata: IntArray | None = None,
    guessing: Guessing | None = None,
) -> Metric:
    """A metric that is the share of units that hit. `hits`, `clusters` and `strata` are [N], one entry per unit."""
    ones = np.ones(len(hits))
    return Metric(
        name=name,
        primary=primary,
        stats=np.stack([hits, ones], axis=1),
        clusters=clusters,
        strata=np.zeros(len(hits), dtype=np.int64) if strata is None else strata,
        value_of=value_of,
        proportion=True,
        n=len(hits),
        note=note,
        low=np.stack([ones * 0, ones], axis=1),
        high=np.stack([ones, ones], axis=1),
        outcomes=outcomes,
        cluster_names=cluster_names,
        guessing=guessing,
    )


def columns(items: Sequence[Item], rules: Rules) -> Columns:
    """The columns of a list of items."""
    right = np.array([item.reading.value == item.sample.gold for item in items], dtype=np.bool_)
    return Columns(
        items=items,
        rules=rules,
        right=right,
        category=encode(item.sample.category for item in items),
        cluster=encode(cluster_name(item.sample) for item in items),
        outcome=np.array([_outcome_code(item, rules) for item in items], dtype=np.int64),
        guess=np.array([guess_chance(item.sample) for item in items], dtype=np.float64),
    )
