"""POPE as `evaluate.py` scores it (AoiDragon/POPE 08d957b); "yes" is the positive class.

The program scores one split at a time; the number of a task is the plain mean over the splits present,
as LLaVA reports it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lrm_eval.scorers.columns import encode
from lrm_eval.scorers.metric import Guessing, Metric, percentage, percentage_or_zero, ratio

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lrm_eval.scorers.columns import Columns
    from lrm_eval.scorers.metric import BoolArray, FloatArray, IntArray

SPLITS = ("random", "popular", "adversarial")

_TP, _FP, _TN, _FN, _YES = range(5)
_COUNTS = 5


def accuracy(counts: FloatArray) -> FloatArray:
    """[..., 5] counts (TP, FP, TN, FN, answered yes) -> [...] (TP + TN) / all, 0-1."""
    return ratio(counts[..., _TP] + counts[..., _TN], counts[..., :_YES].sum(axis=-1))


def precision(counts: FloatArray) -> FloatArray:
    """[..., 5] -> [...] TP / (TP + FP), 0-1.

    Deviation: with no "yes" predicted the program dies of a division by zero; here precision is 0 (and so is F1).
    """
    return ratio(counts[..., _TP], counts[..., _TP] + counts[..., _FP], empty=0.0)


def recall(counts: FloatArray) -> FloatArray:
    """[..., 5] -> [...] TP / (TP + FN), 0-1; NaN without a question whose answer is yes."""
    return ratio(counts[..., _TP], counts[..., _TP] + counts[..., _FN])


def f1(counts: FloatArray) -> FloatArray:
    """[..., 5] -> [...] harmonic mean of precision and recall, 0-1; 0 if both are."""
    p, r = precision(counts), recall(counts)
    return ratio(2 * p * r, p + r, empty=0.0)


def yes_ratio(counts: FloatArray) -> FloatArray:
    """[..., 5] -> [...] answers that are yes / all, 0-1."""
    return ratio(counts[..., _YES], counts[..., :_YES].sum(axis=-1))


_MEASURES: dict[str, Callable[[FloatArray], FloatArray]] = {
    "f1": f1,
    "accuracy": accuracy,
    "precision": precision,
    "recall": recall,
    "yes_ratio": yes_ratio,
}


# (hits, base) of a proportion from [..., 5] counts.
_BASES: dict[str, Callable[[FloatArray], FloatArray]] = {
    "accuracy": lambda c: np.stack([c[..., _TP] + c[..., _TN], c[..., :_YES].sum(axis=-1)], axis=-1),
    "precision": lambda c: np.stack([c[..., _TP], c[..., _TP] + c[..., _FP]], axis=-1),
    "recall": lambda c: np.stack([c[..., _TP], c[..., _TP] + c[..., _FN]], axis=-1),
}


def _guessing(gold_yes: BoolArray, right: BoolArray, place: IntArray, splits: int) -> Guessing:
    """What a reader does that says yes by the toss of a coin, [U] questions in some splits.

    F1 and recall fall with the share of yes: a model that sees little and says no is not below guessing for that.
    An answer that was not read counts as it is scored, as a yes where the answer is no and the other way round.
    """
    kinds, questions = np.unique(np.stack([place, gold_yes], axis=1), axis=0, return_counts=True)
    stats = np.zeros((len(kinds), 2, splits, _COUNTS))
    for kind, (split, positive) in enumerate(kinds.tolist()):
        stats[kind, 0, split, [_TP if positive else _FP, _YES]] = 1
        stats[kind, 1, split, _FN if positive else _TN] = 1
    return Guessing(
        questions.astype(np.int64),
        np.full((len(kinds), 2), 0.5),
        stats.reshape(len(kinds), 2, splits * _COUNTS),
        says_yes=np.array([True, False]),
        yes_rate=float((gold_yes == right).mean()) if len(right) else None,
    )


def _mean_of(measure: Callable[[FloatArray], FloatArray], splits: int) -> Callable[[FloatArray], FloatArray]:
    def value_of(sums: FloatArray) -> FloatArray:
        counts = sums.reshape(*sums.shape[:-1], splits, _COUNTS)
        mean: FloatArray = measure(counts).mean(axis=-1)
        return mean * 100

    return value_of


def _counted_right(data: Columns, gold_yes: BoolArray) -> tuple[BoolArray, BoolArray]:
    """([N] counted as right, [N] counted as an answer "yes")."""
    said_yes = np.array([item.reading.value == "yes" for item in data.items], dtype=np.bool_)
    if data.rules == "official":
        # The program knows no unparsed answer: whatever is not "no" is "yes".
        said_no = np.array([item.reading.value == "no" for item in data.items], dtype=np.bool_)
        # Deviation: a request that failed has no answer to give the program; it is wrong for its gold
        # answer instead of a "yes", which would be rewarded on half of the questions.
        failed = np.array([item.reading.outcome == "error" for item in data.items], dtype=np.bool_)
        said_yes = ~said_no & ~failed
        return np.where(gold_yes, said_yes, said_no), said_yes
    # Deviation: an answer without a reading is wrong for its gold answer: a false negative where the answer is
    # yes, a false positive where it is no. So it lowers recall or precision and never adds to F1. It is
    # no "yes" in yes_ratio.
    return data.right, said_yes


def _counts(gold_yes: BoolArray, right: BoolArray, said_yes: BoolArray) -> FloatArray:
    """[N, 5] TP, FP, TN, FN, answered yes."""
    return np.stack(
        [gold_yes & right, ~gold_yes & ~right, ~gold_yes & right, gold_yes & ~right, said_yes], axis=1
    ).astype(np.float64)


def metrics(data: Columns) -> Iterator[Metric]:
    """F1 (primary, first), accuracy, precision, recall and yes ratio: means over the splits, and each split's own."""
    gold_yes = np.array([item.sample.gold == "yes" for item in data.items], dtype=np.bool_)
    right, said_yes = _counted_right(data, gold_yes)
    split = encode(item.sample.split for item in data.items)
    order = {name: place for place, name in enumerate(SPLITS)}
    names = sorted(split.names, key=lambda name: (order.get(name, len(order)), name))
    place = np.array([names.index(name) for name in split.names], dtype=np.int64)[split.codes]

    every = np.ones(len(right), dtype=np.bool_)
    chosen_of = {name: split.codes == split.names.index(name) for name in names}
    yield from _of_splits(data, "", place, len(names), every, (gold_yes, right, said_yes))
    for name in names:
        if name:
            yield from _of_splits(data, f"_{name}", place * 0, 1, chosen_of[name], (gold_yes, right, said_yes))


