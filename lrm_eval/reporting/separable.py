"""Which of our runs is the best of a column, and which are not separable from it.

Bold by the last digit crowns whoever was lucky. Here the best is named together with every run that is not
significantly worse on the same questions (simultaneous paired differences, `lrm_eval.statistics.ranks`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from lrm_eval.errors import LrmEvalError
from lrm_eval.runs.folder import Cell, RunFolder, benchmarks, categories

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lrm_eval.reporting.gather import GatheredRun
    from lrm_eval.scorers import Metric
    from lrm_eval.types import ScoreRow

Standing: TypeAlias = Literal["best", "near", ""]


def standings(rows: Mapping[str, tuple[GatheredRun, ScoreRow]]) -> dict[str, Standing]:
    """Who is best among runs on one task in one language.

    Args:
        rows: by the name of the model, its run and its headline row.

    Returns:
        By name: "best", "near" (not separable from the best), or "". Empty with fewer than two values: one run
        alone is the best of nothing. Runs that were not asked the same questions cannot be paired: then every
        one is near whose 95 % interval overlaps the best one's, and every one without an interval.
    """
    valued = {name: row for name, (_, row) in rows.items() if row.value is not None}
    if len(valued) < 2:
        return {}
    top = max(row.value or 0.0 for row in valued.values())
    best = {name for name, row in valued.items() if row.value == top}
    metrics = _paired({name: rows[name] for name in valued})
    near = _overlapping(valued, best) if metrics is None else _not_separable(metrics)
    return {name: "best" if name in best else "near" if name in near else "" for name in valued}


def _not_separable(metrics: Mapping[str, Metric]) -> set[str]:
    from lrm_eval.statistics.joint import joint
    from lrm_eval.statistics.ranks import rank_intervals

    ranked = rank_intervals(joint(metrics), {name: {name: 1.0} for name in metrics})
    return {one.model for one in ranked if one.best}


def _overlapping(rows: Mapping[str, ScoreRow], best: set[str]) -> set[str]:
    floors = [row.ci_low for name, row in rows.items() if name in best]
    lowest = None if any(low is None for low in floors) else min(low for low in floors if low is not None)
    return {name for name, row in rows.items() if lowest is None or row.ci_high is None or row.ci_high >= lowest}


def _paired(rows: Mapping[str, tuple[GatheredRun, ScoreRow]]) -> dict[str, Metric] | None:
    """The metric of every run over the same questions; None if they were not asked the same."""
    from lrm_eval import scorers
    from lrm_eval.comparison.align import load_cell, share
    from lrm_eval.types import Item

    cells = {}
    for name, (one, row) in rows.items():
        if not isinstance(one.run, RunFolder):
            return None
        try:
            cells[name] = load_cell(one.run, Cell(row.task, row.language, row.condition), row.rules)
        except LrmEvalError:
            return None
    first, (one, row) = next(iter(rows.items()))
    kind = benchmarks(one.manifest).get(row.task, "")
    declared = categories(one.manifest, row.task)
    if declared is None and row.task != kind:
        declared = list(dict.fromkeys(asked.item.sample.category for asked in cells[first].asked.values()))
    found: dict[str, Metric] = {}
    for name, cell in cells.items():
        shared = share(cells[first], cell, kind, (first, name))
        if shared.fatal or shared.reasons:
            return None
        # The first run's samples: the same questions, under the same names of images.
        items = [
            Item(cells[first].asked[key].item.sample, asked.item.response, asked.item.reading)
            for key, asked in cell.asked.items()
        ]
        try:
            metrics = {metric.name: metric for metric in scorers.metrics(kind, items, row.rules, declared)}
        except LrmEvalError:  # a benchmark of a package that is not installed here
            return None
        if row.metric not in metrics or metrics[row.metric].value is None:
            return None
        found[name] = metrics[row.metric]
    return found
