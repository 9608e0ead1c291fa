"""What a comparison is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lrm_eval.comparison.align import Asked
    from lrm_eval.statistics.paired import Difference
    from lrm_eval.types import Rules

Correction: TypeAlias = Literal["holm", "bh"]
CORRECTIONS: tuple[Correction, ...] = get_args(Correction)
Verdict: TypeAlias = Literal["second", "first", "open", "none"]
ALPHA = 0.05
MEAN = ""
"""The language of a line over several languages."""


@dataclass(frozen=True, slots=True)
class Line:
    """One comparison: second minus first.

    Attributes:
        task: task name.
        condition: "default", or what else was varied.
        language: tag; MEAN for the mean over `over`.
        over: the languages it is taken over.
        metric: name in scores.json.
        unit: "%" or "points".
        first: value of the first run; None if undefined.
        second: value of the second run.
        difference: second minus first, with interval and test.
        adjusted: p-value corrected over all lines of the comparison; None where there is no test.
        units: what `won` and `lost` count, "questions" or (CircularEval) "groups".
        total: how many of them there are.
        won: ids right in the second run alone.
        lost: ids right in the first run alone.
        verdict: which run is better; "open" if the data cannot tell; "none" if a score is undefined.
        note: what a reader must know; "" if nothing.
    """

    task: str
    condition: str
    language: str
    over: tuple[str, ...]
    metric: str
    unit: str
    first: float | None
    second: float | None
    difference: Difference
    adjusted: float | None
    units: str
    total: int
    won: tuple[str, ...]
    lost: tuple[str, ...]
    verdict: Verdict
    note: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two runs held against each other.

    Attributes:
        first: name of the first.
        second: name of the second.
        lines: per task, condition and metric: its languages, English first, then their mean.
        left_out: cells that are not compared, and why.
        reduced: cells of which only a common part is compared, and what was left out of them.
        answers: per (task, condition, language) both sides' questions, for examples.
    """

    first: str
    second: str
    lines: tuple[Line, ...]
    left_out: tuple[str, ...]
    reduced: tuple[str, ...]
    answers: Mapping[tuple[str, str, str], tuple[Mapping[str, Asked], Mapping[str, Asked]]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that `lrm-eval compare` shows.

    Attributes:
        models: (name, run folder) in the order given.
        rules: under which answers were read.
        correction: over all lines of all pairs.
        pairs: each later run against the first, or all pairs.
        tests: how many tests were corrected for.
    """

    models: tuple[tuple[str, str], ...]
    rules: Rules
    correction: Correction
    pairs: tuple[Pair, ...]
    tests: int
