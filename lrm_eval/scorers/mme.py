"""MME as `eval_tool/calculation.py` scores it (MME, branch Evaluation, dd29509).

A subtask's score is 100 * accuracy + 100 * accuracy+, where accuracy+ counts the images with both questions
right: 200 at most. Perception is the plain sum of ten subtasks, cognition of four; no weighting by size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lrm_eval.errors import UsageError
from lrm_eval.scorers.metric import Guessing, Metric, ratio

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from lrm_eval.scorers.columns import Columns
    from lrm_eval.scorers.metric import FloatArray, IntArray

PERCEPTION = (
    "existence",
    "count",
    "position",
    "color",
    "posters",
    "celebrity",
    "scene",
    "landmark",
    "artwork",
    "OCR",
)
COGNITION = ("commonsense_reasoning", "numerical_calculation", "text_translation", "code_reasoning")
SUMS = {"perception": PERCEPTION, "cognition": COGNITION}


def subtask_score(sums: FloatArray) -> FloatArray:
    """[..., 4] sums of (questions, right, images, both right) -> [...] MME points, 0 to 200."""
    accuracy = ratio(sums[..., 1], sums[..., 0])
    accuracy_plus = ratio(sums[..., 3], sums[..., 2])
    return accuracy * 100 + accuracy_plus * 100


def sum_score(sums: FloatArray) -> FloatArray:
    """[..., 4 * S] sums of S subtasks side by side -> [...] their scores added up; NaN if one has no questions."""
    total = np.zeros(sums.shape[:-1])
    for start in range(0, sums.shape[-1], 4):
        total = total + subtask_score(sums[..., start : start + 4])
    return total


class _Pairs:
    """The image pairs of all subtasks: one unit each, [U]."""

    def __init__(self, data: Columns) -> None:
        keys: dict[tuple[int, str], int] = {}
        unit = np.empty(len(data.items), dtype=np.int64)
        for position, item in enumerate(data.items):
            sample = item.sample
            key = (int(data.category.codes[position]), sample.group or data.cluster.names[data.cluster.codes[position]])
            unit[position] = keys.setdefault(key, len(keys))
        self.unit = unit
        self.questions = np.bincount(unit, minlength=len(keys))
        self.right = np.bincount(unit, weights=data.right, minlength=len(keys))
        first = np.unique(unit, return_index=True)[1]
        self.category = data.category.codes[first]
        self.cluster = data.cluster.codes[first]
        if (self.questions > 2).any():
            worst = data.items[int(first[np.argmax(self.questions)])].sample
            raise UsageError(
                f"{worst.task}: image {worst.group or worst.cluster!r} of subtask {worst.category!r} has "
                f"{self.questions.max()} questions, MME needs exactly two per image and subtask"
            )
        self.both = (self.questions == 2) & (self.right == 2)
        self.single = int((self.questions == 1).sum())

    def stats(self, right: NDArray[Any], both: NDArray[Any]) -> FloatArray:
        """[U, 4] (questions, right, images, both right)."""
        return np.stack([self.questions, right, np.ones(len(right)), both], axis=1).astype(np.float64)


def _spread(stats: FloatArray, places: IntArray, count: int) -> FloatArray:
    """[U, 4] -> [U, 4 * count], each row's numbers in the columns of its subtask."""
    wide = np.zeros((len(stats), count, 4))
    wide[np.arange(len(stats)), places] = stats
    return wide.reshape(len(stats), count * 4)


# Of a pair and of a lone question: (chance, right, both right) of each way in which coin tosses may end.
_TOSSES = {2: ((0.25, 0, 0), (0.5, 1, 0), (0.25, 2, 1)), 1: ((0.5, 0, 0), (0.5, 1, 0), (0.0, 1, 0))}


def _guessing(questions: IntArray, places: IntArray, count: int) -> Guessing:
    """What coin tosses do to [U] units of one or two questions in `count` subtasks: 50 + 25 points each."""
    kinds, units = np.unique(np.stack([places, questions], axis=1), axis=0, return_counts=True)
    stats = np.zeros((len(kinds), 3, count, 4))
    chances = np.zeros((len(kinds), 3))
    for kind, (place, asked) in enumerate(kinds.tolist()):
        for way, (chance, right, both) in enumerate(_TOSSES[asked]):
            chances[kind, way] = chance
            stats[kind, way, place] = (asked, right, 1, both)
    return Guessing(units.astype(np.int64), chances, stats.reshape(len(kinds), 3, count * 4))


def metrics(data: Columns, declared: Sequence[str] | None) -> Iterator[Metric]:
    """Perception, cognition and every subtask present, in MME points; the primary one first.

    Args:
        data: the items.
        declared: the subtasks that the task consists of; None: the fourteen of MME. Perception and cognition
            run over the declared members of each, and are undefined if one of those has no questions.

    Raises:
        UsageError: an image has more than two questions in one subtask.
    """
    pairs = _Pairs(data)
    names = data.category.names
    wanted = tuple(declared) if declared is not None else PERCEPTION + COGNITION
    notes = []
    if pairs.single:
        # The official program stops at an image without two answers; here it counts as not both right.
        notes.append(f"{pairs.single} images with one answer instead of two")
    none_right = np.zeros(len(pairs.right))
    three = (
        pairs.stats(pairs.right, pairs.both),
        pairs.stats(none_right, none_right),
        pairs.stats(pairs.questions, pairs.questions == 2),
    )

    def make(name: str, members: Sequence[str], *, primary: bool, notes: Sequence[str]) -> Metric:
        place_of = {member: place for place, member in enumerate(members)}
        places = np.array([place_of.get(category, -1) for category in names], dtype=np.int64)[pairs.category]
        chosen = np.flatnonzero(places >= 0)
        stats, low, high = (_spread(each[chosen], places[chosen], len(members)) for each in three)
        items = (places >= 0)[pairs.unit]
        return Metric(
            name=name,
            primary=primary,
            stats=stats,
            clusters=pairs.cluster[chosen],
            strata=places[chosen],
            value_of=sum_score,
            proportion=False,
            n=int(pairs.questions[chosen].sum()),
            note="; ".join(notes),
            low=low,
            high=high,
            outcomes=data.outcomes(items),
            cluster_names=data.cluster.names,
            guessing=_guessing(pairs.questions[chosen], places[chosen], len(members)),
        )

    primary = True
    for name, group in SUMS.items():
        members = [member for member in group if member in wanted]
        if not members:
            continue
        absent = [member for member in members if member not in names]
        extra = [f"absent: {', '.join(absent)}"] if absent else []
        if len(members) < len(group):
            extra.append(f"sum over {', '.join(members)}")
        yield make(name, members, primary=primary, notes=[*extra, *notes])
        primary = False
    order = {name: place for place, name in enumerate(PERCEPTION + COGNITION)}
    for name in sorted(names, key=lambda name: (order.get(name, len(order)), name)):
        yield make(name, [name], primary=False, notes=notes)
