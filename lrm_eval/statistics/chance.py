"""What a reader that guesses would score on the same items, and what is left of a score above that.

A guess is right once in as many times as there are options, in MME 75 points a subtask (50 + 25), in
CircularEval about k^-k, and in F1 whatever follows from how often it says yes: so it is simulated on the items.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from lrm_eval.scorers.metric import FloatArray, Guessing, Metric

ALARM_LEVEL = 0.01
_SIMULATIONS = 10_000


class Chance(NamedTuple):
    """A metric beside a reader that guesses.

    Attributes:
        level: mean score of the guessing reader, on the metric's scale.
        low: 0.5 % quantile of its scores.
        high: 99.5 % quantile.
        corrected: 100 * (value - level) / (best - level): 0 is guessing, 100 is perfect, below 0 is worse than
            guessing. None where undefined.
        below: share of guessing readers that score no more than the value did; the p-value of the alarm. Where the
            score depends on how often one says yes (F1), the larger of that of a coin and that of a reader that
            says yes as often as the model.
        alarm: the score is below what guessing gives (p < 0.01): a failure of the parser or prompt is likely.
    """

    level: float
    low: float
    high: float
    corrected: float | None
    below: float
    alarm: bool


def guess_scores(
    guessing: Guessing, metric: Metric, simulations: int = _SIMULATIONS, seed: int = 0, yes_rate: float | None = None
) -> FloatArray:
    """[simulations] scores of a guessing reader on the metric's items.

    Units of one kind (same options, same subtask) are drawn together: how many of them end in which outcome is
    multinomial, which is exactly the distribution of the sums.

    Args:
        guessing: the kinds of units.
        metric: whose `value_of` scores the sums.
        simulations: readers.
        seed: of the guesses.
        yes_rate: how often (0-1) the reader says yes; None: every answer is equally likely.

    Raises:
        ValueError: a yes rate for a metric without yes and no, or outside 0-1.
    """
    rng = np.random.default_rng(seed)
    probabilities = guessing.probabilities
    if yes_rate is not None:
        if guessing.says_yes is None or not 0 <= yes_rate <= 1:
            raise ValueError(f"{metric.name} with a yes rate of {yes_rate}")
        probabilities = np.broadcast_to(np.where(guessing.says_yes, yes_rate, 1 - yes_rate), probabilities.shape)
    sums = np.zeros((simulations, guessing.stats.shape[-1]))
    for count, chances, stats in zip(guessing.counts.tolist(), probabilities, guessing.stats, strict=True):
        sums += rng.multinomial(count, chances, size=simulations) @ stats  # [R, J] @ [J, K]
    return metric.value_of(sums)


def chance_level(
    metric: Metric, simulations: int = _SIMULATIONS, seed: int = 0, yes_rate: float | None = None
) -> Chance | None:
    """The chance level of a metric on its own items, the score corrected for it, and the alarm.

    The correction is that of Cohen's kappa, (x - c) / (best - c), times 100. Its interval is the metric's own,
    put through the same line (`chance_corrected`). The alarm is the lower tail of the simulated scores, for a
    plain share the binomial one.

    Args:
        metric: with `guessing`.
        simulations: guessing readers.
        seed: of the guesses.
        yes_rate: how often (0-1) the reader says yes, e.g. as often as the model did: POPE's F1 of a reader that
            always says yes is 67, of one that tosses a coin 50. None: a coin.

    Returns:
        None where nothing can be guessed (free text), where guessing is no yardstick (yes ratio), or where the
        metric is undefined.

    Raises:
        ValueError: as `guess_scores`.
    """
    value = metric.value
    if metric.guessing is None or value is None or not len(metric.guessing.counts):
        return None
    scores = guess_scores(metric.guessing, metric, simulations, seed, yes_rate)
    scores = scores[np.isfinite(scores)]
    if not len(scores):
        return None
    level = float(scores.mean())
    low, high = np.quantile(scores, [0.005, 0.995])
    below = share_below(metric, scores, simulations, seed, yes_rate)
    corrected = chance_corrected(value, level, best(metric))
    return Chance(level, float(low), float(high), corrected, below, below < ALARM_LEVEL)


def share_below(
    metric: Metric, scores: FloatArray, simulations: int = _SIMULATIONS, seed: int = 0, yes_rate: float | None = None
) -> float:
    """The p-value of the alarm: how many guessing readers score no more than the value did.

    A model that mostly says no has a lower F1 than a coin, without a fault of parser or prompt: where a coin would
    raise the alarm, a reader that says yes as often as the model must raise it too.

    Args:
        metric: with a value and with `guessing`.
        scores: of the guessing readers, finite.
        simulations: readers of the second kind.
        seed: of their guesses.
        yes_rate: with which `scores` were made; None: a coin.
    """
    value, guessing = metric.value, metric.guessing
    assert value is not None and guessing is not None

    def share(drawn: FloatArray) -> float:
        return (1 + int((drawn <= value + 1e-9).sum())) / (1 + len(drawn))

    found = share(scores)
    if found < ALARM_LEVEL and yes_rate is None and guessing.yes_rate is not None:
        alike = guess_scores(guessing, metric, simulations, seed, guessing.yes_rate)
        found = max(found, share(alike[np.isfinite(alike)]))
    return found


def best(metric: Metric) -> float | None:
    """The score of a reader that is always right; None if the metric does not know it."""
    if metric.high is None:
        return None
    found = float(metric.value_of(metric.high.sum(axis=0)))
    return found if math.isfinite(found) else None


def chance_corrected(value: float | None, level: float | None, best: float | None) -> float | None:
    """100 * (value - level) / (best - level); None where anything is missing or guessing is already perfect.

    Use it for both ends of an interval as well: chance is a property of the items and carries no doubt.
    """
    if value is None or level is None or best is None or best - level <= 1e-9:
        return None
    return 100 * (value - level) / (best - level)
