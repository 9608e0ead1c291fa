"""Numbers over several cells of one table: means, gaps to English, ranks, and what is left above guessing.

All of them come from one draw of images that all languages of all models share (`lrm_eval.statistics.joint`), since
the same images are asked everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from lrm_eval.reporting.view import Estimate, Lowest, Place
from lrm_eval.scorers import BENCHMARKS, headline
from lrm_eval.statistics import rank_intervals, worst_of
from lrm_eval.statistics.chance import ALARM_LEVEL, best, guess_scores, share_below

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lrm_eval.scorers.metric import FloatArray, Metric
    from lrm_eval.statistics.joint import Joint
    from lrm_eval.types import Item, Rules

PIVOT = "en"
Key: TypeAlias = tuple[str, str]
"""Model, language tag."""


@dataclass(frozen=True, slots=True)
class Guess:
    """A cell beside a reader that guesses.

    Attributes:
        level: mean score of the guessing reader on the same items.
        top: score of a reader that is always right.
        alarm: the score is below what guessing gives (p < 0.01): parser or prompt have probably failed.
    """

    level: float
    top: float
    alarm: bool


@dataclass(frozen=True, eq=False)
class Numbers:
    """One metric of a table, in every model and language that has a value.

    Attributes:
        together: the metrics by (model, language), under the same resampled images.
    """

    together: Joint[Key]

    def mean(self, model: str, tags: Sequence[str]) -> Estimate | None:
        """Mean over `tags`; None if there are none or the model lacks one."""
        return self._estimate({(model, tag): 1 / len(tags) for tag in tags})

    def gap(self, model: str, tags: Sequence[str]) -> Estimate | None:
        """Mean over `tags` of the value less the value in English; None where something is missing."""
        if not tags:
            return None
        return self._estimate({**{(model, tag): 1 / len(tags) for tag in tags}, (model, PIVOT): -1.0})

    def _estimate(self, weights: Mapping[Key, float]) -> Estimate | None:
        if not weights or any(key not in self.together.metrics for key in weights):
            return None
        found = self.together.estimate(weights)
        return None if found.value is None else Estimate(found.value, found.low, found.high)

    def places(self, models: Sequence[str], tags: Sequence[str]) -> dict[str, Place]:
        """Rank intervals and tie groups by the mean over `tags`; nothing if there are fewer than two models."""
        weights = {
            model: {(model, tag): 1 / len(tags) for tag in tags}
            for model in models
            if tags and all((model, tag) in self.together.metrics for tag in tags)
        }
        if len(weights) < 2:
            return {}
        ranked = rank_intervals(self.together, weights)
        return {one.model: Place(one.low, one.high, one.group, one.best, one.beats) for one in ranked}

    def lowest(self, model: str, tags: Sequence[str]) -> Lowest | None:
        """The weakest of a model's languages among `tags`; None where there is nothing to choose from."""
        keys = {tag: (model, tag) for tag in tags if (model, tag) in self.together.metrics}
        if len(keys) < 2:
            return None
        found = worst_of(self.together, keys)
        assert found.estimate.value is not None
        return Lowest(
            found.language, found.estimate.value, found.not_separable, found.fifth, found.fifth_mean, found.spread
        )

    @cached_property
    def guesses(self) -> dict[Key, Guess]:
        """By cell; cells where nothing can be guessed are left out."""
        found: dict[Key, Guess] = {}
        # Models that were asked the same questions are held against the same guessing readers.
        scores: dict[tuple[bytes, ...], FloatArray] = {}
        for key, metric in self.together.metrics.items():
            top, value = best(metric), metric.value
            guessing = metric.guessing
            if guessing is None or top is None or value is None or not len(guessing.counts):
                continue
            same = (guessing.counts.tobytes(), guessing.probabilities.tobytes(), guessing.stats.tobytes())
            if same not in scores:
                drawn = guess_scores(guessing, metric)
                scores[same] = drawn[np.isfinite(drawn)]
            drawn = scores[same]
            if not len(drawn) or top - float(drawn.mean()) <= _NOTHING_LEFT:
                continue
            found[key] = Guess(float(drawn.mean()), top, share_below(metric, drawn) < ALARM_LEVEL)
        return found

    def corrected(self, model: str, tags: Sequence[str]) -> Estimate | None:
        """Mean over `tags` of 100 (value - chance) / (best - chance): 0 is guessing, 100 is perfect.

        Chance is a property of the questions and carries no doubt of its own: the interval is that of the weighted sum
        of the values, moved.
        """
        keys = [(model, tag) for tag in tags]
        if not keys or any(key not in self.guesses for key in keys):
            return None
        factors = {key: 100 / (self.guesses[key].top - self.guesses[key].level) / len(keys) for key in keys}
        moved = sum(factors[key] * self.guesses[key].level for key in keys)
        found = self._estimate(factors)
        return None if found is None else found.shifted(-moved)


# Where guessing is as good as being right nothing can be corrected.
_NOTHING_LEFT = 1e-9


def primary_metric(items: Sequence[Item], task: str, benchmark: str, rules: Rules) -> Metric | None:
    """The headline metric of a cell; None if it has no value.

    Args:
        items: of one cell, read under `rules`.
        task: its name; a task that is not named as its benchmark has the categories its items have.
        benchmark: whose metrics to compute; an unknown one (of a plug-in) has none.
        rules: the rule set.
    """
    if benchmark not in BENCHMARKS:
        return None
    declared = None if task == benchmark else list(dict.fromkeys(item.sample.category for item in items))
    found = headline(benchmark, items, rules, declared)
    return None if found is None or found.value is None else found
