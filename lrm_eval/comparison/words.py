"""A comparison in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrm_eval.comparison.model import MEAN
from lrm_eval.reporting.names import metric_label, task_title

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrm_eval.comparison.model import Line, Pair


def heading(line: Line) -> str:
    """`POPE, tiny: F1` of a line's task and metric."""
    return f"{task_title(line.task, line.condition)}: {metric_label(line.metric)}"


def verdicts(pair: Pair) -> list[str]:
    """What the pair comes to, in sentences: who is better where, and where nobody knows."""
    known = [line for line in pair.lines if line.verdict != "none"]
    if not known:
        return ["No score is defined in both runs."]
    sentences = []
    for verdict, name in (("second", pair.second), ("first", pair.first)):
        found = [line for line in known if line.verdict == verdict]
        if found:
            sentences.append(f"{name} is better in {len(found)} of {len(known)} comparisons: {_where(found)}.")
    still = [line for line in known if line.verdict == "open"]
    if len(still) == len(known):
        sentences.append(f"Neither is shown to be better in any of {len(known)} comparisons.")
    elif still:
        sentences.append(f"In the other {len(still)} the data cannot tell which is better: {_where(still)}.")
    return sentences


def _where(lines: Sequence[Line]) -> str:
    by_task: dict[str, list[str]] = {}
    for line in lines:
        by_task.setdefault(task_title(line.task, line.condition), []).append(line.language or "mean")
    return "; ".join(f"{task} ({', '.join(names)})" for task, names in by_task.items())


def unseen(pair: Pair) -> list[str]:
    """What the data cannot see, per task: the smallest differences that would have been found."""
    found: dict[str, list[float]] = {}
    units: dict[str, str] = {}
    for line in pair.lines:
        if line.language != MEAN and line.difference.detectable is not None:
            found.setdefault(heading(line), []).append(line.difference.detectable)
            units[heading(line)] = "points" if line.unit == "points" else "percentage points"
    sentences = []
    for name, sizes in found.items():
        worst = f" ({max(sizes):.1f} in the least certain language)" if max(sizes) - min(sizes) > 0.05 else ""
        sentences.append(
            f"{name}: a difference smaller than {min(sizes):.1f} {units[name]}{worst} would most likely not be found."
        )
    return sentences