def _of_splits(
    data: Columns,
    suffix: str,
    place: IntArray,
    splits: int,
    chosen: BoolArray,
    answers: tuple[BoolArray, BoolArray, BoolArray],
) -> Iterator[Metric]:
    """The five measures over one or several splits; with one split all but F1 are proportions."""
    gold_yes, right, said_yes = answers
    indices = np.flatnonzero(chosen)

    def spread(right: BoolArray, said_yes: BoolArray) -> FloatArray:
        wide = np.zeros((len(indices), splits, _COUNTS))
        counts = _counts(gold_yes[indices], right[indices], said_yes[indices])
        wide[np.arange(len(indices)), place[indices]] = counts
        return wide.reshape(len(indices), splits * _COUNTS)

    every, never = np.ones_like(right), np.zeros_like(right)
    stats = spread(right, said_yes)
    best, worst = spread(every, gold_yes), spread(never, ~gold_yes)
    all_yes, all_no = spread(gold_yes, every), spread(~gold_yes, never)
    outcomes = data.outcomes(indices)
    guessing = _guessing(gold_yes[indices], right[indices], place[indices], splits)
    bases = {
        "accuracy": (right, chosen),
        "precision": (gold_yes & right, chosen & (right == gold_yes)),
        "recall": (gold_yes & right, chosen & gold_yes),
        "yes_ratio": (said_yes, chosen),
    }
    for name, measure in _MEASURES.items():
        primary = name == "f1" and not suffix
        if splits == 1 and name in bases:
            hits, base = bases[name]
            value_of = percentage_or_zero if name == "precision" else percentage
            toss = None if name == "yes_ratio" else replace(guessing, stats=_BASES[name](guessing.stats))
            yield data.proportion(
                name + suffix, hits, base, primary=primary, value_of=value_of, outcomes=outcomes, guessing=toss
            )
            continue
        yield Metric(
            name=name + suffix,
            primary=primary,
            stats=stats,
            clusters=data.cluster.codes[indices],
            # Splits that ask about the same images, as POPE's do, are drawn as one stratum.
            strata=place[indices],
            value_of=_mean_of(measure, splits),
            proportion=False,
            n=len(indices),
            low=all_no if name == "yes_ratio" else worst,
            high=all_yes if name == "yes_ratio" else best,
            outcomes=outcomes,
            cluster_names=data.cluster.names,
            # A share of yes is nothing to be good at.
            guessing=None if name == "yes_ratio" else guessing,
        )
